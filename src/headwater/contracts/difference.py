"""What changed between two versions of a contract, whether it breaks anything and why, and the version it asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from headwater.contracts.document import Document, FieldSpec, RuleSpec
from headwater.contracts.expression import compile_expression, evaluate
from headwater.errors import Misuse
from headwater.values import OWN_FORMAT

MAJOR, MINOR, PATCH = "major", "minor", "patch"
EVERY_WORD = "every word that was valid stays so"
_ORDER = (PATCH, MINOR, MAJOR)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change; `level` is the part of the version it moves."""

    what: str
    level: str
    why: str

    @property
    def breaking(self) -> bool:
        """Whether stored records, readers or sources of the old version would no longer do."""
        return self.level == MAJOR


@dataclass(frozen=True, kw_only=True)
class Advice:
    """The version that the changes ask for; `enough` says whether the new document carries it, or a higher one."""

    version: str
    enough: bool


def diff(old: Document, new: Document) -> tuple[Change, ...]:
    """Every change from `old` to `new`: fields in the new order, then what was removed, then rules, then words."""
    if old.name != new.name:
        raise Misuse("these are different contracts", value=f"{old.reference}, {new.reference}", valid="one name")
    words = _words("the contract", old, new, ("title", "description"))
    return (*_fields(old, new), *_rules(old, new), *_calculated(old, new), *_subject(old, new), *words)


def advise(old: Document, new: Document) -> Advice:
    """The lowest version that the changes allow."""
    major, minor, patch = _version(old)
    level = max((change.level for change in diff(old, new)), key=_ORDER.index, default=None)
    needed = {
        MAJOR: (major + 1, 0, 0),
        MINOR: (major, minor + 1, 0),
        PATCH: (major, minor, patch + 1),
        None: (major, minor, patch),
    }[level]
    return Advice(version=".".join(map(str, needed)), enough=_version(new) >= needed)


def _version(document: Document) -> tuple[int, int, int]:
    major, minor, patch = (int(part) for part in document.version.split("."))
    return major, minor, patch


def _fields(old: Document, new: Document) -> Iterator[Change]:
    for field in new.fields:
        before = old.by_name.get(field.name)
        if before is not None:
            yield from _field(before, field)
        elif field.required:
            why = "stored records have no value for it, and sources that do not give it would be refused"
            yield Change(what=f"{field.name}: added, required", level=MAJOR, why=why)
        elif field.since is None:
            why = "it would be part of every row's hash: stored rows, read again, would be found changed; say `since`"
            yield Change(what=f"{field.name}: added, optional, without since", level=MAJOR, why=why)
        else:
            why = "a nullable column is added; stored records, readers and sources stay as they are"
            yield Change(what=f"{field.name}: added, optional", level=MINOR, why=why)
    for field in old.fields:
        if field.name not in new.by_name:
            why = "readers and mappings that name it fail, and its stored values have no place any more"
            yield Change(what=f"{field.name}: removed", level=MAJOR, why=why)
    common = [field.name for field in old.fields if field.name in new.by_name]
    if common != [field.name for field in new.fields if field.name in old.by_name]:
        why = "a record is hashed in the order of its fields: stored hashes would no longer be found equal"
        yield Change(what="the order of the fields changed", level=MAJOR, why=why)


def _field(old: FieldSpec, new: FieldSpec) -> Iterator[Change]:
    for what, (judge, attributes) in _JUDGES.items():
        before = tuple(getattr(old, name) for name in attributes)
        after = tuple(getattr(new, name) for name in attributes)
        if before != after:
            level, why = judge(old, new)
            shown = f"{_shown(before)} → {_shown(after)}"
            yield Change(what=f"{new.name}: {what} {shown}", level=level, why=why)
    yield from _words(new.name, old, new, ("description", "citation"))


def _shown(values: tuple[Any, ...]) -> str:
    return ", ".join("none" if value is None or value == () else str(value) for value in values)


def _always(level: str, why: str) -> Callable[[FieldSpec, FieldSpec], tuple[str, str]]:
    return lambda _old, _new: (level, why)


def _required(_old: FieldSpec, new: FieldSpec) -> tuple[str, str]:
    if new.required:
        return MAJOR, "stored records without a value, and sources that give none, would be refused"
    return MAJOR, "readers may rely on the value, and the stored column refuses NULL"


def _enum(old: FieldSpec, new: FieldSpec) -> tuple[str, str]:
    if not new.enum or (old.enum and set(old.enum) <= set(new.enum)):
        return MINOR, EVERY_WORD
    return MAJOR, "records with a word that is no longer in the list would be refused"


def _bounds(old: FieldSpec, new: FieldSpec) -> tuple[str, str]:
    if old.type != new.type:
        return MAJOR, "bounds of different types cannot be compared"
    lows = (_value(old, old.minimum), _value(new, new.minimum))
    highs = (_value(old, old.maximum), _value(new, new.maximum))
    return _narrower(lows, highs)


def _value(field: FieldSpec, text: str | None) -> Any:
    return field.kind.parse(text, OWN_FORMAT).value


def _lengths(old: FieldSpec, new: FieldSpec) -> tuple[str, str]:
    if old.enum and not new.enum:
        shortest, longest = new.min_length or 0, new.max_length
        if all(shortest <= len(word) and (longest is None or len(word) <= longest) for word in old.enum):
            return MINOR, EVERY_WORD
        return MAJOR, "records with a word that has another length would be refused"
    return _narrower((old.min_length, new.min_length), (old.max_length, new.max_length))


