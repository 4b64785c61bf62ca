"""What a user says about a connector, held against its kind's typed config."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from headwater.connectors.protocol import Config, Kind
from headwater.documents.wrong_document import WHOLE, sentences
from headwater.errors import Misuse, refuse_all

REFERENCES = ("env", "file", "stored")


def config_of(kind: Kind, values: Mapping[str, Any]) -> Config:
    """A typed config; Misuse naming every key that is wrong, and no value, for each may be a secret."""
    try:
        config = kind.config.model_validate(dict(values))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)
        wrong.sort(key=lambda each: each["type"] != "extra_forbidden")  # most likely a slip, of which others follow
        told = {str(each["loc"][0]) for each in wrong if each["loc"]}
        references = ((key, value) for key, value in values.items() if key.endswith("_ref") and key not in told)
        misfit = _misfit(kind, sentences(wrong, kind.config, {}))
        faults = [misfit, *_written_out(kind, references)]
    else:
        faults = list(_written_out(kind, _references(config)))
    refuse_all(faults)  # beyond what pydantic raised, whose error would show values
    return config


def _misfit(kind: Kind, told: Sequence[str]) -> Misuse:
    """Of keys that are wrong: the error that tells all of them, with each."""
    remedy = f"`headwater connectors kinds {kind.name}` tells what its config holds."
    error = Misuse(
        "; ".join(each.removeprefix(f"{WHOLE}: ") for each in told), where=f"config of {kind.name}", remedy=remedy
    )
    error.faults = tuple(
        Misuse(what, where=f"config of {kind.name}" + ("" if key == WHOLE else f", {key}"), remedy=remedy)
        for key, _, what in (each.partition(": ") for each in told)
    )
    return error


def _written_out(kind: Kind, references: Iterable[tuple[str, object]]) -> Iterator[Misuse]:
    """Of fields that are to hold references, those that hold something else."""
    for key, value in references:
        if not _is_reference(str(value)):
            yield Misuse(
                "secrets are not written into a config, it refers to them",
                where=f"config of {kind.name}, {key}",
                valid="env:NAME, file:/PATH or stored:NAME",
                remedy="Store the secret: headwater connectors credentials set NAME; then say stored:NAME here.",
            )


def with_values(config: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A config with these values put in; a key with points stands within others: auth.user."""
    made = dict(config)
    for key, value in values.items():
        first, _, rest = key.partition(".")
        if not rest:
            made[first] = value
            continue
        within = made.get(first) or {}
        if not isinstance(within, Mapping):
            raise Misuse(
                "this key holds no other keys", where=f"config, {first}", valid=f"{first}=VALUE", remedy="Say it so."
            )
        made[first] = with_values(within, {rest: value})
    return made


def refuse_relative(kind: Kind, config: Config) -> None:
    """Misuse where a file with a secret is named from the current folder: servers and workers have another."""
    refuse_all(relative_secrets(kind, config))


def relative_secrets(kind: Kind, config: Config) -> Iterator[Misuse]:
    """Each file with a secret that is named so."""
    for key, value in _references(config):
        found, _, path = str(value).partition(":")
        if found == "file" and not path.startswith("/"):
            yield Misuse(
                "the file with a secret is named from the current folder, and servers and workers start in others",
                where=f"config of {kind.name}, {key}",
                value=value,
                valid="a path from the root",
                remedy=f"Say it as file:{Path(path).expanduser().absolute()}",
            )


def paths_from(folder: Path, kind: Kind, values: Mapping[str, Any]) -> dict[str, str]:
    """Of values as a user says them, the files and folders named from the current folder, each from the root."""
    fields = kind.config.model_fields
    named = {key: value for key, value in values.items() if key in fields and _is_path(fields[key].annotation)}
    paths = {key: Path(value).expanduser() for key, value in named.items() if isinstance(value, str) and value}
    return {key: str(folder / path) for key, path in paths.items() if str(folder / path) != named[key]}


def relative_paths(kind: Kind, config: Config) -> Iterator[Misuse]:
    """Each file or folder that is named from the current folder by who is in none: a program over HTTP."""
    for key in type(config).model_fields:
        value = getattr(config, key)
        if isinstance(value, Path) and not value.is_absolute():
            yield Misuse(
                "a file or folder is named from the current folder, and servers and workers start in others",
                where=f"config of {kind.name}, {key}",
                value=str(value),
                valid="a path from the root, as the server has it",
            )


def _is_path(annotation: object) -> bool:
    return annotation is Path or Path in get_args(annotation)


def _references(value: object, above: str = "") -> Iterator[tuple[str, object]]:
    """What fields that end in _ref hold, however deep they stand, each under its whole name.

    Keys of a mapping are not ours: a parameter that a service calls order_ref is no reference.
    """
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            found, key = getattr(value, name), f"{above}.{name}" if above else name
            if not name.endswith("_ref"):
                yield from _references(found, key)
            elif found is not None:
                yield key, found
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _references(each, f"{above}.{name}")
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from _references(each, f"{above}.{number}")


def _is_reference(value: str) -> bool:
    kind, colon, name = value.partition(":")
    return bool(colon and name and kind in REFERENCES)
