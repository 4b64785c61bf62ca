"""The engine that a process keeps: one at a time, and a process of its own has its own."""

from __future__ import annotations

import multiprocessing
import threading

from headwater.engine.duck import small_engine


def test_it_is_kept_and_used_by_one_at_a_time() -> None:
    seen: list[str] = []
    inside = threading.Event()

    def other() -> None:
        inside.set()
        with small_engine() as duck:
            seen.append(str(duck.execute("SELECT 'other'").fetchone()))

    with small_engine() as duck:
        thread = threading.Thread(target=other)
        thread.start()
        assert inside.wait(10)
        seen.append(str(duck.execute("SELECT 'first'").fetchone()))
        kept = duck
    thread.join(10)
    assert seen == ["('first',)", "('other',)"]
    with small_engine() as again:
        assert again is kept


def _answer() -> None:
    with small_engine() as duck:
        assert duck.execute("SELECT 1").fetchone() == (1,)


def test_a_forked_process_opens_its_own() -> None:
    with small_engine() as duck:
        duck.execute("SELECT 1")
    child = multiprocessing.get_context("fork").Process(target=_answer)
    child.start()
    child.join(30)
    assert child.exitcode == 0
