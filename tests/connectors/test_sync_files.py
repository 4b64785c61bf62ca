"""Files of a bucket synced into the river: at first, what is new and changed, what changes while it is read."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import obstore
import pytest
import yaml

from headwater.errors import InputRefused
from headwater.pipeline.recipe import Recipe
from headwater.services.batches import Imported
from headwater.services.connectors.keeping import add, change, find, opened
from headwater.services.connectors.syncing import files_of_store, sync_files
from headwater.services.quarantine import quarantines
from headwater.services.quarantine.dead_letters import mirror
from headwater.services.runs_view import show_run
from headwater.services.tracing.tracer import trace_record
from headwater.services.trials.sources import try_each
from headwater.services.verification import verify
from headwater.telemetry import SilentProgress
from tests.connectors.servers_object_stores import BUCKET, SECRETS, S3Server, seaweedfs
from tests.river import River, factors
from tests.synced import MAPPING

pytestmark = pytest.mark.server
HEAD = "reading_id,site,month,kwh\n"


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3Server]:
    with seaweedfs() as server:
        yield server


class Bucket:
    """An installation with the connector `bills`, and the files that its pattern means."""

    def __init__(self, river: River, server: S3Server) -> None:
        self.river, self.server = river, server
        config = {"endpoint_url": server.url, "bucket": BUCKET, "prefix": "bills", "pattern": "**/*.csv"}
        config |= {"access_key_id": "reader", "secret_access_key_ref": "env:BUCKET_SECRET"}
        add(river.installation, "bills", "s3", config)
        mapping = river.folder / "readings.yaml"
        mapping.write_text(yaml.safe_dump(MAPPING), encoding="utf-8")
        said = {"recipe": "bills", "source": {"connector": "bills"}, "mapping": str(mapping)}
        self.recipe = Recipe.model_validate(said)

    def put(self, name: str, *records: str) -> None:
        obstore.put(self.server.owner, f"bills/{name}", (HEAD + "".join(f"{line}\n" for line in records)).encode())

    def archive(self, **files: str) -> None:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name, record in files.items():
                archive.writestr(f"{name}.csv", f"{HEAD}{record}\n")
        obstore.put(self.server.owner, "bills/year.zip", content.getvalue())

    def sync(self, between: Any = lambda: None, *, again: bool = False) -> dict[str, Imported]:
        """What became of each file; `between` happens once they are listed."""
        installation = self.river.installation
        stored = find(installation, "bills")
        given = {"recipe": self.recipe, "base": self.river.folder, "progress": SilentProgress(), "again": again}
        with opened(installation, stored) as store:
            files = files_of_store(installation, stored, store)  # type: ignore[arg-type]
            between()
            return {each.file: each for each in sync_files(installation, stored, store, files, **given)}  # type: ignore[arg-type]

    def loaded(self) -> dict[str, str]:
        rows = self.river.rows("SELECT activity_id, quantity::text AS quantity FROM activity_v1")
        return {row["activity_id"]: row["quantity"].rstrip("0").rstrip(".") for row in rows}


@pytest.fixture
def bucket(river: River, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("BUCKET_SECRET", SECRETS["reader"])
    valid = {"factor_id": "f", "valid_from": "2020-01-01", "valid_to": "2030-01-01"}
    river.load(factors([valid]), name="factors.csv", mapping="factor_form")
    made = Bucket(river, s3_server)
    made.put("2024/01.csv", "1,B1,2024-01-01,100", "2,B2,2024-01-01,200")
    made.put("2024/02.csv", "3,B1,2024-02-01,110", "4,B2,2024-02-01,x")
    yield made
    for page in obstore.list(s3_server.owner, prefix="bills"):
        obstore.delete(s3_server.owner, [meta["path"] for meta in page])


def test_new_and_changed_files_come_in_and_no_other_is_fetched(bucket: Bucket) -> None:
    assert set(bucket.sync()) == {"bills/2024/01.csv", "bills/2024/02.csv"}
    assert bucket.loaded() == {"1": "100", "2": "200", "3": "110"}
    bucket.put("2024/02.csv", "3,B1,2024-02-01,110", "4,B2,2024-02-01,220")
    bucket.put("2024/03.csv", "5,B1,2024-03-01,120")
    again = bucket.sync()
    assert [name for name, each in again.items() if each.view is None] == ["bills/2024/01.csv"]
    assert bucket.loaded() == {"1": "100", "2": "200", "3": "110", "4": "220", "5": "120"}
    assert all(each.view is None and each.error is None for each in bucket.sync().values())
    assert verify(bucket.river.installation, progress=SilentProgress()).differences == ()


def test_a_key_in_two_files_is_told_with_the_file_whose_record_was_replaced(bucket: Bucket) -> None:
    bucket.put("2024/02.csv", "2,B1,2024-02-01,110")
    ended = bucket.sync()
    assert {name: each.view.replaced for name, each in ended.items() if each.view} == {
        "bills/2024/01.csv": 0, "bills/2024/02.csv": 1,
    }  # fmt: skip
    (found,) = bucket.river.rows("SELECT value, message FROM findings WHERE rule_id = 'record.replaced'")
    assert found["value"] == "2"
    assert "record 2 of bills/2024/01.csv" in found["message"]


def told(ended: dict[str, Imported]) -> dict[str, int]:
    """The files that are told of, with how many records; none of the others was read."""
    assert all(each.state == "unchanged" for each in ended.values())
    return {name: each.given_up for name, each in ended.items() if each.notice}


def would_be_told(bucket: Bucket) -> dict[str, int]:
    """The same of a dry run."""
    installation, folder = bucket.river.installation, bucket.river.folder
    tried = try_each(installation, bucket.recipe, folder, rows=None, every=False, progress=SilentProgress())
    return {each.source: each.given_up for each in tried if each.notice}


def test_a_file_is_told_of_while_the_one_that_took_its_record_is_gone(bucket: Bucket) -> None:
    bucket.put("2024/02.csv", "2,B1,2024-02-01,110")
    bucket.sync()
    obstore.delete(bucket.server.owner, "bills/2024/02.csv")
    for _ in range(2):
        assert would_be_told(bucket) == {"bills/2024/01.csv": 1}
        assert told(bucket.sync()) == {"bills/2024/01.csv": 1}
    assert bucket.loaded() == {"1": "100", "2": "110"}
    bucket.put("2024/02.csv", "2,B1,2024-02-01,110")
    bucket.sync()
    assert told(bucket.sync()) == {}
    obstore.delete(bucket.server.owner, "bills/2024/02.csv")
    assert told(bucket.sync()) == {"bills/2024/01.csv": 1}
    bucket.sync(again=True)
    assert told(bucket.sync()) == {}
    assert bucket.loaded() == {"1": "100", "2": "200"}


def test_a_file_that_is_gone_since_it_has_another_name_gives_up_nothing(bucket: Bucket) -> None:
    bucket.put("2024/02.csv", "2,B1,2024-02-01,110")
    bucket.sync()
    obstore.rename(bucket.server.owner, "bills/2024/02.csv", "bills/2023/02.csv")
    bucket.sync()
    assert told(bucket.sync()) == {}
    assert bucket.loaded() == {"1": "100", "2": "110"}


def test_a_pattern_that_means_other_files_for_a_while_changes_nothing(bucket: Bucket) -> None:
    bucket.put("2024/02.csv", "2,B1,2024-02-01,110")
    bucket.sync()
    change(bucket.river.installation, "bills", {"pattern": "*.none"})
    assert bucket.sync() == {}
    change(bucket.river.installation, "bills", {"pattern": "**/01.csv"})
    assert told(bucket.sync()) == {"bills/2024/01.csv": 1}
    change(bucket.river.installation, "bills", {"pattern": "**/*.csv"})
    assert told(bucket.sync()) == {}
    assert bucket.loaded() == {"1": "100", "2": "110"}


def test_a_file_that_is_taken_out_of_an_archive_is_gone(bucket: Bucket) -> None:
    change(bucket.river.installation, "bills", {"pattern": "**/*"})
    bucket.archive(may="2,B1,2024-05-01,150", june="9,B1,2024-06-01,160", july="7,B1,2024-07-01,170")
    bucket.sync()
    assert told(bucket.sync()) == {}
    obstore.put(bucket.server.owner, "bills/year.zip", b"PK\3\4 broken")
    assert not any(each.notice for each in bucket.sync().values())
    bucket.archive(june="9,B1,2024-06-01,160", july="7,B1,2024-07-01,170")
    bucket.sync()
    assert told(bucket.sync()) == {"bills/2024/01.csv": 1}
    assert bucket.loaded()["2"] == "150"


def test_each_file_of_an_archive_is_read_as_from_a_folder(bucket: Bucket) -> None:
    river, base = bucket.river, bucket.river.folder

    def tried() -> dict[str, str]:
        each = try_each(river.installation, bucket.recipe, base, rows=None, every=False, progress=SilentProgress())
        return {one.source: one.state for one in each}

    change(river.installation, "bills", {"pattern": "*.zip"})
    bucket.archive(may="8,B1,2024-05-01,150", june="9,B1,2024-06-01,160")
    names = {"bills/year.zip/may.csv", "bills/year.zip/june.csv"}
    assert tried() == dict.fromkeys(names, "succeeded")
    assert {name: each.state for name, each in bucket.sync().items()} == dict.fromkeys(names, "succeeded")
    assert bucket.loaded() == {"8": "150", "9": "160"}
    found = trace_record(river.installation, "activity", "9").record.raw
    assert (found.address, found.place) == (f"s3://{BUCKET}/bills/year.zip", "june.csv, line 2")

    assert {name: each.view for name, each in bucket.sync().items()} == {"bills/year.zip": None}
    assert tried() == {"bills/year.zip": "unchanged"}
    bucket.archive(may="8,B1,2024-05-01,150", june="9,B1,2024-06-01,161", july="7,B1,2024-07-01,x")
    ended = bucket.sync()
    assert {name: each.state for name, each in ended.items()} == {
        **dict.fromkeys(names, "succeeded"), "bills/year.zip/july.csv": "succeeded_with_quarantine",
    }  # fmt: skip
    assert bucket.loaded() == {"8": "150", "9": "161"}
    assert [each.view for each in bucket.sync().values()] == [None]
    assert verify(river.installation, progress=SilentProgress()).differences == ()


def test_a_record_is_traced_to_its_object_and_the_version_that_was_read(bucket: Bucket) -> None:
    installation = bucket.river.installation
    bucket.sync()
    version = obstore.head(bucket.server.owner, "bills/2024/01.csv")["e_tag"]
    bucket.put("2024/01.csv", "1,B1,2024-01-01,100")
    found = trace_record(installation, "activity", "2")
    raw = found.record.raw
    version = str(version).strip('"')
    address = f"s3://{BUCKET}/bills/2024/01.csv"
    assert (raw.file, raw.address, raw.version, raw.line) == ("01.csv", address, version, 3)
    (shown,) = [node for node in found.tree().children if node.title == "raw record"]
    assert shown.value == f"{address}, line 3"
    assert ("version", version) in [(node.title, node.value) for node in shown.children]
    assert show_run(installation, found.record.run.run_id).as_json()["remote"] == {
        "address": address,
        "version": version,
    }


def test_a_dry_run_fetches_only_what_its_sample_needs(bucket: Bucket) -> None:
    installation, base = bucket.river.installation, bucket.river.folder

    def tried(rows: int | None) -> dict[str, str]:
        each = try_each(installation, bucket.recipe, base, rows=rows, every=False, progress=SilentProgress())
        return {one.source: one.state for one in each}

    obstore.put(bucket.server.owner, "bills/2024/03.csv", b"something,else\n1,2\n")
    assert tried(2) == {"bills/2024/01.csv": "succeeded"}
    every = {"bills/2024/01.csv": "succeeded", "bills/2024/02.csv": "succeeded_with_quarantine"}
    assert tried(None) == every | {"bills/2024/03.csv": "refused"}
    bucket.sync()
    assert tried(None) == dict.fromkeys(every, "unchanged") | {"bills/2024/03.csv": "refused"}


def test_a_recipe_that_loads_another_way_takes_files_that_are_as_they_were(bucket: Bucket) -> None:
    installation, base, delta = bucket.river.installation, bucket.river.folder, bucket.recipe

    def tried() -> dict[str, str]:
        each = try_each(installation, bucket.recipe, base, rows=None, every=False, progress=SilentProgress())
        return {one.source: one.state for one in each}

    bucket.sync()
    bucket.put("2024/01.csv", "1,B1,2024-01-01,100")
    bucket.sync()
    assert bucket.loaded() == {"1": "100", "2": "200", "3": "110"}
    bucket.recipe = delta.model_copy(update={"load": delta.load.model_copy(update={"strategy": "full"})})
    assert tried() == {"bills/2024/01.csv": "succeeded", "bills/2024/02.csv": "succeeded_with_quarantine"}
    assert all(each.view is not None for each in bucket.sync().values())
    assert bucket.loaded() == {"1": "100", "3": "110"}
    assert set(tried().values()) == {"unchanged"}
    assert all(each.view is None for each in bucket.sync().values())
    assert all(each.view is not None for each in bucket.sync(again=True).values())


def test_a_file_whose_full_load_could_delete_nothing_is_loaded_again_once_it_can(bucket: Bucket) -> None:
    full = bucket.recipe.load.model_copy(update={"strategy": "full"})
    bucket.recipe = bucket.recipe.model_copy(update={"load": full})
    bucket.sync()
    bucket.put("2024/01.csv", "2,B2,2024-01-01,x")
    bucket.sync()
    assert all(each.view is None for each in bucket.sync().values())
    installation = bucket.river.installation
    found = quarantines.list_records(installation, state="open", run=None, rule=None, limit=9).records
    assert quarantines.dismiss_records(installation, [str(each.key) for each in found], reason="a test") == 2

    assert bucket.loaded() == {"1": "100", "2": "200", "3": "110"}
    assert all(each.view is not None for each in bucket.sync().values())
    assert bucket.loaded() == {"2": "200", "3": "110"}
    assert all(each.view is None for each in bucket.sync().values())
    assert verify(installation, progress=SilentProgress()).differences == ()


def test_a_file_that_changes_once_it_is_listed_is_refused_by_name_and_the_others_come_in(bucket: Bucket) -> None:
    ended = bucket.sync(lambda: bucket.put("2024/01.csv", "1,B1,2024-01-01,999"))
    refused = ended["bills/2024/01.csv"].error
    assert isinstance(refused, InputRefused)
    assert "2024/01.csv: the file changed since it was listed" in str(refused)
    assert bucket.loaded() == {"3": "110"}
    bucket.sync()
    assert bucket.loaded() == {"1": "999", "3": "110"}


def test_what_a_run_refuses_is_copied_into_a_bucket(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    installation = bucket.river.installation
    settings = installation.settings.model_copy(update={"dead_letters": "archive"})
    keeping = replace(installation, settings=settings)
    monkeypatch.setenv("ARCHIVE_SECRET", SECRETS["owner"])
    config = {"endpoint_url": bucket.server.url, "bucket": BUCKET, "prefix": "refused", "access_key_id": "reader"}
    add(installation, "archive", "s3", {**config, "secret_access_key_ref": "env:BUCKET_SECRET"})
    bucket.sync()  # by a process that knows of no store
    (refused,) = mirror(keeping)
    assert re.search(r"the login may not do this.*s3:PutObject", str(refused.error))
    assert SECRETS["reader"] not in str(refused)
    change(installation, "archive", {"access_key_id": "owner", "secret_access_key_ref": "env:ARCHIVE_SECRET"})
    (copied,) = mirror(keeping)
    assert (copied.source_name, copied.records) == ("bills/2024/02.csv", 1)
    found = bytes(obstore.get(bucket.server.owner, f"refused/{copied.object}").bytes()).decode("utf-8-sig")
    assert copied.error is None
    (row,) = csv.DictReader(io.StringIO(found))
    assert (row["line"], row["reading_id"], row["kwh"]) == ("3", "4", "x")
    assert list(mirror(keeping)) == []
