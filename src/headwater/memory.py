"""How a process takes its memory and gives it back. Begun with, before there are threads and before Arrow is loaded."""

from __future__ import annotations

import ctypes
import os
from typing import Final

M_MMAP_THRESHOLD: Final = -3  # of mallopt in malloc.h of the GNU C library
M_ARENA_MAX: Final = -8
ARENAS: Final = 2
"""Threads have arenas of their own else, eight for each processor, and in each stays what its threads freed: two are
enough where threads take turns, and what one has freed the next takes.
"""
GIVEN_BACK: Final = 1 << 20
"""What takes as many bytes or more goes back to the system once it is freed. Else the library keeps up to 32 MiB a
piece, once one of that size was freed: columns of chunks, which come in ever other sizes.
"""


def begin() -> None:
    """Arrow's own allocator keeps memory for each thread that ever used it: Arrow takes it from the C library, and that
    is told to keep little. Other libraries than GNU's are left as they are.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, ARENAS)
        mallopt(M_MMAP_THRESHOLD, GIVEN_BACK)
