"""What commands work with: settings read, log entries on, the installation open."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from headwater.services.installation import Installation
    from headwater.settings import Settings


def read_settings(*, serves: bool = False) -> Settings:
    """The settings that hold here, with logging set up as they say.

    serves: of a command that goes on for days, whose log a program reads; of others a person reads it, or who looks for
    why it failed, between the lines that the command itself tells there.
    """
    from headwater.settings import load_settings
    from headwater.telemetry import configure_logging

    settings = load_settings()
    is_read = settings.log_format == "auto" and not serves
    configure_logging(settings.log_level, "human" if is_read else settings.log_format)
    return settings


@contextmanager
def installation(*, serves: bool = False) -> Iterator[Installation]:
    """The installation that the settings name, for one command."""
    with opened_and_told(read_settings(serves=serves)) as opened:
        yield opened


@contextmanager
def opened_and_told(settings: Settings) -> Iterator[Installation]:
    """The installation of these settings; people are told what they wait for where its database has to be made."""
    from headwater.services.installation import open_installation

    with ExitStack() as kept:
        with setting_up(settings):
            opened = kept.enter_context(open_installation(settings))
        yield opened


def setting_up(settings: Settings) -> AbstractContextManager[None]:
    """While the embedded database is made, which takes its time once."""
    from headwater.services.installation import is_set_up
    from headwater.telemetry import waiting

    if is_set_up(settings):
        return nullcontext()
    return waiting(f"Setting up the embedded database in {settings.data_dir}, this once …")
