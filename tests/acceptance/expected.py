"""What is to become of records in their order, worked out without Headwater."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Expected:
    """The first record of a key stays, equal ones are merged with it, others refused."""

    contract: str
    standing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    merged: int = 0
    refused: dict[int, str] = field(default_factory=dict)

    def take(self, number: int, key: str, content: tuple[str, ...], broken: str | None = None) -> None:
        """One record: its number in the file, its key, all that is kept of it, and the rule it breaks by itself."""
        if broken is not None:
            self.refused[number] = broken
        elif key not in self.standing:
            self.standing[key] = content
        elif self.standing[key] == content:
            self.merged += 1
        else:
            self.refused[number] = f"{self.contract}.key.conflict"

    def agrees_with(self, refused: dict[int, list[str]]) -> bool:
        """Whether just these records were refused, each for this rule, perhaps beside others."""
        return refused.keys() == self.refused.keys() and all(
            rule in refused[number] for number, rule in self.refused.items()
        )
