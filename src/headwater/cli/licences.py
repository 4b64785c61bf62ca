"""The licences that a report rests on, the same wherever one is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.cli.printing import print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.accounting.factors import RestsOn


def print_licences(found: Sequence[RestsOn]) -> None:
    """Sources and licences of factors and instruments, with how many of them so many lines rest on."""
    from headwater.services.reports.licences import HEADS, NUMBERS, texts

    if found:
        print_table(HEADS, texts(found), numbers=NUMBERS, title="Licences it rests on")
