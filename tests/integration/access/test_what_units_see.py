"""Somebody with rights in one unit sees and changes nothing of another's: runs, refused records, imports, sums."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from headwater.errors import Conflict, Forbidden, Misuse, NotFound
from headwater.services import deletions, emissions, house_lists, jobs, run_progress, runs_view
from headwater.services.access import record_units, units
from headwater.services.access.policy import RIGHTS_OF, Actor, Right, Role
from headwater.services.imports import file_recipe
from headwater.services.installation import Installation
from headwater.services.listing import Question
from headwater.services.quarantine import by_cell, exports, files, quarantines
from headwater.services.records import show_record
from headwater.services.tracing import tracer
from headwater.services.uploads import looking, receiving, viewing
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.river import River, activities, factors

pytestmark = pytest.mark.server


@dataclass(frozen=True, kw_only=True)
class Side:
    """A unit, what was brought into it, and somebody who has rights there and nowhere else."""

    unit_id: UUID
    run: str
    refused: str
    activity: str
    opened: Installation


def somebody_of(river: River, unit_id: UUID, role: Role = Role.DATA_ENGINEER) -> Installation:
    actor = Actor(name=f"person/{uuid4()}", rights=frozenset(), in_units={unit_id: RIGHTS_OF[role]})
    return river.installation.acting(actor)


def side(river: River, name: str) -> Side:
    """One file of one name for each unit, with a record that is refused."""
    unit_id = units.add(river.installation, name, "site").unit_id
    rows = [{"activity_id": f"{name}-1", "quantity": "10"}, {"activity_id": f"{name}-2", "quantity": "much"}]
    run, ledger = river.load(activities(rows), name="january.csv", unit=name)
    assert (ledger.inserted, ledger.quarantined) == (1, 1)
    (refused,) = quarantines.list_records(river.installation, state="open", run=str(run), rule=None, limit=9).records
    opened = somebody_of(river, unit_id)
    return Side(unit_id=unit_id, run=str(run), refused=str(refused.key), activity=f"{name}-1", opened=opened)


@pytest.fixture
def sides(river: River) -> tuple[River, Side, Side]:
    river.load(factors([{"factor_id": "f"}]), name="factors.csv", mapping="factor_form")
    return river, side(river, "A"), side(river, "B")


def told(call: Callable[[], Any], *names: str) -> str:
    """How something was refused, but for what was asked."""
    with pytest.raises((NotFound, Misuse)) as error:
        call()
    assert not isinstance(error.value, Forbidden)
    text = f"{type(error.value).__name__}: {error.value}"
    for name in names:
        text = text.replace(name, "…")
    return text


def test_of_another_unit_nothing_is_seen_or_changed(sides: tuple[River, Side, Side]) -> None:
    river, a, b = sides
    state = "SELECT (SELECT jsonb_agg(q ORDER BY quarantine_id, occurrence) FROM quarantine q) q,"
    state += " (SELECT jsonb_agg(r ORDER BY run_id) FROM runs r) r, (SELECT count(*) FROM jobs) j"
    before = river.rows(state)
    nobodys_run, nobodys_record = str(uuid4()), f"{uuid4()}.1"
    for call in of_a_run(a.opened):
        assert told(lambda: call(b.run), b.run) == told(lambda: call(nobodys_run), nobodys_run)  # noqa: B023
    for call in of_a_record(a.opened):
        unseen = told(lambda: call(b.refused), b.refused)  # noqa: B023
        assert unseen == told(lambda: call(nobodys_record), nobodys_record)  # noqa: B023
    for trace in (tracer.trace_emission, lambda here, key: tracer.trace_record(here, "activity", key)):
        assert told(lambda: trace(a.opened, b.activity), b.activity) == told(lambda: trace(a.opened, "X"), "X")  # noqa: B023
    assert river.rows(state) == before
    for mine, other in ((a, b), (b, a)):
        seen = everything(mine.opened)
        assert mine.run in seen
        assert other.run not in seen
        assert other.refused not in seen
        assert other.activity not in seen
        assert str(other.unit_id) not in seen


def of_a_run(here: Installation) -> list[Callable[[str], Any]]:
    """All that is done with a run."""
    return [
        lambda run: runs_view.show_run(here, run),
        lambda run: runs_view.find_run_id(here, run),
        lambda run: runs_view.goes_back(here, UUID(run)),
        lambda run: run_progress.progress(here, run),
        lambda run: house_lists.refused(here, Question(), run=run, rule=None),
        lambda run: house_lists.refused_by_rule(here, run=run, state=None),
        lambda run: exports.export(here, io.StringIO(), run=run, rule=None),
        lambda run: files.name_of(here, run=run, form="workbook"),
        lambda run: jobs.ask_resume(here, run),
    ]


def of_a_record(here: Installation) -> list[Callable[[str], Any]]:
    """All that is done with a refused record."""
    return [
        lambda key: quarantines.show_record(here, key),
        lambda key: quarantines.dismiss_records(here, [key], reason="x"),
        lambda key: by_cell.resubmit(here, {key: {"quantity": "1"}}),
    ]


def everything(here: Installation) -> str:
    """All lists there are, with what is counted."""
    question = Question(count=True)
    runs = house_lists.runs(here, question)
    chunks = house_lists.chunks(here, str(runs.items[0]["run_id"]), question)
    refused = house_lists.refused(here, question, run=None, rule=None)
    assert (runs.total, chunks.total, refused.total) == (1, 1, 1)
    listed = runs_view.list_runs(here, limit=9)
    assert (listed.total, len(listed.runs)) == (1, 1)
    (summed,) = emissions.calculated_emissions(here)
    by_rule = house_lists.refused_by_rule(here, run=None, state=None)
    assert list(by_rule.values()) == [1]
    (kept,) = quarantines.list_records(here, state=None, run=None, rule=None, limit=9).records
    written = io.StringIO()
    assert exports.export(here, written, run=None, rule=None).rows == 1
    return repr([runs, chunks, refused, listed.as_json(), vars(summed), by_rule, str(kept.key), written.getvalue()])


def test_in_their_own_they_do_what_they_have_the_right_to(sides: tuple[River, Side, Side]) -> None:
    river, a, b = sides
    here = a.opened
    assert runs_view.show_run(here, a.run).unit_id == a.unit_id
    assert tracer.trace_emission(here, a.activity).record.run.run_id == a.run
    viewer = somebody_of(river, a.unit_id, Role.VIEWER)
    with pytest.raises(Forbidden) as refused:
        quarantines.dismiss_records(viewer, [a.refused], reason="x")
    assert refused.value.value == Right.WRITE.value
    run = by_cell.resubmit(here, {a.refused: {"quantity": "7"}})
    assert runs_view.show_run(here, run).ledger.inserted == 1
    assert show_record(here, "activity", "A-2").unit_id == str(a.unit_id)
    assert quarantines.show_record(here, a.refused).record.state == "resubmitted"
    there, nowhere = (told(lambda: runs_view.show_run(b.opened, each), str(each)) for each in (run, uuid4()))  # noqa: B023
    assert there == nowhere
    job = jobs.ask_resume(here, a.run)
    assert jobs.show_job(here, job).as_json()["runs"] == []  # a worker has not begun
    assert jobs.list_jobs(b.opened) == ([], 0)
    for call in (jobs.show_job, jobs.cancel_job, jobs.retry_job):
        assert told(lambda: call(b.opened, job), str(job)) == told(lambda: call(b.opened, b.unit_id), str(b.unit_id))  # noqa: B023
    assert jobs.cancel_job(here, job).state == "cancelled"
    deletions.delete(here, "activity", ["A-2"], reason="x")
    assert [item["record_key"] for item in deletions.deleted_records(here, "activity", Question()).items] == ["A-2"]
    assert deletions.deleted_records(b.opened, "activity", Question(count=True)).total == 0
    assert verify(river.installation, progress=SilentProgress()).ok


def test_files_are_sent_into_ones_own_unit_and_no_other(sides: tuple[River, Side, Side]) -> None:
    _, a, b = sides
    for unit_id, error in ((None, Forbidden), (b.unit_id, Forbidden), (uuid4(), NotFound)):
        with pytest.raises(error) as refused:
            receiving.begin(a.opened, "f.csv", 1, mapping=None, unit_id=unit_id)
        assert error is NotFound or refused.value.value == Right.WRITE.value
    content = activities([{"activity_id": "A-3"}]).encode()
    begun = receiving.begin(a.opened, "january.csv", len(content), mapping="activity_by_hand", unit_id=a.unit_id)
    import_id = begun.import_id
    nobodys = uuid4()
    for call in (
        viewing.get, viewing.show, viewing.errors, viewing.history, looking.go_on, looking.cancel,
        lambda here, each: receiving.receive(here, each, 0),
        lambda here, each: looking.choose_mapping(here, each, "m"),
        lambda here, each: viewing.rows(here, each, limit=1, mapping=None),
    ):  # fmt: skip
        there = told(lambda: call(b.opened, import_id), str(import_id))  # noqa: B023
        assert there == told(lambda: call(b.opened, nobodys), str(nobodys))  # noqa: B023
    assert viewing.list_imports(b.opened, Question(count=True)).total == 0
    receiving_ = receiving.receive(a.opened, import_id, 0)
    receiving_.take(content)
    assert receiving_.close()
    (item,) = viewing.list_imports(a.opened, Question()).items
    assert (item["import_id"], item["unit_id"], item["state"]) == (import_id, a.unit_id, "uploaded")
    assert looking.cancel(a.opened, import_id).state == "cancelled"


def test_a_source_of_a_unit_is_its_own_until_it_is_given_away(sides: tuple[River, Side, Side]) -> None:
    """Two units send files of one name through one mapping; each is a source, whose records do not meet."""
    river, a, b = sides
    here = river.installation
    content = activities([{"activity_id": "A-1", "quantity": "11"}])
    again, ledger = river.load(content, name="january.csv", unit="A")
    assert (ledger.updated, runs_view.show_run(here, again).unit_id) == (1, a.unit_id)
    others = activities([{"activity_id": "A-1", "quantity": "12"}])
    _, foreign = river.load(others, name="january.csv", unit="B")
    assert (foreign.updated, foreign.quarantined) == (0, 1)  # a record of A's is not B's to change
    assert show_record(here, "activity", "A-1").values["quantity"].startswith("11.")
    sources = [each for each in record_units.list_sources(here) if each["name"] == "january.csv"]
    assert {each["unit_id"] for each in sources} == {str(a.unit_id), str(b.unit_id)}
    (of_a,) = [each for each in sources if each["unit_id"] == str(a.unit_id)]
    record_units.assign(here, of_a["source_id"], b.unit_id)
    with pytest.raises(Conflict, match="given to another unit"):
        river.load(content, name="january.csv", unit="A")
    assert told(lambda: runs_view.show_run(a.opened, a.run), a.run)
    assert runs_view.show_run(b.opened, a.run).unit_id == b.unit_id
    plain, _ = river.load(activities([{"activity_id": "N"}]), name="plain.csv")
    record_units.assign(here, "plain.csv", a.unit_id)
    kept, _ = river.load(activities([{"activity_id": "N", "quantity": "3"}]), name="plain.csv", unit=str(a.unit_id))
    ids = {runs_view.show_run(here, run).run.source_id for run in (plain, kept)}
    assert len(ids) == 1  # it was the unit's already
    units.archive(here, b.unit_id)
    for unit, error in (("nowhere", NotFound), (str(uuid4()), NotFound), (str(b.unit_id), Conflict)):
        with pytest.raises(error) as refused:
            river.load(content, name="z.csv", unit=unit)
        assert refused.value.where == "unit"
    assert file_recipe("f", "m").to_json() == file_recipe("f", "m", unit=None).to_json()
    assert "unit" not in file_recipe("f", "m").to_json()
    assert verify(here, progress=SilentProgress()).ok
