"""What a config holds is told key by key, in words of its own docstrings."""

from __future__ import annotations

import pytest

from headwater.connectors.config_fields import fields_of, schema_of
from headwater.connectors.protocol import Kind
from tools.reference_connectors import kinds


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: str(kind.name))
def test_each_key_of_a_config_says_what_it_is(kind: Kind) -> None:
    told = fields_of(kind.config)
    assert {each.name for each in told} >= set(kind.config.model_fields)
    assert [each.name for each in told if "[]" not in each.name and not each.words] == []
    described = schema_of(kind.config)["properties"]
    assert all(each["description"] for each in described.values())


def test_keys_within_others_stand_behind_them_with_the_form_they_are_of() -> None:
    rest = next(kind for kind in kinds() if kind.name == "rest")
    found = {(each.name, each.of): each for each in fields_of(rest.config)}
    token = found["auth.token_ref", "bearer"]
    assert (token.type, token.needed, found["auth", ""].needed) == ("text", True, False)
    assert found["auth", ""].type.endswith(
        "by its kind: none, basic, bearer, api_key, client_credentials, refresh_token"
    )
    assert found["tables[].cursor.format", ""].type == "iso, date, epoch, epoch_ms"
    assert [each.name for each in fields_of(rest.config)][:3] == ["url", "tables", "tables[].name"]
