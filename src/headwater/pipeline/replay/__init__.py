"""A run done again, chunk by chunk in the order of the audit chain, beside what is stored: the other end of the ports.

`ChunkWriter` and `Preparation` work here as they do in a run; in place of the database stands a model of it, built from
nothing but raw files and documents, and every row it comes to is compared with the row that is stored.
"""
