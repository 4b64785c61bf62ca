"""DuckDB as the engine: one in-memory connection a run, bounded in memory, without reach outside its process."""

from __future__ import annotations

import atexit
import os
import tempfile
from contextlib import ExitStack, closing, contextmanager
from threading import Lock
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator

ENGINE_VERSION = f"duckdb {duckdb.__version__}"


@contextmanager
def engine(*, memory_limit: str = "256MB", threads: int = 1) -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine for one run: spills to a temp folder of its own beyond `memory_limit`, forgets everything at the end.

    Files, network and extensions are out of its reach, and its settings are locked, whatever SQL it is given.
    """
    with engines(1, memory_limit=memory_limit, threads=threads) as (one,):
        yield one


@contextmanager
def engines(
    count: int, *, memory_limit: str = "256MB", threads: int = 1
) -> Iterator[tuple[duckdb.DuckDBPyConnection, ...]]:
    """So many that share one `memory_limit` and one folder, for work done by turns: a temp table or what is registered
    is of one of them alone.
    """
    with tempfile.TemporaryDirectory(prefix="headwater-engine-") as folder, ExitStack() as stack:
        connection = stack.enter_context(closing(duckdb.connect(":memory:")))
        all_of_them = (connection, *(stack.enter_context(closing(connection.cursor())) for _ in range(count - 1)))
        connection.execute(f"SET memory_limit = '{memory_limit}'")
        connection.execute(f"SET threads = {int(threads)}")
        connection.execute(f"SET temp_directory = '{folder}'")
        for each in all_of_them:  # these settings are of each alone, the others of all
            each.execute("SET TimeZone = 'UTC'")
            # In a program without a file (`python -c`, a process that another one spawned) it would print on stdout.
            each.execute("SET enable_progress_bar = false")
        # IN with five words or more would become a join over every row.
        connection.execute("SET disabled_optimizers = 'in_clause'")
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute("SET autoload_known_extensions = false")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield all_of_them


_kept: tuple[int, duckdb.DuckDBPyConnection] | None = None
_in_use = Lock()


@contextmanager
def small_engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine that the process keeps, for small questions: to open one takes 40 ms of a processor, which a request
    has not. Others wait while the block lasts; what it makes it takes away again.
    """
    global _kept  # noqa: PLW0603 - one a process
    with _in_use:
        if _kept is None or _kept[0] != os.getpid():  # a process that was forked has threads of none
            stack = ExitStack()
            _kept = os.getpid(), stack.enter_context(engine())
            atexit.register(stack.close)
        yield _kept[1]


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C during a statement be what it is everywhere else: the engine makes an error of its own of it."""
    try:
        yield
    except (RuntimeError, duckdb.Error) as error:
        # While the engine reads a table of ours it is an error of the reading that names it.
        said = str(error).lower()
        is_its_own = isinstance(error, RuntimeError | duckdb.InterruptException) and "interrupted" in said
        if not is_its_own and "keyboardinterrupt" not in said:
            raise
        raise KeyboardInterrupt from error
