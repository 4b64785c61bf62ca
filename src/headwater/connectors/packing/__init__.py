"""Packed files: what is in them, and one of it brought out, guarded."""

from headwater.connectors.packing.archive import Member, members, names_in_zip, pick, unpack
from headwater.connectors.packing.kinds import PACKINGS, packing_of, unpacked_name
from headwater.connectors.packing.limits import Limits

__all__ = ["PACKINGS", "Limits", "Member", "members", "names_in_zip", "packing_of", "pick", "unpack", "unpacked_name"]
