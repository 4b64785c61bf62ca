"""Readers at a steady rate, for locust: each has its turn so often a second, whether the last answer was quick or not.

Run by `bench.api` in an environment of its own; what to ask and where to tell stands in the environment.
"""

import json
import os
from itertools import cycle
from pathlib import Path

from locust import FastHttpUser, constant_throughput, events, task

REQUESTS = cycle(json.loads(Path(os.environ["BENCH_REQUESTS"]).read_text(encoding="utf-8")))
TIMES: dict[str, list[float]] = {}
FAILED: dict[str, int] = {}


class Reader(FastHttpUser):
    """One of those who read."""

    wait_time = constant_throughput(float(os.environ["BENCH_RATE_OF_ONE"]))

    @task
    def read(self) -> None:
        """The next request of the list."""
        asked = next(REQUESTS)
        headers = {"Authorization": f"Bearer {asked['token']}"}
        self.client.get(f"/api/v1{asked['path']}", headers=headers, name=asked["kind"])


@events.request.add_listener
def _note(name: str, response_time: float, exception: BaseException | None, **_: object) -> None:
    TIMES.setdefault(name, []).append(response_time)
    if exception is not None:
        FAILED[str(exception)[:200]] = FAILED.get(str(exception)[:200], 0) + 1


@events.quitting.add_listener
def _tell(**_: object) -> None:
    told = json.dumps({"times": TIMES, "failed": FAILED})
    Path(os.environ["BENCH_TIMES"]).write_text(told, encoding="utf-8")
