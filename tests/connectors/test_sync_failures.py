"""A source that fails: what may pass is asked again, what does not is a gap that the next try fills, and no more."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from headwater.errors import HeadwaterError, InputRefused, Misuse, RetryLater, unasked
from headwater.services.connectors.asking import FAILURES_TO_OPEN, OPEN_SECONDS, RETRY_AFTER_SECONDS, Asker, CircuitOpen
from headwater.services.connectors.keeping import change, find, opened
from headwater.services.imports import resume
from headwater.services.runs_view import show_run
from headwater.telemetry import SilentProgress
from tests.synced import Synced

pytestmark = pytest.mark.server


@dataclass
class Source:
    """Fails so many times, then answers."""

    failures: int
    after: float | None = None
    asked: int = 0
    waits: list[float] = field(default_factory=list)

    def answer(self) -> str:
        self.asked += 1
        if self.asked <= self.failures:
            error = RetryLater("the connection was lost", where="db.example.org")
            error.after = self.after
            raise error
        return "an answer"

    def asker(self, synced: Synced) -> Asker:
        installation = synced.river.installation
        return Asker(installation, find(installation, "plant").connector_id, "plant", wait=self.waits.append)


def test_what_may_pass_is_asked_again_after_longer_and_longer_waits(synced: Synced) -> None:
    source = Source(failures=3)
    assert source.asker(synced).ask(source.answer, about="chunk 1") == "an answer"
    assert len(source.waits) == 3
    for wait, seconds in zip(source.waits, RETRY_AFTER_SECONDS, strict=True):
        assert 0.75 * seconds <= wait <= 1.25 * seconds


def test_a_source_that_says_when_is_asked_then(synced: Synced) -> None:
    source = Source(failures=1, after=17.0)
    source.asker(synced).ask(source.answer, about="chunk 1")
    assert source.waits == [17.0]


def test_a_source_that_asks_for_longer_than_is_waited_is_not_asked_again(synced: Synced) -> None:
    source = Source(failures=10, after=3600.0)
    with pytest.raises(
        InputRefused, match="asks to be left alone for 3,600 s, and 300 s are waited at most"
    ) as refused:
        source.asker(synced).ask(source.answer, about="chunk 1")
    assert (source.asked, source.waits) == (1, [])
    assert re.search(r"After \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, run the same again", str(refused.value))
    with pytest.raises(CircuitOpen):
        source.asker(synced).ask(source.answer, about="chunk 2")
    assert source.asked == 1


def test_a_source_that_fails_when_it_is_tried_again_is_left_alone_again(synced: Synced) -> None:
    source = Source(failures=100)
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(InputRefused):
            source.asker(synced).ask(source.answer, about="chunk 1")
    synced.river.change(f"UPDATE source_circuits SET changed_at = changed_at - interval '{OPEN_SECONDS + 1} seconds'")
    with pytest.raises(InputRefused):
        source.asker(synced).ask(source.answer, about="chunk 1")
    assert synced.river.rows("SELECT state, failures FROM source_circuits") == [{"state": "open", "failures": 6}]
    asked = source.asked
    with pytest.raises(CircuitOpen, match="6 questions in a row"):
        source.asker(synced).ask(source.answer, about="chunk 1")
    assert source.asked == asked


def test_the_last_chunk_that_fails_is_a_gap_of_the_checkpoint(synced: Synced) -> None:
    synced.at_source(
        "CREATE VIEW shaky AS SELECT reading_id, site, month, changed_at,"
        " kwh / (CASE reading_id WHEN 950 THEN 0 ELSE 1 END) AS kwh FROM meter_reading WHERE reading_id > 0"
    )
    synced.sync(
        source={"table": "public.shaky", "key": ["reading_id"], "columns": ["reading_id", "site", "month", "kwh"]}
    )
    assert (synced.state()["last_chunk_no"], synced.state()["gaps"]) == (9, [10])


def test_other_errors_are_the_answer(synced: Synced) -> None:
    def refuse() -> None:
        raise InputRefused("this is no table", where="db.example.org")

    source = Source(failures=0)
    with pytest.raises(InputRefused, match="this is no table"):
        source.asker(synced).ask(refuse, about="chunk 1")
    assert source.waits == []


def test_after_five_failures_a_source_is_left_alone_and_one_asks_again_later(synced: Synced) -> None:
    for _ in range(FAILURES_TO_OPEN):
        source = Source(failures=10)
        with pytest.raises(InputRefused, match="the source failed 4 times"):
            source.asker(synced).ask(source.answer, about="chunk 1")
    left_alone = Source(failures=0)
    with pytest.raises(CircuitOpen, match="5 questions in a row came to no answer"):
        left_alone.asker(synced).ask(left_alone.answer, about="chunk 2")
    assert left_alone.asked == 0
    synced.river.change(f"UPDATE source_circuits SET changed_at = changed_at - interval '{OPEN_SECONDS + 1} seconds'")
    first, second = Source(failures=0), Source(failures=0)

    def ask_while_another_asks() -> str:
        with pytest.raises(CircuitOpen):
            second.asker(synced).ask(second.answer, about="chunk 2")
        return first.answer()

    assert first.asker(synced).ask(ask_while_another_asks, about="chunk 2") == "an answer"
    assert (first.asked, second.asked) == (1, 0)
    assert synced.river.rows("SELECT state, failures FROM source_circuits") == [{"state": "closed", "failures": 0}]


def test_a_refusal_is_an_answer_and_what_could_not_be_asked_is_none(synced: Synced) -> None:
    def circuit() -> tuple[str, int]:
        (row,) = synced.river.rows("SELECT state, failures FROM source_circuits")
        return row["state"], row["failures"]

    def later() -> None:
        synced.river.change(f"UPDATE source_circuits SET changed_at = changed_at - interval '{OPEN_SECONDS + 1} s'")

    def ask(error: HeadwaterError) -> None:
        def fail() -> None:
            raise error

        with pytest.raises((InputRefused, Misuse)):
            Source(failures=0).asker(synced).ask(fail, about="chunk 1")

    down, bad = RetryLater("nobody answers"), InputRefused("bad rows")
    no_right, no_secret = Misuse("a right is missing"), unasked(Misuse("the variable is not set"))
    for _ in range(FAILURES_TO_OPEN - 1):
        ask(down)
    ask(no_secret)
    assert circuit() == ("closed", FAILURES_TO_OPEN - 1)
    ask(bad)
    assert circuit() == ("closed", 0)
    for _ in range(FAILURES_TO_OPEN):
        ask(down)
    assert circuit() == ("open", FAILURES_TO_OPEN)
    later()
    ask(no_secret)
    assert circuit() == ("open", FAILURES_TO_OPEN)
    ask(no_right)
    assert circuit() == ("closed", 0)


def test_what_is_missing_here_says_nothing_of_the_source(synced: Synced, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_PASSWORD", raising=False)
    installation = synced.river.installation
    change(installation, "plant", {"password_ref": "env:NO_SUCH_PASSWORD"})
    with pytest.raises(Misuse) as refused, opened(installation, find(installation, "plant")) as source:
        source.validate()
    assert refused.value.is_unasked


def test_a_chunk_that_cannot_be_read_is_a_gap_and_only_that_is_read_again(synced: Synced) -> None:
    synced.at_source(
        "CREATE VIEW shaky AS SELECT reading_id, site, month, changed_at,"
        " kwh / (CASE reading_id WHEN 555 THEN 0 ELSE 1 END) AS kwh FROM meter_reading"
    )
    shaky = {"source": {"table": "public.shaky", "key": ["reading_id"]}}
    run_id, ledger = synced.sync(**shaky)
    # Ten ranges of the key, and one for rows without a key, of which a view may have some.
    assert (ledger.committed, ledger.failed, ledger.inserted) == (10, 1, 900)
    view = show_run(synced.river.installation, run_id)
    assert view.run.state == "partial_success"
    assert view.gaps
    assert (synced.state()["last_chunk_no"], synced.state()["gaps"]) == (5, [6])
    synced.at_source("CREATE OR REPLACE VIEW shaky AS SELECT reading_id, site, month, changed_at, kwh / 1 AS kwh"
                     " FROM meter_reading")  # fmt: skip
    resume(synced.river.installation, str(run_id), progress=SilentProgress())
    ledger = synced.river.ledger(run_id)
    assert (ledger.committed, ledger.failed, ledger.inserted) == (11, 0, 1000)
    assert (synced.state()["last_chunk_no"], synced.state()["gaps"]) == (11, [])
