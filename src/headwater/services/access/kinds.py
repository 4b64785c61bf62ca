"""What a unit can be; apart from what is done with units, as the command line names it before anything is opened."""

from __future__ import annotations

from enum import StrEnum


class UnitKind(StrEnum):
    """What a unit is."""

    DIVISION = "division"
    DEPARTMENT = "department"
    LABORATORY = "laboratory"
    SITE = "site"
