"""One folder a domain or regulation: contracts, mappings, migrations. Found by the entry point group `headwater.packs`,
whose entries name a `Pack`; the built-in ones come in by the same door.
"""

from __future__ import annotations

from headwater.packs.pack import Pack

__all__ = ["Pack"]
