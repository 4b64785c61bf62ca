"""Memory over time: readers go on, and now and then somebody imports and exports; it is to stay flat."""

from __future__ import annotations

import statistics
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.api_serving import Serving

LOOK_SECONDS: Final = 5.0
#: So much of the time is for warming up, and is left out.
WARM: Final = 0.25


@dataclass(frozen=True, kw_only=True)
class Soaked:
    """Seconds since the start and MiB of all processes; `slope` is MiB an hour by least squares, once warm."""

    samples: Sequence[tuple[float, float]]

    @property
    def warm(self) -> Sequence[tuple[float, float]]:
        return self.samples[int(len(self.samples) * WARM) :]

    @property
    def slope(self) -> float:
        if len(self.warm) < 2:
            return 0.0
        times, sizes = zip(*self.warm, strict=True)
        return statistics.linear_regression(times, sizes).slope * 3600

    @property
    def share(self) -> float:
        """The slope as a share of what is used on average."""
        return self.slope / statistics.fmean(size for _, size in self.warm)


def watch(serving: Serving, seconds: float, each_minute: Callable[[], None]) -> Soaked:
    """Look at the memory for so long; `each_minute` is called at the beginning of each minute, whatever it takes."""
    began = time.monotonic()
    threads: list[threading.Thread] = []
    samples: list[tuple[float, float]] = []
    minutes = 0
    while (now := time.monotonic() - began) < seconds:
        if now >= minutes * 60:
            minutes += 1
            threads.append(threading.Thread(target=each_minute))
            threads[-1].start()
        samples.append((round(now, 1), round(serving.memory_mib(), 1)))
        time.sleep(LOOK_SECONDS)
    for thread in threads:
        thread.join()
    return Soaked(samples=samples)
