"""What each server process begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater import memory
from headwater.api.app import create_app
from headwater.settings import load_settings
from headwater.telemetry import configure_logging

if TYPE_CHECKING:
    from fastapi import FastAPI


def create() -> FastAPI:
    """The application for the settings that hold here."""
    memory.begin()
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    return create_app(settings)
