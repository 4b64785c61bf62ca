"""A text read as a gas or a blend, or a finding that names what it may mean.

Case, spaces, hyphens and the height of digits do not count (CH₄, hfc134a, R 410 A); a nought is never read as an O.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from headwater.accounting.gases.tables import Blend, Gas, blends, gases
from headwater.accounting.in_doubt import InDoubt

RULE_ID = "gas.in_doubt"
_ABOUT = re.compile(r"\s*(?:=|/)\s*")


@dataclass(frozen=True, kw_only=True)
class GasInDoubt(InDoubt):
    """A finding: a text that is no gas, or may be several. `candidates` are codes, likeliest first."""

    rule_id: str = RULE_ID


def read_gas(text: str) -> Gas | Blend | GasInDoubt:
    """Read a text as a gas or a blend, or say why it is none.

    Several names of one gas may stand together, as in "HCFC-22/R22 = chlorodifluoromethane" or "Methane (CH4)".
    """
    whole = _known(text)
    if whole is not None:
        return whole
    named = {each.code: each for part in _parts(text) if (each := _known(part)) is not None}
    return next(iter(named.values())) if len(named) == 1 else _in_doubt(text.strip(), tuple(named))


def find_gas(code: str) -> Gas | Blend | None:
    """The gas or blend of a code as it is written here, nothing else."""
    return gases().get(code) or blends().get(code)


def _known(text: str) -> Gas | Blend | None:
    code = _spellings().get(folded(text))
    return None if code is None else find_gas(code)


def _parts(text: str) -> list[str]:
    """The names before, after and inside brackets, and on both sides of `=` and `/`."""
    outside = re.sub(r"\(([^()]*)\)", r"=\1=", text)
    return [part for part in _ABOUT.split(outside) if part.strip()]


def folded(text: str) -> str:
    """What counts of a gas's name: letters and digits, in lower case, and the commas that tell isomers apart."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[^a-z0-9,]", "", plain)


@cache
def _spellings() -> dict[str, str]:
    found: dict[str, str] = {}
    for code, gas in gases().items():
        for word in (code, gas.name, *gas.words):
            found.setdefault(folded(word), code)
    for code in blends():
        found.setdefault(folded(code), code)
    found["methane"] = "CH4"
    return found


def _in_doubt(text: str, named: tuple[str, ...]) -> GasInDoubt:
    word = folded(text)
    letters = _spellings().get(word.replace("0", "o"))
    near = named or ((letters,) if letters else ())
    if not near:
        matches = difflib.get_close_matches(word, _spellings(), n=6, cutoff=0.75)
        near = tuple(dict.fromkeys(_spellings()[each] for each in matches))
    why = ""
    if named:
        why = ": it names several"
    elif letters:
        why = ": it is written with a nought where the gas has the letter O"
    return GasInDoubt(
        text=text,
        candidates=near,
        message=f"{text or 'A blank'} is no gas of the registry{why}.",
        valid=f"It may mean {', '.join(near)}." if near else "A gas or a refrigerant of the registry.",
        repair="Write the gas by its formula or its refrigerant number, or say in the mapping what the word means.",
    )
