"""Somebody is erased: the kept files say nothing of them any more, and all else in them is proved as before."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from headwater.errors import InputRefused, NotFound, RetryLater, Stopped
from headwater.pipeline.recipe import load_recipe
from headwater.services import deletions
from headwater.services.access.erasing import erase_subject
from headwater.services.access.theirs import Search
from headwater.services.imports import carry_out, plan_file
from headwater.services.kept_mappings import keep_mapping
from headwater.services.record_sources import plan_records
from headwater.services.uploads import looking
from headwater.services.verification import Verification, verify
from headwater.store.blobs import SEALED
from headwater.telemetry import SilentProgress
from tests.integration.access.test_erasing_subjects import shown, travel
from tests.integration.access.test_personal_values import ANN, BOB, CLARA, HEADER, PLAIN, load, proved
from tests.integration.jobs.test_files_looked_at import sent
from tests.integration.test_mending import exported, resubmitted
from tests.kept import content_of, contents, in_clear
from tests.river import activities

if TYPE_CHECKING:
    from uuid import UUID

    from tests.river import River

pytestmark = pytest.mark.server
OF_ANN = (b"hr/4711", b"Lovelace", b"2019-05-06", b"1984-03-02")
DORA = "hr/4716,hr,Dora Lee,FR,2018-07-08,,1,1985-04-04"


def kept(river: River) -> dict[str, bytes]:
    """What the files of the blob store say, by name."""
    return contents(river.installation)


def only_copy(river: River) -> Path:
    (path,) = river.installation.settings.blob_dir.rglob(f"*.redacted{SEALED}")
    return path


def says(river: River, *texts: bytes) -> list[tuple[str, bytes]]:
    return [(name, text) for name, content in kept(river).items() for text in texts if text in content]


def checked(river: River) -> Verification:
    return verify(river.installation, progress=SilentProgress())


def test_every_file_that_spoke_of_them_is_replaced_and_the_others_rows_are_proved_by_the_copies(river: River) -> None:
    load(river, ANN.replace("Ann", "Anna"), BOB, CLARA, DORA)
    load(river, ANN, BOB, CLARA)
    load(river, BOB, ANN, DORA)  # known by their hashes: no row stands for this file
    travel(
        river,
        "hr/T1,hr,hr/4711,2024-01-02,train,Berlin,Bonn,600,km",
        "hr/T2,hr,hr/4712,2024-01-03,train,Kiel,Bonn,90,km",
    )
    before = kept(river)

    done = erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")

    assert [(file.name, file.became, file.records) for file in done.files] == [
        ("erp_worker.csv", "redacted", 1), ("erp_worker.csv", "redacted", 1), ("erp_worker.csv", "redacted", 1),
        ("erp_travel.csv", "redacted", 1),
    ]  # fmt: skip
    assert says(river, *OF_ANN, b"Berlin") == []
    after = kept(river)
    for name, content in before.items():
        copy = after.get(f"{name}.redacted", after.get(name))
        assert copy is not None
        assert len(copy) == len(content)
        assert [line for line in copy.splitlines() if b"*" not in line] == [
            line for line in content.splitlines() if b"hr/4711" not in line
        ]
    found = proved(river)
    assert sorted(found.redacted) == ["erp_travel.csv", *["erp_worker.csv"] * 3]
    assert found.checked["records erased from files"] == 4
    assert shown(river, "erp.worker", "worker_id")[-1] == ("hr/4716",)


def test_what_others_rows_say_is_still_held_against_the_copy(river: River) -> None:
    load(river, ANN, BOB, DORA)
    erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    river.change("UPDATE erp_worker_v1 SET country = 'IT' WHERE country = 'FR'")
    found = {(each.table, each.key, each.column) for each in checked(river).differences}
    assert found == {
        ("erp_worker_v1", worker, column) for worker in ("hr/4712", "hr/4716") for column in ("country", "row_hash")
    }


def test_a_copy_that_was_changed_is_found(river: River) -> None:
    load(river, ANN, BOB)
    erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    path = in_clear(river.installation, bytes.fromhex(only_copy(river).name.partition(".")[0]))
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"Bob", b"Rob"))
    found = checked(river)
    assert ("blob store", "content") in {(each.table, each.column) for each in found.differences}


def test_the_same_file_is_not_taken_in_again_and_another_that_speaks_of_them_can_be_redacted(river: River) -> None:
    load(river, ANN, BOB)
    erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    with pytest.raises(InputRefused, match="erased"):
        load(river, ANN, BOB)
    assert says(river, *OF_ANN) == []
    load(river, BOB, ANN)
    assert says(river, *OF_ANN) != []
    done = erase_subject(river.installation, "erp.worker", "hr/4711", reason="brought again")
    assert done.subject_id is None
    assert [file.became for file in done.files] == ["redacted"]
    assert says(river, *OF_ANN) == []
    with pytest.raises(NotFound):
        erase_subject(river.installation, "erp.worker", "hr/4711", reason="once more")
    proved(river)


def test_several_are_erased_from_one_file_one_after_the_other(river: River) -> None:
    load(river, ANN, BOB, CLARA, DORA, chunk_size=2)
    for worker in ("hr/4711", "hr/4712"):
        erase_subject(river.installation, "erp.worker", worker, reason="asked for")
        proved(river)
    assert says(river, *OF_ANN, b"Babbage", b"hr/4712") == []
    assert shown(river, "erp.worker", "name")[0] == ("Dora Lee",)


def test_full_loads_refusals_and_repairs_of_others_are_proved_beside_what_was_erased(river: River) -> None:
    load(river, ANN, BOB, CLARA, DORA, strategy="full")
    load(river, ANN, BOB, CLARA, strategy="full")
    load(river, ANN, BOB, strategy="full")
    erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    proved(river)
    load(river, BOB, strategy="full")
    proved(river)


def test_who_is_killed_before_the_copy_is_in_place_is_made_good_by_the_next_erasure(river: River) -> None:
    load(river, ANN, BOB)
    before = kept(river)
    erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    path, here = only_copy(river), river.installation
    name = path.name.partition(".")[0]
    copy = hashlib.sha256(content_of(here, path)).hexdigest()
    path.with_name(name).write_bytes(before[name])  # as it was when the database had just been told
    path.rename(path.with_name(f"{name}.{copy}.copy{SEALED}"))
    given_up = path.with_name(f"{name}.{hashlib.sha256(OF_ANN[1]).hexdigest()}.copy")
    given_up.write_bytes(OF_ANN[1])  # by an erasure that ended before the database was told

    assert "not replaced yet" in str(checked(river).differences)
    with pytest.raises(NotFound):
        erase_subject(river.installation, "erp.worker", "hr/4799", reason="somebody else")
    assert says(river, *OF_ANN) == []
    proved(river)


def test_who_is_killed_before_the_file_beside_its_copy_is_removed_is_told_of_and_made_good(river: River) -> None:
    load(river, ANN, BOB)
    before = kept(river)
    erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    path = only_copy(river)
    name = path.name.partition(".")[0]
    path.with_name(name).write_bytes(before[name])

    assert "beside its redacted copy" in str(checked(river).differences)
    load(river, DORA)
    erase_subject(river.installation, "erp.worker", "hr/4716", reason="somebody of another file")
    assert says(river, *OF_ANN) == []
    proved(river)


def test_nobody_is_erased_while_a_file_that_may_speak_of_them_cannot_be_read(river: River) -> None:
    load(river, ANN, BOB)
    path = next(path for path in Path(river.installation.settings.blob_dir).rglob("*") if path.is_file())
    load(river, BOB, ANN)
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content[:-20])
    with pytest.raises(Stopped):
        erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    assert shown(river, "erp.worker", "name") == [("Ann Lovelace",), ("Bob Babbage",)]
    path.write_bytes(content)
    folder = path.parent.parent.rename(river.folder / "elsewhere")
    with pytest.raises(Stopped, match="the folder of kept files is not there"):
        erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    folder.rename(path.parent.parent)
    erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    assert says(river, *OF_ANN) == []
    proved(river)


def test_nobody_is_erased_where_a_file_came_while_the_others_were_looked_through(river: River) -> None:
    load(river, ANN, BOB)
    here = river.installation
    with here.database.connect(here.tenant_id) as connection:
        search = Search(here, connection, here.contract("erp.worker", 1).subject_domain, "hr/4711")
        search.look([], [])
        river.load(activities([{"activity_id": "a"}]))  # speaks of nobody
        search.refuse_planned_since()
        load(river, DORA, ANN)
        with pytest.raises(RetryLater, match="looked through"):
            search.refuse_planned_since()


def test_what_inspection_showed_of_a_file_goes_once_it_is_loaded_and_of_all_where_somebody_is_erased(
    river: River,
) -> None:
    load(river, ANN, BOB)
    here = river.installation
    keep_mapping(here, (river.folder / "erp_worker.yaml").read_text())
    content = f"Lovelace and others\n\n{HEADER}\n{BOB}\n{ANN}\n".encode()
    waiting, planned, cancelled = (
        looking.go_on(here, sent(here, "staff.csv", content, mapping)) for mapping in (None, "erp_worker", None)
    )
    looking.cancel(here, cancelled.import_id)
    assert (waiting.state, planned.state) == ("inspected", "planned")

    def told(import_id: UUID) -> str:
        (row,) = river.rows("SELECT found FROM imports WHERE import_id = %(import_id)s", import_id=import_id)
        return json.dumps(row["found"])

    assert "Lovelace" in told(waiting.import_id)
    for import_ in (planned, cancelled):
        assert "worker_id" in told(import_.import_id)
        assert [text for text in PLAIN if text in told(import_.import_id)] == []
    river.change("UPDATE runs SET state = 'cancelled', finished_at = now() WHERE state = 'pending'")
    erase_subject(here, "erp.worker", "hr/4711", reason="asked for")
    assert "worker_id" in told(waiting.import_id)
    assert [text for text in PLAIN if text in told(waiting.import_id)] == []
    assert looking.choose_mapping(here, waiting.import_id, "erp_worker").state in {"planned", "refused"}


def test_quoted_fields_and_lines_within_them_stay_in_their_places(river: River) -> None:
    load(river, 'hr/4711,hr,"Lovelace, ""Ann""\nof Kiel",DE,2019-05-06,,1,1984-03-02', BOB)
    erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    (copy,) = [content for name, content in kept(river).items() if name.endswith(".redacted")]
    assert copy.decode().splitlines()[1:] == [
        '*******,hr,"*****************', '*******",DE,**********,,1,**********', BOB,
    ]  # fmt: skip
    assert HEADER.encode() in copy
    proved(river)


def test_records_that_were_pinned_for_another_recipe_are_redacted_with_their_rows(river: River) -> None:
    travel(
        river,
        "hr/T1,hr,hr/4711,2024-01-02,train,Berlin,Bonn,600,km",
        "hr/T2,hr,hr/4712,2024-01-03,train,Kiel,Bonn,90,km",
    )
    fields = {
        "activity_id": {"column": "travel_id"}, "activity_type": {"constant": "travel.rail.national_rail"},
        "region": {"constant": "DE"}, "period_start": {"column": "travel_date"}, "quantity": {"column": "distance"},
        "unit": {"constant": "pkm"}, "note": {"column": "origin"},
    }  # fmt: skip
    mapping, recipe = river.folder / "journeys.yaml", river.folder / "journeys.recipe.yaml"
    body: dict[str, Any] = {"mapping": "journeys", "version": "1.0.0", "contract": "activity@1", "fields": fields}
    mapping.write_text(yaml.safe_dump(body))
    body = {"recipe": "journeys", "source": {"contract": "erp.travel@1"}, "mapping": str(mapping)}
    recipe.write_text(yaml.safe_dump(body))
    run_id = plan_records(river.installation, load_recipe(recipe), river.folder)
    carry_out(river.installation, run_id, progress=SilentProgress())
    assert len(says(river, b"Berlin")) == 2

    done = erase_subject(river.installation, "erp.travel", "hr/4711", reason="asked for")

    assert sorted((file.name, file.became) for file in done.files) == [
        ("erp.travel@1.csv", "redacted"), ("erp_travel.csv", "redacted"),
    ]  # fmt: skip
    assert says(river, b"Berlin", b"hr/4711") == []
    assert len(says(river, b"Kiel")) == 2
    proved(river)


def test_what_was_refused_of_others_and_mended_is_proved_beside_what_was_erased(river: River) -> None:
    bad = DORA.replace("hr/4716,hr,Dora Lee,FR,2018-07-08,,", "hr/4716,hr,Dora Lee,FR,2018-07-08,2001-01-01,")
    of_ann = "hr/4711,hr,Ann Lovelace,DE,2019-05-06,2001-01-01,1,1984-03-02"
    load(river, ANN, BOB, CLARA, bad)
    load(river, of_ann, BOB, CLARA, bad)
    rows = [row | {"left_on": ""} for row in exported(river) if row["name"] != "Clara Hopper"]
    assert len(rows) == 2
    resubmitted(river, rows)
    assert says(river, *OF_ANN) != []

    done = erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")

    assert says(river, *OF_ANN) == []
    assert {(file.name, file.became) for file in done.files} >= {
        ("erp_worker.csv", "redacted"),
        ("mend.csv", "redacted"),
    }
    proved(river)
    assert shown(river, "erp.worker", "name")[:2] == [("Bob Babbage",), ("Dora Lee",)]


def test_deleted_restored_and_destroyed_by_hand_beside_what_was_erased(river: River) -> None:
    load(river, ANN, BOB, DORA)
    deletions.delete(river.installation, "erp.worker", ["hr/4711", "hr/4712"], reason="left")
    load(river, DORA, ANN, BOB, CLARA)
    deletions.restore(river.installation, "erp.worker", ["hr/4711"], reason="came back")
    erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    proved(river)
    deletions.restore(river.installation, "erp.worker", ["hr/4712"], reason="came back")
    assert says(river, *OF_ANN) == []
    proved(river)


def test_a_file_that_is_loaded_is_waited_for_and_what_was_left_of_a_run_is_not_loaded_from_the_copy(
    river: River,
) -> None:
    load(river, ANN, BOB)
    run_id = plan_file(
        river.installation, river.folder / "erp_worker.csv", str(river.folder / "erp_worker.yaml"), chunk_size=1
    )
    with pytest.raises(RetryLater, match="being loaded"):
        erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    assert shown(river, "erp.worker", "name") == [("Ann Lovelace",), ("Bob Babbage",)]
    river.change("UPDATE runs SET state = 'cancelled', finished_at = now() WHERE run_id = %(run)s", run=run_id)
    erase_subject(river.installation, "erp.worker", "hr/4711", reason="asked for")
    with pytest.raises(Stopped, match="erased from its file"):
        carry_out(river.installation, run_id, progress=SilentProgress())


def test_who_are_erased_at_the_same_time_are_gone_from_the_same_file(river: River) -> None:
    load(river, ANN, BOB, DORA)
    with ThreadPoolExecutor() as pool:
        asked = [
            pool.submit(erase_subject, river.installation, "erp.worker", worker, reason="asked for")
            for worker in ("hr/4711", "hr/4712")
        ]
        for each in asked:
            assert [file.became for file in each.result().files] == ["redacted"]
    assert says(river, *OF_ANN, b"hr/4712", b"Babbage") == []
    proved(river)
