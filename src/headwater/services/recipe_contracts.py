"""Which contracts a recipe reads records of, and which it loads: by that one recipe is told to wait for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.services.installation import find_mapping, installed_packs
from headwater.services.logic import RESULTS, calculates

if TYPE_CHECKING:
    from pathlib import Path

    from headwater.pipeline.recipe import Recipe


def contracts_read(recipe: Recipe) -> frozenset[str]:
    """The contracts whose records a recipe reads, as in activity@1; none where it reads a file or a connector."""
    said = recipe.source
    return frozenset(() if said.contract is None else (said.contract, *said.follow.values()))


def contracts_loaded(recipe: Recipe, base: Path) -> frozenset[str]:
    """The contracts that a recipe loads records of, those it calculates included. Misuse where its mapping is none."""
    mapping = find_mapping(installed_packs(), recipe.mapping, base)
    loaded = [f"{mapping.contract_name}@{mapping.contract_major}"]
    if calculates(recipe, mapping.contract_name):
        loaded.append("{}@{}".format(*RESULTS))
    return frozenset(loaded)
