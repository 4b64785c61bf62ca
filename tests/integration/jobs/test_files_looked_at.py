"""Files that were sent, looked at as the server and workers do, whatever is in them."""

from __future__ import annotations

import json
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest

from headwater.errors import Stopped
from headwater.services import kept_mappings
from headwater.services.uploads import looking, receiving, viewing
from tests.river import activities
from tests.workers import until

if TYPE_CHECKING:
    from headwater.services.installation import Installation
    from tests.river import River

pytestmark = pytest.mark.server


def sent(installation: Installation, name: str, content: bytes, mapping: str | None = None) -> UUID:
    """A file that is here, and that nobody has looked at."""
    import_ = receiving.begin(installation, name, len(content), mapping=mapping)
    taking = receiving.receive(installation, import_.import_id, 0)
    taking.take(content)
    taking.close()
    return import_.import_id


def test_of_what_a_file_holds_only_so_much_is_kept_as_is_looked_at(river: River) -> None:
    long, wide = b"\n" * 200_000 + b"a,b\n1,2\n", b"a,b\n" + b"x" * 300_000 + b",2\n"
    for content in (long, wide):
        import_ = looking.go_on(river.installation, sent(river.installation, "much.csv", content))
        assert import_.state == "inspected"
        assert import_.found is not None
        assert import_.found["columns"] == ["a", "b"]
        assert len(json.dumps(import_.found)) < 50_000


def look(installation: Installation, import_id: UUID) -> None:
    """What a worker does about a file that nobody goes on with; the target of a process."""
    looking.go_on_if_left(installation, import_id)


def killed_in_the_middle(river: River, import_id: UUID) -> None:
    """A process that looks at a file, killed where it is about to plan the run."""
    with psycopg.connect(river.superuser_url) as superuser:
        superuser.execute("LOCK TABLE runs IN SHARE ROW EXCLUSIVE MODE")
        process = get_context("forkserver").Process(target=look, args=(river.installation, import_id))
        process.start()
        waits = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'relation'"
        until(lambda: bool(river.rows(waits)), "it plans")
        process.kill()
        process.join()
    until(lambda: not river.rows(waits), "what it was about to write is undone")


def test_a_file_that_takes_down_whoever_looks_at_it_is_refused_in_the_end(river: River) -> None:
    kept_mappings.keep_mapping(river.installation, Path(river.mapping("activity_form")).read_text())
    content = activities([{"activity_id": "a"}]).encode()
    hostile, good = (sent(river.installation, name, content, "activity_form") for name in ("hostile.csv", "good.csv"))
    for _ in range(1 + looking.MOST_TRIES):  # the first got on, to where the others come to
        killed_in_the_middle(river, hostile)
        assert viewing.get(river.installation, hostile).state == "mapped"
    assert looking.go_on_if_left(river.installation, hostile) is None
    refused = viewing.get(river.installation, hostile)
    assert (refused.state, refused.run_id) == ("refused", None)
    assert refused.error is not None
    assert "came to no end" in refused.error["what"]
    assert "memory ran out" in refused.error["remedy"]
    assert looking.go_on(river.installation, good).state == "planned"
    again = looking.choose_mapping(river.installation, hostile, "activity_form")  # a person may try once more
    assert again.state == "planned"


def test_what_may_pass_is_waited_for_only_so_often(river: River) -> None:
    """As where the disk is full, or its folder cannot be read, and stays so."""
    installation = river.installation
    kept_mappings.keep_mapping(installation, Path(river.mapping("activity_form")).read_text())
    import_id = sent(installation, "a.csv", activities([{"activity_id": "a"}]).encode(), "activity_form")
    installation.settings.blob_dir.parent.mkdir(parents=True, exist_ok=True)
    installation.settings.blob_dir.write_bytes(b"a file where the folder should be")
    for _ in range(looking.MOST_TRIES):
        with pytest.raises(Stopped):
            looking.go_on_if_left(installation, import_id)
    assert looking.go_on_if_left(installation, import_id) is None
    refused = viewing.get(installation, import_id)
    assert refused.state == "refused"
    assert refused.error is not None
    assert "blobs" in str(refused.error)


def test_nobody_waits_for_a_file_whose_import_is_gone(river: River) -> None:
    import_id = sent(river.installation, "gone.csv", b"a,b\n1,2\n")
    river.change("DELETE FROM imports")
    assert looking.go_on_if_left(river.installation, import_id) is None
