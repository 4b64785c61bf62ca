"""What each server process begins with."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Final

from headwater.api.app import create_app
from headwater.settings import load_settings
from headwater.telemetry import configure_logging

if TYPE_CHECKING:
    from fastapi import FastAPI

M_ARENA_MAX: Final = -8  # of mallopt in malloc.h of the GNU C library
ARENAS: Final = 2


def create() -> FastAPI:
    """The application for the settings that hold here."""
    _few_arenas()
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    return create_app(settings)


def _few_arenas() -> None:
    """The GNU C library gives threads arenas of their own, eight for each processor, and in each stays what its threads
    freed: two are enough where threads take turns, and what one has freed the next takes. Other libraries have none.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, ARENAS)
