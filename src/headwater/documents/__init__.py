"""Documents that people write: read as text, parsed as strict YAML, and what is wrong in them told key by key.

Beside it the words that all rooms above tell with: counts, and names that were meant.
"""
