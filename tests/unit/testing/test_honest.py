"""The suite as an author runs it, on a source that does all it should."""

from __future__ import annotations

from headwater.testing import ConnectorConformance
from tests.unit.testing.memory_case import MemoryCase


class TestMemory(ConnectorConformance):
    case_type = MemoryCase
