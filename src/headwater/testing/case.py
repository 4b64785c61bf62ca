"""What the suite must be told of a source: how it is opened, how rows get there, and what it cannot do."""

from __future__ import annotations

import datetime
import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from headwater.connectors.protocol import Cause, Config, Kind, Selection
from headwater.errors import Misuse

UNREACHABLE: tuple[Cause, ...] = ("name_not_found", "refused", "timeout", "tls", "login", "missing_right")
"""What can stand in the way of a source; the suite brings each about, and `validate` must tell them apart."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row that the suite puts into a source.

    id     tells it from all others; None only where the table declares no key
    at     when it was changed last, with a time zone; None where nobody knows
    value  any text
    """

    id: int | None
    at: datetime.datetime | None
    value: str | None


class Opened(ABC):
    """What cases of tables and of files have in common.

    kind   what is tried
    lacks  what the source cannot do, and why, in a sentence: the names are those of the needs of `checks`. A check that
           needs it is reported as not applicable, with the reason. What is neither given nor declared fails.
    """

    kind: ClassVar[Kind]
    lacks: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def config(self) -> Config:
        """Of a source that answers, with a login that may read."""

    def resolve(self, reference: str) -> str:
        """The secret that the config refers to. What comes from here is searched for in everything that is said."""
        message = "the case resolves no secret"
        raise Misuse(message, where=reference, remedy="Define `resolve` in the case")

    def against(self) -> str:
        """Which server of which version the case is of, as the server itself tells: one of the kind's `proven_against`.

        Not asked where the kind names none.
        """
        raise not_given("against", "`against`")

    def wrong(self, cause: Cause) -> Config:
        """A config by which the source cannot be reached, for this reason.

        As it stands: by the fields `host` and `port`, where the config has them; a wrong login is a wrong secret, which
        the suite sees to itself.
        """
        config = self.config()
        fields = type(config).model_fields
        if cause == "login":
            return config
        if cause == "name_not_found" and "host" in fields:
            return config.model_copy(update={"host": "no-such-host.invalid"})
        if cause == "refused" and {"host", "port"} <= set(fields):
            return config.model_copy(update={"host": "127.0.0.1", "port": closed_port()})
        raise not_given(cause, f"a config in `wrong({cause!r})`")


class Case(Opened):
    """A source with one table of three columns, which the suite fills.

    table       its name, as `discover` gives it
    columns     what `id`, `at` and `value` of a `Row` are called there
    resolution  smallest step of time that the source keeps in `at`
    many_rows   rows of the table by which memory is measured, each with 500 characters
    memory      how many bytes the process may grow by while those are read
    """

    table: ClassVar[str] = "conformance"
    columns: ClassVar[tuple[str, str, str]] = ("id", "at", "value")
    resolution: ClassVar[datetime.timedelta] = datetime.timedelta(microseconds=1)
    many_rows: ClassVar[int] = 100_000
    memory: ClassVar[int] = 24 * 2**20

    @abstractmethod
    def make(self, rows: Sequence[Row]) -> None:
        """The table holds these rows and no others. Its key is `id`, unless a row comes without."""

    def insert(self, rows: Sequence[Row]) -> None:  # noqa: ARG002 - for the author to use
        """Rows are added."""
        raise not_given("insert", "`insert`")

    def update(self, rows: Sequence[Row]) -> None:  # noqa: ARG002 - for the author to use
        """Rows that are there, known by `id`, get another time and value."""
        raise not_given("update", "`update`")

    def delete(self, ids: Sequence[int]) -> None:  # noqa: ARG002 - for the author to use
        """Rows go."""
        raise not_given("delete", "`delete`")

    def make_values(self, sort: str, values: Sequence[Any]) -> str | Selection:  # noqa: ARG002 - for the author to use
        """A table with the columns `id` (1, 2, ...) and `value`, of the type that the source has for this sort.

        The last value is None. Gives the table's name or, where columns are called otherwise, what is to be read.
        """
        raise not_given(sort, f"a table in `make_values({sort!r}, ...)`")

    def held(self) -> int:
        """How many reads the source still holds something for: cursors, running statements, open responses."""
        raise not_given("held", "`held`")

    def row(self, record: Mapping[str, Any]) -> Row:
        """What was read, as the row it was made from."""
        number, moment, value = (record[name] for name in self.columns)
        if isinstance(moment, str):
            moment = datetime.datetime.fromisoformat(moment)
        if isinstance(moment, datetime.datetime) and moment.tzinfo:
            moment = moment.astimezone(datetime.UTC)
        return Row(id=None if number is None else int(number), at=moment, value=value)


def no_network(why: str) -> dict[str, str]:
    """What a source lacks that is not reached over a network and asks for no login."""
    return dict.fromkeys((*UNREACHABLE, "secret"), why)


def not_given(need: str, what: str) -> Misuse:
    """The author has neither given what a check needs nor said that there is no such thing."""
    message = f"the case neither gives {what} nor says why not"
    return Misuse(message, remedy=f"Define it, or declare lacks[{need!r}] with the reason")


def closed_port() -> int:
    """A port of this machine at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
