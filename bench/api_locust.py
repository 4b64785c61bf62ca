"""Readers at a steady rate, for locust: each has its turn at its own moments, whether the last answer was quick or not.

Run by `bench.api` in an environment of its own; what to ask and where to tell stands in the environment. Times count
from the moment that a request was due: whoever comes late, since the answer before was slow, is counted as late.
"""

import json
import os
import time
from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path

from locust import FastHttpUser, constant, events, task

REQUESTS = cycle(json.loads(Path(os.environ["BENCH_REQUESTS"]).read_text(encoding="utf-8")))
RATE = float(os.environ["BENCH_RATE"])
READERS = int(os.environ["BENCH_READERS"])
TIMES: dict[str, list[float]] = {}
FAILED: dict[str, int] = {}
PLACES = count()
BEGAN: list[float] = []


def turns(place: int) -> Iterator[float]:
    """The moments of one of the readers, who take turns: together they ask evenly, as `bench.api_plain` does.

    Locust lets all of them begin at once, and with a rate for each they would ask in step: forty at once, then none.
    """
    if not BEGAN:
        BEGAN.append(time.monotonic())
    for number in count(place, READERS):
        yield BEGAN[0] + number / RATE


class Reader(FastHttpUser):
    """One of those who read."""

    wait_time = constant(0)

    def on_start(self) -> None:
        """Take a place among them."""
        self.turns = turns(next(PLACES))

    @task
    def read(self) -> None:
        """The next request of the list, when it is due."""
        due = next(self.turns)
        time.sleep(max(0.0, due - time.monotonic()))  # locust has made it let the others go on
        asked = next(REQUESTS)
        headers = {"Authorization": f"Bearer {asked['token']}"}
        self.client.get(f"/api/v1{asked['path']}", headers=headers, name=asked["kind"])
        TIMES.setdefault(asked["kind"], []).append((time.monotonic() - due) * 1000)


@events.request.add_listener
def _note(exception: BaseException | None, **_: object) -> None:
    if exception is not None:
        FAILED[str(exception)[:200]] = FAILED.get(str(exception)[:200], 0) + 1


@events.quitting.add_listener
def _tell(**_: object) -> None:
    told = json.dumps({"times": TIMES, "failed": FAILED})
    Path(os.environ["BENCH_TIMES"]).write_text(told, encoding="utf-8")
