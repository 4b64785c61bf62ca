"""What is wrong with a request itself is told as every other error: with what is valid, and what to do."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from headwater.api.problems import wrong_parameters


class Wanted(BaseModel):
    """What is taken."""

    model_config = ConfigDict(extra="forbid")
    form: Literal["csv", "arrow"] = "csv"
    rows: int = Field(default=1, ge=1, le=9)
    name: str = Field(default="a", pattern="^[a-z]+$")


@pytest.mark.parametrize(
    ("sent", "field", "valid"),
    [
        ({"form": "xls"}, "form", "'csv' or 'arrow'"),
        ({"rows": 10}, "rows", "at most 9"),
        ({"rows": 0}, "rows", "at least 1"),
        ({"name": "A"}, "name", "a text like ^[a-z]+$"),
        ({"crn": "1"}, "crn", "no field of this name"),
    ],
)
def test_what_is_valid_and_what_to_do_is_told(sent: dict[str, Any], field: str, valid: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Wanted.model_validate(sent)
    found = json.loads(bytes(wrong_parameters(RequestValidationError(refused.value.errors())).body))
    assert (found["status"], found["field"], found["valid"]) == (422, field, valid)
    assert "openapi.json" in found["remedy"]
