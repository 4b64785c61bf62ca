"""Greenhouse gas accounting after the GHG Protocol: activities, factors, emissions, reported figures."""

from __future__ import annotations

from importlib import resources

from headwater.packs.ghg.contracts import Activity, Emission, EmissionFactor
from headwater.packs.ghg.facility_emission import FacilityEmission
from headwater.packs.pack import Pack

pack = Pack(
    name="ghg",
    title="Greenhouse gas accounting",
    contracts=(Activity, EmissionFactor, Emission, FacilityEmission),
    mappings=resources.files(__name__).joinpath("mappings"),
)
