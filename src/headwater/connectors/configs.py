"""What a user says about a connector, held against its kind's typed config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from headwater.connectors.protocol import Config, Kind
from headwater.errors import Misuse

REFERENCES = ("env", "file", "stored")


def config_of(kind: Kind, values: Mapping[str, Any]) -> Config:
    """A typed config; Misuse naming the first value that is wrong, which is not shown where it may be a secret."""
    try:
        config = kind.config.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "config"
        known = ", ".join(kind.config.model_fields)
        unknown = first["type"] == "extra_forbidden"
        raise Misuse(
            "there is no such key" if unknown else _lower(first["msg"]),
            where=f"config of {kind.name}, {key}",
            valid=known if unknown or first["type"] == "missing" else None,
        ) from None  # the cause would show the value
    for key, value in config.model_dump().items():
        if key.endswith("_ref") and value is not None and not _is_reference(str(value)):
            raise Misuse(
                "secrets are not written into a config, it refers to them",
                where=f"config of {kind.name}, {key}",
                valid="env:NAME, file:PATH or stored:NAME",
                remedy="Store the secret: headwater connectors credentials set NAME; then say stored:NAME here.",
            )
    return config


def _is_reference(value: str) -> bool:
    kind, colon, name = value.partition(":")
    return bool(colon and name and kind in REFERENCES)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
