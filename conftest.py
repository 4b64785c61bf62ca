"""Loads the suite's options and closing summary; the fixtures of servers stand in tests/conftest.py."""

from __future__ import annotations

pytest_plugins = ("tests.plugin_skips", "tests.plugin_redaction")
