"""Exports that check themselves: a figure, a run or an inventory in one file, with all that it follows from."""
