"""What is wrong with a document, key by key: in sentences, with what would be valid and what is near."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from headwater.documents.near import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_WANTED = {
    "string_type": "text is wanted",
    "string_too_long": "at most {max_length} characters are wanted",
    "string_too_short": "it is empty",
    "bool_type": "true or false is wanted",
    "bool_parsing": "true or false is wanted",
    "int_type": "a whole number is wanted",
    "int_parsing": "a whole number is wanted",
    "int_from_float": "a whole number is wanted",
    "greater_than_equal": "{ge} or more is wanted",
    "less_than_equal": "{le} or less is wanted",
    "date_type": "a date such as 2024-01-31 is wanted",
    "date_parsing": "a date such as 2024-01-31 is wanted",
    "date_from_datetime_parsing": "a date such as 2024-01-31 is wanted",
    "date_from_datetime_inexact": "a date such as 2024-01-31 is wanted, without a time",
    "tuple_type": "a list is wanted",
    "too_short": "a list with something in it is wanted",
    "path_type": "a path is wanted",
    "dict_type": "keys with values are wanted",
    "model_type": "keys with values are wanted",
}
"""What is wanted, by the kind of what is wrong."""
_SHOWN = 60
WHOLE = "the document"
"""The place of what is wrong with several keys at once."""


def sentences(errors: Sequence[Mapping[str, Any]], document: type[BaseModel], patterns: Mapping[str, str]) -> list[str]:
    """One for each thing wrong; no value is shown of errors that come without their input.

    patterns: what text of a pattern looks like, in words.
    """
    lists = {_place(each) for each in errors if isinstance(each.get("input"), (list, tuple))}
    found = [
        f"{_place(each)}: {_said(each, document, patterns)}"
        for each in errors
        # Of what may be a word or a list, each is tried: what is a list is not told that it is no word.
        if not (_tag(each).startswith("literal[") and _place(each) in lists) and not _is_no_list(each)
    ]
    return list(dict.fromkeys(found))


def _said(error: Mapping[str, Any], document: type[BaseModel], patterns: Mapping[str, str]) -> str:
    kind, facts, value = error["type"], error.get("ctx", {}), error.get("input")
    rather = f", not {_shown(value)}" if "input" in error else ""
    if kind == "missing":
        return "it is missing"
    if kind == "extra_forbidden":
        return _no_such_key(error["loc"], document)
    if kind == "literal_error" and _tag(error):
        word = str(facts["expected"]).replace("'", "")
        return f"the word {word}, or a list, is wanted{rather}"
    if kind == "literal_error":
        valid = str(facts["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        what = f"{_shown(value)} is not valid{_near(str(value), valid, alike=0.5)}" if rather else "it is not valid."
        return f"{what} Valid: {', '.join(valid)}"
    if kind == "string_pattern_mismatch":
        return f"{patterns.get(facts['pattern'], 'text of another form')} is wanted{rather}"
    if kind in _WANTED:
        return f"{_WANTED[kind].format_map(facts)}{rather}"
    words = str(error["msg"]).removeprefix("Value error, ")
    return f"{words[0].lower()}{words[1:]}"


def _no_such_key(loc: Sequence[Any], document: type[BaseModel]) -> str:
    key, part = str(loc[-1]), _part_of(document, loc[:-1])
    valid = list(_keys(part))
    elsewhere = [place for place, model in _parts(document) if model is not part and key in _keys(model)]
    if elsewhere:
        return f"there is no such key here; it stands {' or '.join(elsewhere)}. Valid here: {', '.join(valid)}"
    return f"there is no such key{_near(key, valid, alike=0.6)} Valid: {', '.join(valid)}"


def _parts(document: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    yield "at the top", document
    for name, annotation in _keys(document).items():
        model = _model(annotation)
        if model is not None:
            yield f"under {name}", model


def _part_of(document: type[BaseModel], loc: Sequence[Any]) -> type[BaseModel]:
    part, forms = document, [document]
    for name in loc:
        annotation = _keys(part).get(str(name))
        if annotation is None:  # a name in a list of them, a number, or which of several forms it is
            part = next((form for form in forms if _is_form(form, name)), part)
            continue
        forms = list(_models(annotation)) or [part]
        part = forms[0]
    return part


def _is_form(part: type[BaseModel], name: Any) -> bool:
    """Whether a key of a part has this one word, by which forms are told apart."""
    return any(get_args(annotation) == (name,) for annotation in _keys(part).values())


def _keys(part: type[BaseModel]) -> dict[str, Any]:
    """The keys of a part as they are written, and what each takes."""
    return {field.alias or name: field.annotation for name, field in part.model_fields.items()}


def _model(annotation: Any) -> type[BaseModel] | None:
    """The part that stands there, in the first of its forms."""
    return next(_models(annotation), None)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The parts that may stand there: themselves, or in a list or by names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models(each)


def _near(word: str, valid: Sequence[str], *, alike: float) -> str:
    near = did_you_mean(word, valid, alike=alike)
    return f"; {near[0].lower()}{near[1:]}" if near else "."


def _shown(value: object) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _is_no_list(error: Mapping[str, Any]) -> bool:
    return _tag(error).startswith("tuple[") and error["type"] == "tuple_type"


def _tag(error: Mapping[str, Any]) -> str:
    """Which of several forms was tried; empty where there is only one."""
    return next((str(part) for part in error["loc"] if _is_tag(part)), "")


def _is_tag(part: object) -> bool:
    return str(part).startswith(("literal[", "tuple[")) or part == "constrained-str"


def _place(error: Mapping[str, Any]) -> str:
    parts = [str(part) for part in error["loc"] if not _is_tag(part) and part != "[key]"]
    return ".".join(parts) or WHOLE
