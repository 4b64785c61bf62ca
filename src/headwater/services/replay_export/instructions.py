"""What a run does to a record, as instructions: its mapping for the columns at hand, and the rules of its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.contracts.expression import compile_expression
from headwater.engine.letter_cases import letter_cases
from headwater.errors import Misuse
from headwater.mapping import compile_mapping
from headwater.replay.program import Language, built
from headwater.replay.records import format_as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from headwater.services.logic import Logic


def instructions(connection: duckdb.DuckDBPyConnection, logic: Logic, columns: Sequence[str]) -> dict[str, Any]:
    """The program of a file; Misuse where an expression may mean another thing to Python than to the engine."""
    compiled = compile_mapping(logic.mapping, logic.contract, columns)
    rules = {
        rule.id: compile_expression(str(rule.expression), logic.contract.by_name).code
        for rule in logic.contract.row_rules
        if rule.kind == "row"
    }
    program: dict[str, Any] = {**compiled.program, "rules": rules}
    language = Language(text_format=compiled.format)
    try:
        for code in (*program["texts"].values(), program["skip"], *program["unmapped"].values(), *rules.values()):
            built(code, language)
    except Misuse as error:
        raise Misuse(
            f"the run cannot be exported: {error.what}",
            where=f"mapping {logic.mapping.mapping} {logic.mapping.version}",
            value=error.value,
            valid=error.valid,
            remedy=error.remedy,
        ) from error
    letters = letter_cases(connection) if _has_case(program) else {"lower": {}, "upper": {}}
    return {**program, "columns": list(columns), "format": format_as_json(compiled.format), "letters": letters}


def _has_case(code: object) -> bool:
    """Whether anything in it changes the case of letters."""
    if isinstance(code, dict):
        return any(map(_has_case, code.values()))
    if not isinstance(code, list):
        return False
    return any(each in ("lower", "upper", "like") for each in code[:1]) or any(map(_has_case, code))
