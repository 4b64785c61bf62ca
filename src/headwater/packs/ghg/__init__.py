"""Greenhouse gas accounting after the GHG Protocol: activities, factors, emissions, reported figures."""

from __future__ import annotations

from importlib import resources

from headwater.packs.ghg.contracts import Activity, Emission, EmissionFactor
from headwater.packs.ghg.energy_instrument import EnergyInstrument
from headwater.packs.ghg.facility_emission import FacilityEmission
from headwater.packs.ghg.migrations import FACILITY_EMISSION_2, FacilityEmission2
from headwater.packs.ghg.organisation_fact import OrganisationFact
from headwater.packs.ghg.warming_potential import WarmingPotential
from headwater.packs.pack import Pack

pack = Pack(
    name="ghg",
    title="Greenhouse gas accounting",
    contracts=(
        Activity,
        EmissionFactor,
        Emission,
        EnergyInstrument,
        WarmingPotential,
        OrganisationFact,
        FacilityEmission,
        FacilityEmission2,
    ),
    migrations=(FACILITY_EMISSION_2,),
    mappings=resources.files(__name__).joinpath("mappings"),
    indicators=resources.files(__name__).joinpath("indicators"),
)
