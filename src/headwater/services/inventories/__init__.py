"""Inventories: calculated from pinned inputs, shown, published, verified, traced.

inputs         what an inventory is made of, pinned and read again
calculating    lines made and stored in one transaction
sending        the same for whoever is not at the server
viewing        what stands: totals, findings, lines, differences, licences
publishing     a number for good
choosing       every candidate of an activity's figures, and why it was not taken

What an inventory rests on never changes with what is loaded later: it is read from its pins.
"""
