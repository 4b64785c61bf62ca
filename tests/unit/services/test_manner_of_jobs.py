from __future__ import annotations

import pytest

from headwater.errors import Misuse
from headwater.services.jobs import Manner


@pytest.mark.parametrize("queue", ["Nightly", "", "schedules", "a-b", "x" * 64])
def test_a_queue_that_no_worker_can_take_from_is_refused(queue: str) -> None:
    with pytest.raises(Misuse, match="no queue"):
        Manner(queue=queue)


def test_a_queue_of_ones_own_is_taken() -> None:
    assert Manner(queue="nightly_2").queue == "nightly_2"
