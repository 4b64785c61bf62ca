"""Personal data is masked whoever looks, unless they ask to see it in clear, may, and are noted in the audit chain.

    jane@example.org  j***e@example.org       Jane Doe  J***
    +254712345123     +254***123              AB-12     A***

A value of three signs or fewer is hidden whole. Numbers and dates become text, `***`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from headwater.errors import Forbidden
from headwater.services.access.policy import Right
from headwater.store import audit

if TYPE_CHECKING:
    from headwater.contracts import Document
    from headwater.services.installation import Installation

STARS = "***"
CLEAR_RECORDS = Right.WRITE
"""Who mends and enters records may see in clear what they mend."""
CLEAR_PEOPLE = Right.MANAGE_USERS

_SIGN = r"[^@\t\n\f\r ]"
# The last that fits holds. RE2 reads these for columns, Python for single values; each has its own word for the end.
_FORMS = (
    (r"^(\+[0-9]{1,3})[0-9 ()./-]{4,}([0-9]{3})", rf"\1{STARS}\2"),
    (rf"^({_SIGN}){_SIGN}{{2,}}({_SIGN})@({_SIGN}+)", rf"\1{STARS}\2@\3"),
    (rf"^{_SIGN}{{1,3}}@({_SIGN}+)", rf"{STARS}@\1"),
)
_OF_ONE = tuple((re.compile(rf"{pattern}\Z"), form) for pattern, form in _FORMS)


def masked(column: Any) -> Any:
    """A column of Arrow, masked; nulls stay, as what is absent is not personal."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return pc.if_else(pc.is_valid(column), pa.scalar(STARS), pa.scalar(None, pa.string()))
    text = column.cast(pa.string())
    first = pc.binary_join_element_wise(pc.utf8_slice_codeunits(text, 0, 1), STARS, "")
    found = pc.if_else(pc.greater(pc.utf8_length(text), pa.scalar(len(STARS), pa.int32())), first, STARS)
    for pattern, form in _FORMS:
        whole = rf"{pattern}\z"
        fits = pc.match_substring_regex(text, whole)
        found = pc.if_else(fits, pc.replace_substring_regex(text, whole, form), found)
    return found


def mask(value: object) -> str | None:
    """One value, masked as a column of it would be; by Arrow one value takes as long as a thousand."""
    if value is None:
        return None
    if not isinstance(value, str):
        return STARS
    for pattern, form in reversed(_OF_ONE):
        found = pattern.match(value)
        if found:
            return found.expand(form)
    return value[0] + STARS if len(value) > len(STARS) else STARS


def personal_fields(document: Document) -> frozenset[str]:
    """Fields of a contract that are or may be personal, keys too."""
    return frozenset(spec.name for spec in document.fields if spec.personal)


def masked_table(document: Document, table: pa.Table) -> pa.Table:
    """Rows of a contract in which every personal field is masked; such a field is text then."""
    for name in personal_fields(document).intersection(table.column_names):
        place = table.column_names.index(name)
        table = table.set_column(place, name, masked(table.column(place)))
    return table


def show_clear(installation: Installation, resource: str, right: Right, **payload: object) -> None:
    """Note that personal data of `resource` is seen in clear. Forbidden, which is noted too, where it may not be."""
    refusal = None
    try:
        installation.actor.require(right)
    except Forbidden as error:
        refusal = error
    note_access(installation, resource, result="done" if refusal is None else "refused", right=right.value, **payload)
    if refusal is not None:
        raise refusal


def note_access(installation: Installation, resource: str, *, result: str, **payload: object) -> None:
    """An entry of the audit chain, in a transaction of its own: what was seen was seen, whatever comes after."""
    said = payload | installation.actor.came_by()
    with installation.database.connect(installation.tenant_id) as connection:
        audit.append(
            connection, installation.tenant_id, action="personal_data.read", resource=resource, payload=said,
            result=result,
        )  # fmt: skip


def show_records_clear(installation: Installation, document: Document, **payload: object) -> None:
    """The same for records of a contract; nothing is noted of one that has no personal field."""
    fields = sorted(personal_fields(document))
    if fields:
        show_clear(installation, f"contract/{document.reference}", CLEAR_RECORDS, fields=fields, **payload)
