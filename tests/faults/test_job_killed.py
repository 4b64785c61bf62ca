"""A job whose worker or process is killed at any instant is taken up again, and leaves what an undisturbed one does."""

from __future__ import annotations

import os
import random
import signal
from threading import Event

import pytest

from headwater.services.imports import file_recipe
from headwater.services.jobs import ask_recipe, show_job
from headwater.store.jobs import Job
from tests.faults import nasty
from tests.faults.scene import Scene, Stage
from tests.river import make_river
from tests.workers import Workshop, until

pytestmark = [pytest.mark.server, pytest.mark.faults]


@pytest.mark.faults(instants=20, sample=1)
def test_killed_at_a_random_instant(scene: Scene, stage: Stage, instant: float, seed: int) -> None:
    """The worker with all it has forked, or the process of the attempt alone."""
    river = make_river(stage.installation, stage.folder)
    recipe = file_recipe(str(stage.file), stage.mapping, chunk_size=nasty.CHUNK_SIZE)
    job_id = ask_recipe(river.installation, recipe, stage.folder, every=False)

    def job() -> Job:
        return show_job(river.installation, job_id).job

    workshop = Workshop(river)
    try:
        worker = workshop.worker()
        until(lambda: job().attempts == 1, "the job is begun")
        Event().wait(instant * scene.seconds)
        if random.Random(f"{seed} {instant}").random() < 0.5:
            worker.kill()
            worker.wait()
            workshop.worker()
        else:
            for process in workshop.attempts(worker):
                os.kill(process, signal.SIGKILL)
        until(lambda: job().has_ended, "the job has ended")
    finally:
        workshop.stop()
    assert (job().state, job().error) == ("succeeded_with_quarantine", None)
    assert len(show_job(river.installation, job_id).runs) == 1
    scene.assert_as_undisturbed(stage)
