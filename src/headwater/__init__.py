"""Sustainability data from wherever it is kept, to figures that can be followed back to the cell they came from.

The rooms, from the ground up; imports go down only:

    errors.py     every error, sorted by what the caller does next
"""

from __future__ import annotations

__version__ = "0.1.0"
