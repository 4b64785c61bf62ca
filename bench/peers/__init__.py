"""Other tools on the same data, each as a program of its own: `python -m bench.peers.<name>`.

Each prints one JSON object as its last line: `seconds` of the work itself (without starting Python and importing the
tool), `rows`, and what else it found.
"""
