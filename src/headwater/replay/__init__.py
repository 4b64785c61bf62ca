"""A figure, a run or an inventory checked again by the standard library alone: what travels inside an exported file.

    program     the expressions of mappings and contracts as instructions, and what runs them
    patterns    regular expressions that mean the same to the engine and to Python
    container   the file: its members, its seal, how much of it is opened
    records     from the cells of a record to its row and its hash
    figures     from a row and the factors to its figure
    choosing    which factor an inventory takes, by its document's policy
    inventory   the lines of an inventory from its pinned rows
    chain       the entries of the audit chain from the run's first to the head
    check       all of it, stage by stage, to the first thing that differs

Nothing here imports anything but the standard library, `headwater.errors`, `headwater.values`, `headwater.audit` and
the pure parts of `headwater.contracts`: an exported file carries these modules, and runs without Headwater.
"""
