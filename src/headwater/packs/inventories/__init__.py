"""Inventories and indicators of countries, provinces and regions, as they are published."""

from __future__ import annotations

from importlib import resources

from headwater.packs.inventories.contracts import CountryIndicator, NationalInventory
from headwater.packs.pack import Pack

pack = Pack(
    name="inventories",
    title="Inventories and indicators of countries",
    contracts=(NationalInventory, CountryIndicator),
    mappings=resources.files(__name__).joinpath("mappings"),
)
