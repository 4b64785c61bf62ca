"""Two sets of figures compared: what moved, and by which cause, adding up with no rest.

causes    the causes in the order in which they are replaced, and what a comparison comes to
moves     the figures of every step beside each other, as SQL over columns
"""
