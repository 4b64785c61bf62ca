"""Climate targets that companies, cities and countries have set or promised to set."""

from __future__ import annotations

from importlib import resources

from headwater.packs.pack import Pack
from headwater.packs.targets.contracts import ClimatePledge, SbtiTarget

pack = Pack(
    name="targets",
    title="Climate targets",
    contracts=(SbtiTarget, ClimatePledge),
    mappings=resources.files(__name__).joinpath("mappings"),
)
