"""Figures stated in a set of warming potentials that nobody has loaded: a word misspelt, or a set still to come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.accounting.inventory.findings import UNKNOWN_SET, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headwater.accounting.inventory.tables import Tables
    from headwater.accounting.inventory.telling import Noticed

NOT_STATED = "not_stated"


def unknown_sets(noticed: Noticed, tables: Tables, reported: Mapping[str, int]) -> Iterator[Finding]:
    """Factors and instruments in use, and reported figures (set → activities), whose set is not there."""
    for (number, is_figure), (count, quantity) in sorted(noticed.pieces.items()):
        piece = tables.pieces[number]
        factor = piece.choice.factor
        if not is_figure or factor is None or _is_known(factor["gwp_set"], tables):
            continue
        yield Finding(
            rule_id=UNKNOWN_SET,
            subject=str(factor["factor_id"] or factor.get("instrument_id")),
            method=piece.method,
            stage=piece.wanted.stage,
            activities=count,
            quantity=quantity,
            unit=piece.wanted.unit,
            message=f"Its CO2e is stated by {factor['gwp_set']}. {_remedy(tables)}",
        )
    for name, count in sorted(reported.items()):
        if not _is_known(name, tables):
            yield Finding(
                rule_id=UNKNOWN_SET,
                subject="reported figures",
                activities=count,
                message=f"Their CO2e is stated by {name}. {_remedy(tables)}",
            )


def _is_known(name: str, tables: Tables) -> bool:
    return name == NOT_STATED or name in tables.potentials


def _remedy(tables: Tables) -> str:
    known = ", ".join(sorted(tables.potentials))
    return f"There is no such set, but {known}. Correct the name, or load the set as rows of warming_potential."
