"""What a pack brings: contracts, migrations between their major versions, and folders of documents."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources.abc import Traversable

from headwater.contracts import Contract, Document, Migration, compile_contract


@dataclass(frozen=True, kw_only=True)
class Pack:
    """One domain or regulation. `contracts` holds every published version, the current ones and those before."""

    name: str
    title: str
    contracts: tuple[type[Contract], ...]
    migrations: tuple[Migration, ...] = ()
    mappings: Traversable  # folder of *.yaml; need not exist
    indicators: Traversable | None = None  # likewise

    def documents(self) -> tuple[Document, ...]:
        """The contracts, compiled, in order."""
        return tuple(compile_contract(contract) for contract in self.contracts)
