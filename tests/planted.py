"""Secrets that tests plant. Whatever a run of the tests says is searched for them, by tests/plugin_redaction.py."""

from __future__ import annotations

from pathlib import Path

from headwater.testing.secrecy import SHORTEST, forms

_FORMS: dict[str, str] = {}

HANDS_OUT = "X-Hands-Out-Secrets"
HANDING_OUT = {HANDS_OUT: "yes"}
"""The header by which a server of the tests says that its answer holds a secret for whoever asked."""

LONGEST = 600
"""Characters that no planted secret has in any form."""

PLANTED_FILES: set[Path] = set()
"""Files that hold a secret on purpose, as those that a `file:` refers to."""


def planted(secret: str) -> str:
    """The secret itself, known from now on in every form in which it might be told."""
    if len(secret) < SHORTEST:
        message = f"a secret of {len(secret)} characters might be found by chance; plant one of {SHORTEST} or more"
        raise ValueError(message)
    found = forms(secret)
    if max(map(len, found)) > LONGEST:
        message = f"a secret of {len(secret)} characters is too long to be found in what comes in parts"
        raise ValueError(message)
    _FORMS.update(dict.fromkeys(found, secret))
    return secret


def planted_file(path: Path, text: str) -> Path:
    """A file that holds a secret on purpose."""
    path.write_text(text, encoding="utf-8")
    PLANTED_FILES.add(path)
    return path


def told_in(text: str) -> str | None:
    """What a text tells of a planted secret, with its surroundings and without the secret; None where it tells none."""
    for form in _FORMS:
        if form in text:
            place = text.find(form)
            return f"...{text[max(0, place - 80) : place]}[a planted secret]{text[place + len(form) :][:40]}..."
    return None


def planted_in(names: dict[str, object]) -> list[str]:
    """The forms of those secrets that a module names, itself or in a dictionary."""
    values = list(names.values())
    values += [each for value in values if isinstance(value, dict) for each in value.values()]
    known = {value for value in values if isinstance(value, str)} & set(_FORMS.values())
    return [form for form, secret in _FORMS.items() if secret in known]
