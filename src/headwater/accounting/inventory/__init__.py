"""Inventories: from a document, activities, factors and instruments to lines that can be computed again.

    document      what is counted, by which methods, with which factors: the written policy
    policy        which factor is taken, and why every other is not
    exchange      from the activity's unit to the factor's, money by dated rates
    figures       what one unit of a factor comes to in each set of potentials
    instruments   which kWh each energy instrument covers, by the market-based method
    tables        all that is worked out before any activity is multiplied
    lines_sql     activities × tables, as SQL; `twin` is the same in Python for one activity
    telling       findings: what is missing, what stood in for it
    lines         what comes out: the schema of a line, its hash, what makes up a total

Everything here works on pinned inputs; nothing reads what stands in a database today.
"""
