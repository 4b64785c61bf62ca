"""How a source is asked: tried again where that may help, and left alone for a while where it does not."""

from __future__ import annotations

import random
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

from headwater.documents.counted import counted
from headwater.errors import InputRefused, Misuse, RetryLater
from headwater.store.connectors import Circuit, circuit_of, may_try_again, note_refusal, set_circuit
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from headwater.services.installation import Installation

T = TypeVar("T")
RETRY_AFTER_SECONDS = (2.0, 4.0, 8.0)
JITTER = 0.25
"""Waits are longer or shorter by up to this share, so that many who failed together do not come back together."""
LONGEST_WAIT = 300.0
"""A source that asks for more is not asked again: what it was asked for is left for later."""
FAILURES_TO_OPEN = 5
OPEN_SECONDS = 60.0
NOTHING_PLANNED = "no run was planned that could go on."


class CircuitOpen(RetryLater):
    """A source has failed so often that it is not asked for a while; nothing was tried."""


def seconds_left(circuit: Circuit) -> float:
    """For how long a source whose circuit is not closed is left alone yet."""
    return max(0.0, OPEN_SECONDS - circuit.seconds)


@contextmanager
def refusal_noted(installation: Installation, connector_id: UUID) -> Iterator[None]:
    """While a sync is planned: what the source refuses it for stands with the connector, since there is no run."""
    try:
        yield
    except (Misuse, InputRefused) as error:
        with installation.database.connect(installation.tenant_id) as connection:
            note_refusal(connection, installation.tenant_id, connector_id, str(error))
        raise


class Asker:
    """Asks one source. A question that trying again did not get answered counts; so many in a row, of whichever run or
    process, open its circuit, and one does whose refusal asks for longer than is waited. A source that refuses, or
    gives what cannot be read, has answered. What could not even be asked says nothing of the source.
    """

    def __init__(
        self,
        installation: Installation,
        connector_id: UUID,
        name: str,
        *,
        wait: Callable[[float], object] | None = None,
        of_run: bool = False,
    ) -> None:
        """of_run: a run is planned that holds what is asked for, so that it can go on with what failed."""
        self._installation = installation
        self._connector_id = connector_id
        self._name = name
        self._wait = wait or Event().wait
        self._of_run = of_run

    def ask(self, question: Callable[[], T], *, about: str) -> T:
        """The answer; InputRefused once it was asked four times in vain, or asks for too long a wait; CircuitOpen where
        it is not asked at all.

        Only what may pass is asked again (`RetryLater`); other errors are the answer.
        """
        before, tries = self._check_circuit(), 0
        while True:
            try:
                answer = question()
            except RetryLater as error:
                tries += error.tries
                if not self._waited(error, about, tries):
                    self._failed(error, at_once=_is_long(error))
                    raise self._given_up(error, about, tries) from error
            except (Misuse, InputRefused) as error:
                if isinstance(error, Misuse) and error.is_unasked:
                    self._not_asked(before)
                else:
                    self._answered()
                raise
            else:
                self._answered()
                return answer

    def repeat_requests(self, source: object) -> None:
        """Have a source of many small requests send the one again that failed, not all of a question. A request that
        was sent as often as a question is asked is the end of its question.
        """
        client: Any = getattr(source, "client", None)
        if hasattr(client, "ask_again"):
            client.ask_again(lambda error, tries: self._waited(error, error.where or self._name, tries))

    def _given_up(self, error: RetryLater, about: str, number: int) -> InputRefused:
        what, then = f"the source failed {counted(number, 'time')}: {error.what}", "When it is well again"
        if error.after is not None and _is_long(error):
            then = f"After {datetime.now(UTC) + timedelta(seconds=error.after):%Y-%m-%d %H:%M:%S} UTC"
            what = (
                f"the source asks to be left alone for {error.after:,.0f} s, and {LONGEST_WAIT:.0f} s are waited at "
                f"most: {error.what}"
            )
        again = f": headwater connectors retry-failed {self._name}" if self._of_run else None
        again = again or f", run the same again: {NOTHING_PLANNED}"
        remedy = " ".join(filter(None, (error.remedy and f"{error.remedy.rstrip('.')}.", then + again)))
        return InputRefused(what, where=error.where or about, value=error.value, valid=error.valid, remedy=remedy)

    def _waited(self, error: RetryLater, about: str, tries: int) -> bool:
        """Whether it may be asked again, which is so once the wait is over."""
        if tries > len(RETRY_AFTER_SECONDS) or _is_long(error):
            return False
        seconds = RETRY_AFTER_SECONDS[tries - 1]
        jittered = seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, hides nothing
        pause = jittered if error.after is None else error.after
        get_logger(__name__).warning(
            "the source is asked again", connector=self._name, about=about, attempt=tries, wait=round(pause, 1),
            error=str(error),
        )  # fmt: skip
        self._wait(pause)
        return True

    def _check_circuit(self) -> Circuit:
        """The circuit as it stands; of one that is open, where this is the one who may ask."""
        with self._installation.database.connect(self._installation.tenant_id) as connection:
            circuit = circuit_of(connection, self._installation.tenant_id, self._connector_id)
            if circuit.state == "closed":
                return circuit
            if may_try_again(connection, self._installation.tenant_id, self._connector_id, OPEN_SECONDS):
                return circuit
        raise CircuitOpen(
            f"{counted(circuit.failures, 'question')} in a row came to no answer, and the source is left alone for "
            f"another {seconds_left(circuit):.0f} s",
            where=f"connector {self._name}",
            value=circuit.last_error,
            remedy=(
                "Chunks not read stay pending: resume the run then."
                if self._of_run
                else f"Run the same again then: {NOTHING_PLANNED}"
            ),
        )

    def _not_asked(self, before: Circuit) -> None:
        """Who had the turn to ask gives it back: whoever comes next may ask at once."""
        if before.state == "closed":
            return
        with self._installation.database.connect(self._installation.tenant_id) as connection:
            set_circuit(
                connection,
                self._installation.tenant_id,
                self._connector_id,
                state=before.state,
                failures=before.failures,
                last_error=before.last_error,
                seconds=before.seconds,
            )

    def _failed(self, error: RetryLater, *, at_once: bool) -> None:
        with self._installation.database.connect(self._installation.tenant_id) as connection:
            before = circuit_of(connection, self._installation.tenant_id, self._connector_id)
            failures = before.failures + 1
            is_open = at_once or before.state == "half_open" or failures >= FAILURES_TO_OPEN
            set_circuit(
                connection,
                self._installation.tenant_id,
                self._connector_id,
                state="open" if is_open else "closed",
                failures=failures,
                last_error=str(error),
            )

    def _answered(self) -> None:
        """A healthy source costs one look a question, and no write."""
        with self._installation.database.connect(self._installation.tenant_id) as connection:
            before = circuit_of(connection, self._installation.tenant_id, self._connector_id)
            if before.failures or before.last_error is not None or before.state != "closed":
                set_circuit(
                    connection,
                    self._installation.tenant_id,
                    self._connector_id,
                    state="closed",
                    failures=0,
                    last_error=None,
                )


def _is_long(error: RetryLater) -> bool:
    """Whether the source asks for a longer wait than it is given."""
    return error.after is not None and error.after > LONGEST_WAIT
