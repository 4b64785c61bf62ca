"""Inventories: from a document, activities, factors and instruments to lines that can be computed again.

    document      what is counted, by which methods, with which factors: the written policy
    lines         what comes out: the schema of a line, its hash, what makes up a total

Everything here works on pinned inputs; nothing reads what stands in a database today.
"""
