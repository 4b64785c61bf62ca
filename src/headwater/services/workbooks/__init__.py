"""The very workbook that records came from, given back to be mended and sent again.

export   the workbook with what was refused coloured, noted and listed
mending  the edited workbook, sent again
rows     its rows as they were read, and as the edited copy holds them
"""
