"""Secrets that tests plant. Whatever a run of the tests says is searched for them, by tests/plugin_redaction.py."""

from __future__ import annotations

from headwater.testing.secrecy import SHORTEST, forms

_FORMS: dict[str, str] = {}


def planted(secret: str) -> str:
    """The secret itself, known from now on in every form in which it might be told."""
    if len(secret) < SHORTEST:
        message = f"a secret of {len(secret)} characters might be found by chance; plant one of {SHORTEST} or more"
        raise ValueError(message)
    _FORMS.update(dict.fromkeys(forms(secret), secret))
    return secret


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
