"""The only room that speaks PostgreSQL, and the folder of raw inputs beside it.

SQL stands in `sql/*.sql`, each statement with a name and a sentence; the schema is what `migrations/` and the contract
documents make of an empty database, in that order.
"""
