"""What commands work with: settings read, log entries on, the installation open."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.services.installation import Installation
    from headwater.settings import Settings


def read_settings() -> Settings:
    """The settings that hold here, with logging set up as they say."""
    from headwater.settings import load_settings
    from headwater.telemetry import configure_logging

    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    return settings


@contextmanager
def installation() -> Iterator[Installation]:
    """The installation that the settings name, for one command."""
    from headwater.services.installation import open_installation

    with open_installation(read_settings()) as opened:
        yield opened
