"""What is freed goes back to the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, os
from headwater import memory

memory.begin()
library = ctypes.CDLL(None)
library.malloc.argtypes, library.malloc.restype = (ctypes.c_size_t,), ctypes.c_void_p
library.free.argtypes, library.free.restype = (ctypes.c_void_p,), None

def resident():
    with open("/proc/self/statm") as told:
        return int(told.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def held(size):
    place = library.malloc(size)
    ctypes.memset(place, 1, size)
    return place

library.free(held(16 << 20))
before = resident()
pieces = [held(2 << 20) for _ in range(20)]
for piece in pieces[:-1]:
    library.free(piece)
print((resident() - before) >> 20, os.environ["ARROW_DEFAULT_MEMORY_POOL"])
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left as they are")
def test_pieces_of_columns_are_given_back_though_later_ones_are_held() -> None:
    answer = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    mebibytes, allocator = answer.stdout.split()
    assert int(mebibytes) <= 3
    assert allocator == "system"
