"""The suite as an author runs it, on a source that does all it should."""

from __future__ import annotations

from headwater.testing import ConnectorConformance, FileStoreConformance
from tests.unit.testing.memory_case import MemoryCase
from tests.unit.testing.memory_store import MemoryStoreCase


class TestMemory(ConnectorConformance):
    case_type = MemoryCase


class TestMemoryStore(FileStoreConformance):
    case_type = MemoryStoreCase