def _narrower(lows: tuple[Any, Any], highs: tuple[Any, Any]) -> tuple[str, str]:
    raised = lows[1] is not None and (lows[0] is None or lows[1] > lows[0])
    lowered = highs[1] is not None and (highs[0] is None or highs[1] < highs[0])
    if raised or lowered:
        return MAJOR, "records that were valid would be refused"
    return MINOR, "every record that was valid stays so"


def _pattern(old: FieldSpec, new: FieldSpec) -> tuple[str, str]:
    if new.pattern is None:
        return MINOR, "every record that was valid stays so"
    if old.enum and all(re.fullmatch(new.pattern, word, re.ASCII) for word in old.enum):
        return MINOR, EVERY_WORD
    return MAJOR, "records that do not match would be refused, and no one can tell from two patterns which"


def _reference(_old: FieldSpec, new: FieldSpec) -> tuple[str, str]:
    if new.reference is None:
        return MINOR, "every record that was valid stays so"
    return MAJOR, "records whose code is not there would be refused"


def _personal(_old: FieldSpec, new: FieldSpec) -> tuple[str, str]:
    if new.personal:
        return MINOR, "the value is protected from now on"
    return MAJOR, "what was masked would be shown"


_JUDGES: dict[str, tuple[Callable[[FieldSpec, FieldSpec], tuple[str, str]], tuple[str, ...]]] = {
    "type": (
        _always(MAJOR, "the column, its text and its hash change; stored values need a migration"),
        ("type", "precision", "scale"),
    ),
    "required": (_required, ("required",)),
    "key": (_always(MAJOR, "records are told apart by other fields: stored ones may fall together"), ("key",)),
    "unit": (_always(MAJOR, "the same number means another quantity"), ("unit",)),
    "enum": (_enum, ("enum",)),
    "range": (_bounds, ("minimum", "maximum")),
    "length": (_lengths, ("min_length", "max_length")),
    "pattern": (_pattern, ("pattern",)),
    "reference": (_reference, ("reference",)),
    "default": (_always(MAJOR, "the same blank cell gives another value, so that no replay is equal"), ("default",)),
    "since": (
        _always(MAJOR, "the row hash takes the field in otherwise: stored rows would be found changed"),
        ("since",),
    ),
    "personal": (_personal, ("personal",)),
}


def _rules(old: Document, new: Document) -> Iterator[Change]:
    """Row rules only: what the fields imply was told with the fields."""
    before = {rule.id: rule for rule in old.rules if rule.kind == "row"}
    after = {rule.id: rule for rule in new.rules if rule.kind == "row"}
    for name, rule in after.items():
        if name not in before:
            level, why = _rule_added(rule, old, new)
            yield Change(what=f"rule {name}: added, {rule.severity}", level=level, why=why)
        else:
            yield from _rule(before[name], rule)
    for name in before.keys() - after.keys():
        yield Change(what=f"rule {name}: removed", level=MINOR, why="every record that was valid stays so")


def _rule_added(rule: RuleSpec, old: Document, new: Document) -> tuple[str, str]:
    if rule.severity != "reject":
        return MINOR, "records are accepted as before, with a finding more"
    if not any(name in old.by_name for name in rule.fields):
        condition = compile_expression(str(rule.expression), new.by_name)
        if evaluate(condition, dict.fromkeys(rule.fields)) is not False:
            return MINOR, "it looks at added fields only, and allows that none of them has a value"
    return MAJOR, "records that were accepted would be refused"


_RULE_CHANGED = {
    MAJOR: "records that were accepted may be refused",
    MINOR: "no record is refused for it; which ones carry the finding may change",
}


def _rule(old: RuleSpec, new: RuleSpec) -> Iterator[Change]:
    if old.expression != new.expression or old.fields != new.fields:
        level = MAJOR if new.severity == "reject" else MINOR
        yield Change(what=f"rule {new.id}: expression changed", level=level, why=_RULE_CHANGED[level])
    if old.severity != new.severity:
        level = MAJOR if new.severity == "reject" else MINOR
        what = f"rule {new.id}: {old.severity} → {new.severity}"
        yield Change(what=what, level=level, why=_RULE_CHANGED[level])
    yield from _words(f"rule {new.id}", old, new, ("dimension", "message", "valid", "repair", "citation"))


def _calculated(old: Document, new: Document) -> Iterator[Change]:
    if old.calculated_from != new.calculated_from:
        shown = f"{old.calculated_from or 'nothing'} → {new.calculated_from or 'nothing'}"
        why = "stored records and readers stay as they are; what is calculated is loaded from no file"
        yield Change(what=f"the contract: calculated from {shown}", level=MINOR, why=why)


def _subject(old: Document, new: Document) -> Iterator[Change]:
    if old.subject != new.subject:
        is_key = any(field.key for field in new.personal.values())
        why = "stored keys, whose ciphertext is another's, would not be found again"
        kept = "personal values of stored records stay with the subject of before"
        shown = f"{', '.join(old.subject) or 'its key'} → {', '.join(new.subject) or 'its key'}"
        yield Change(what=f"the subject: {shown}", level=MAJOR if is_key else MINOR, why=why if is_key else kept)


def _words(subject: str, old: object, new: object, names: tuple[str, ...]) -> Iterator[Change]:
    changed = [name for name in names if getattr(old, name) != getattr(new, name)]
    if changed:
        yield Change(what=f"{subject}: {', '.join(changed)} changed", level=PATCH, why="words only")
