"""From one major version of a contract to the next: the new contract and how stored rows are carried over."""

from __future__ import annotations

from headwater.packs.ghg.migrations.facility_emission_2 import FACILITY_EMISSION_2, FacilityEmission2

__all__ = ["FACILITY_EMISSION_2", "FacilityEmission2"]
