"""A run that is killed at any instant, and killed again, leaves what an undisturbed one leaves once it is resumed."""

from __future__ import annotations

import random

import pytest

from tests.faults.scene import Scene, Stage

pytestmark = [pytest.mark.server, pytest.mark.faults]


@pytest.mark.faults(instants=30, sample=1)
def test_killed_at_a_random_instant(scene: Scene, stage: Stage, instant: float) -> None:
    worker = stage.work()
    worker.wait_for(instant * scene.seconds)
    worker.kill()

    assert stage.work().end()[0] == ""
    scene.assert_as_undisturbed(stage)


@pytest.mark.long
def test_killed_again_and_again(scene: Scene, stage: Stage, seed: int) -> None:
    """Each life of the run is shorter than the work that is left, so that it dies some times before it ends."""
    draw = random.Random(f"{seed} again and again")
    for _ in range(4):
        worker = stage.work()
        worker.wait_for(draw.uniform(0, 0.4) * scene.seconds)
        worker.kill()

    assert stage.work().end()[0] == ""
    scene.assert_as_undisturbed(stage)

    # What has ended is not done again.
    assert stage.work().end()[0] == ""
    scene.assert_as_undisturbed(stage)
