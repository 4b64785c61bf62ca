"""The European Union's carbon border adjustment mechanism: what was imported, and what is embedded in it."""

from __future__ import annotations

from importlib import resources

from headwater.packs.cbam.contracts import CbamImport
from headwater.packs.pack import Pack

pack = Pack(
    name="cbam",
    title="Carbon border adjustment mechanism",
    contracts=(CbamImport,),
    mappings=resources.files(__name__).joinpath("mappings"),
)
