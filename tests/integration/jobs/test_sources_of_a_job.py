"""How many files a job has is known once they are listed, and how many are done is counted: in archives, and again."""

from __future__ import annotations

import signal
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from headwater.jobs.sources import Sources
from headwater.pipeline.recipe import Recipe
from headwater.services.connectors.keeping import add
from headwater.services.imports import file_recipe
from headwater.services.jobs import ask_recipe, show_job
from headwater.store.jobs import Job
from tests.river import River, activities
from tests.workers import Workshop, until

pytestmark = pytest.mark.server


@contextmanager
def nothing_planned(river: River) -> Iterator[None]:
    """Whoever is about to plan a run waits until the block ends."""
    with psycopg.connect(river.superuser_url) as superuser:
        superuser.execute("LOCK TABLE runs IN SHARE ROW EXCLUSIVE MODE")
        yield


def filled(folder: Path, *names: str) -> Path:
    """A folder with files of one record each."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / f"{name}.csv").write_text(activities([{"activity_id": name}]), encoding="utf-8")
    return folder


def counted(job: Job) -> tuple[int | None, int]:
    return job.sources_planned, job.sources_done


def of_job(river: River, job_id: UUID) -> Job:
    return show_job(river.installation, job_id).job


def asked(river: River, recipe: Recipe, **how: Any) -> UUID:
    return ask_recipe(river.installation, recipe, river.folder, **{"every": False, **how})


def done(river: River, job_id: UUID) -> Job:
    until(lambda: of_job(river, job_id).has_ended, "the job ends")
    return of_job(river, job_id)


def test_files_of_a_folder_are_counted_before_the_first_is_read_and_by_whoever_goes_on(workshop: Workshop) -> None:
    river = workshop.river
    folder = filled(river.folder / "in", "a", "b", "c")
    (folder / "no.csv").write_text("these,are\nno,activities\n")
    recipe = file_recipe("in", river.mapping("activity_form"))
    job_id = asked(river, recipe)
    assert counted(of_job(river, job_id)) == (None, 0), "no worker has looked at the folder"
    with nothing_planned(river):
        killed = workshop.worker()
        until(lambda: counted(of_job(river, job_id)) == (4, 0), "the files are listed")
        assert show_job(river.installation, job_id).runs == []
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    workshop.worker()
    ended = done(river, job_id)
    assert (ended.state, counted(ended)) == ("partial_success", (4, 4)), "one that is refused is done with"
    assert len(show_job(river.installation, job_id).runs) == 3

    filled(folder, "d")
    again = asked(river, recipe)
    assert counted(done(river, again)) == (5, 5), "so are those that are left as they are"
    assert [run.source_name for run in show_job(river.installation, again).runs] == ["d.csv"]
    alone = asked(river, file_recipe("in/a.csv", river.mapping("activity_form")))
    assert counted(done(river, alone)) == (1, 1)


def test_an_archive_of_a_store_counts_as_the_files_in_it_once_it_is_read(workshop: Workshop) -> None:
    river = workshop.river
    folder = filled(river.folder / "bills", "a")
    with zipfile.ZipFile(folder / "year.zip", "w") as archive:
        for name in ("x", "y", "z"):
            archive.writestr(f"{name}.csv", activities([{"activity_id": name}]))
    add(river.installation, "bills", "folder", {"path": str(folder)})
    said = {"recipe": "bills", "source": {"connector": "bills"}, "mapping": river.mapping("activity_form")}
    recipe = Recipe.model_validate(said)
    job_id = asked(river, recipe)
    with nothing_planned(river):
        workshop.worker()
        until(lambda: counted(of_job(river, job_id)) == (2, 0), "the files are listed")
    ended = done(river, job_id)
    assert (ended.state, counted(ended)) == ("succeeded", (4, 4))

    # Whoever goes on with it counts the archive by the files of it that were read, and once.
    view = show_job(river.installation, job_id)
    sources = Sources(river.installation, view.job, view.runs)
    sources.listed(["bills/a.csv", "bills/year.zip"])
    assert counted(of_job(river, job_id)) == (4, 4)
    sources.opened("bills/year.zip", [f"bills/year.zip/{name}.csv" for name in ("x", "y", "z", "new")])
    assert counted(of_job(river, job_id)) == (5, 4)

    left = asked(river, recipe)
    assert counted(done(river, left)) == (2, 2), "an archive that is as it was is not opened"
