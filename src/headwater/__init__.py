"""Sustainability data from wherever it is kept, to figures that can be followed back to the cell they came from.

The rooms, from the ground up; imports go down only:

    errors.py      every error, sorted by what the caller does next
    settings.py    what an installation can be told, from the environment and headwater.toml
    telemetry.py   log entries, and progress against the planned total
    memory.py      how a process takes its memory and gives it back
    documents/     what people write: read as text, strict YAML, what is wrong told key by key; counts in words
    extras.py      libraries that only some need, and how each is brought into this installation
    plugins.py     the doors for packs and connectors, which the built-in ones use too
    values/        parsing of text, exact decimals, canonical form, hashes; Python and SQL twins
    contracts/     what a record must be; every enforcer made from one document
    audit/         who did what: append-only, hash-chained
    lineage/       where a figure came from
    replay/        a figure or run checked again by the standard library alone, wherever its file is taken
    engine/        SQL on columns: expressions, named operations, DuckDB
    connectors/    bring records in; know no database of ours
    mapping/       source columns to contract fields, as versioned documents
    quality/       findings: what is wrong with a row, and how to mend it
    accounting/    units, factors, calculations
    packs/         one folder a domain: contracts, mappings, reference data
    store/         the only room that speaks PostgreSQL; migrations, COPY, row-level security, blobs
    pipeline/      the composer: plan, run, resume; defines the ports it needs
    testing/       public kit: what a connector must do, checked by one class in its author's tests
    services/      use cases: the one face behind all faces
    jobs/          the queue's workers: each job in a process of its own, taken up again when it is killed
    api/           the HTTP interface, thin over services: a declared right for every route, one shape of errors
    cli/           the command line, thin over services
"""

from __future__ import annotations

__version__ = "0.1.0"
