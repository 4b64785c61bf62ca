"""No secret stands in a config, of whatever kind and however deep, and what is refused for it does not show it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from headwater.connectors.configs import config_of
from headwater.errors import Misuse
from headwater.services.connectors.kinds import installed_kinds
from tests.planted import planted

SERVER = {"host": "db.example.org", "database": "plant", "user": "reader", "password_ref": "env:PASSWORD"}
ACCOUNT = {"account": "acme-plant", "database": "plant", "user": "reader"}
URL = {"url": "https://api.example.org/v1"}
TOKEN = {"token_url": "https://api.example.org/token", "client_id": "headwater", "client_secret_ref": "env:SECRET"}
LOGINS = [
    {"kind": "basic", "user": "reader", "password_ref": "stored:password"},
    {"kind": "bearer", "token_ref": "file:/run/secrets/token"},
    {"kind": "api_key", "key_ref": "env:KEY"},
    {"kind": "client_credentials", **TOKEN},
    {"kind": "refresh_token", **TOKEN, "refresh_token_ref": "stored:refresh"},
]
TABLES = [{"name": "orders", "path": "orders", "params": {"customer_ref": "4711"}}]
BY_HTTP: dict[str, dict[str, Any]] = {
    "odata": {},
    "oracle_fusion": {},
    "rest": {"tables": TABLES},
    "workday": {"tenant": "acme", "reports": [{"name": "workers", "owner": "isu", "report": "Workers"}]},
}
VALID: dict[str, list[dict[str, Any]]] = {
    "postgresql": [SERVER],
    "mysql": [SERVER],
    "sqlserver": [SERVER],
    "snowflake": [
        {**ACCOUNT, "password_ref": "env:PASSWORD"},
        {**ACCOUNT, "token_ref": "env:TOKEN"},
        {**ACCOUNT, "private_key_ref": "file:key.pem", "private_key_passphrase_ref": "env:PHRASE"},
    ],
    "databricks": [
        {"host": "dbc.example.org", "http_path": "/sql/1.0/warehouses/1", "token_ref": "env:TOKEN", "catalog": "main"}
        | more
        for more in ({}, {"fetch": "statements"})
    ],
    "sqlite": [{"path": "source.db"}],
    "duckdb": [{"path": "source.duckdb"}],
    "folder": [{"path": "bills"}],
    "s3": [
        {"bucket": "bills", "access_key_id": "AKIA", "secret_access_key_ref": "env:A", "session_token_ref": "env:B"},
    ],
    "azure_blob": [
        {"account": "acme", "container": "bills", "account_key_ref": "env:KEY"},
        {"account": "acme", "container": "bills", "sas_ref": "env:SAS"},
    ],
    **{kind: [{**URL, **more, "auth": login} for login in LOGINS] for kind, more in BY_HTTP.items()},
}
"""Configs of every kind, together with a reference in every place that takes one."""
PLANTED = planted("planted-secret-of-the-tests")
CASES = [
    (kind, number) for kind, configs in VALID.items() if kind in installed_kinds() for number in range(len(configs))
]


def places(values: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where references stand in a config."""
    pairs = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in pairs:
        if str(key).endswith("_ref") and "params" not in above:
            yield (*above, key)
        else:
            yield from places(value, (*above, key))


def with_value(values: dict[str, Any], place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(values)
    inner: Any = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return changed


def fields_of(schema: dict[str, Any]) -> set[str]:
    """Names of all fields that take a reference, those of inner documents too."""
    parts = [schema, *schema.get("$defs", {}).values()]
    return {name for part in parts for name in part.get("properties", {}) if name.endswith("_ref")}


def test_every_kind_that_comes_along_and_every_field_for_a_secret_is_tried_here() -> None:
    ours = {name: kind for name, kind in installed_kinds().items() if kind.config.__module__.startswith("headwater.")}
    assert set(ours) <= set(VALID)
    for name, kind in ours.items():
        tried = {place[-1] for values in VALID[name] for place in places(values)}
        assert tried == fields_of(kind.config.model_json_schema()), name


@pytest.mark.parametrize(("kind", "number"), CASES, ids=[f"{kind}-{number}" for kind, number in CASES])
def test_a_secret_in_place_of_a_reference_is_refused_and_not_shown(kind: str, number: int) -> None:
    values = VALID[kind][number]
    config_of(installed_kinds()[kind], values)
    for place in places(values):
        for wrong in (PLANTED, f"{PLANTED}:x", f"stored{PLANTED}", {"secret": PLANTED}, [PLANTED]):
            with pytest.raises(Misuse) as refused:
                config_of(installed_kinds()[kind], with_value(values, place, wrong))
            assert place[-1] in str(refused.value)
            assert PLANTED not in str(refused.value)
            assert refused.value.__cause__ is None
    for misplaced in ({"password": PLANTED}, {"auth": {"kind": "basic", "password": PLANTED}}):
        with pytest.raises(Misuse) as refused:
            config_of(installed_kinds()[kind], {**values, **misplaced})
        assert PLANTED not in str(refused.value)


def test_what_is_wrong_is_said_with_its_place_and_what_is_valid() -> None:
    kinds = installed_kinds()
    with pytest.raises(Misuse, match=r"config of postgresql: hots: there is no such key; did you mean host\?"):
        config_of(kinds["postgresql"], {"hots": "db"})
    with pytest.raises(Misuse, match="config of postgresql: host: it is missing"):
        config_of(kinds["postgresql"], {"database": "plant", "user": "reader"})
    with pytest.raises(Misuse, match="config of s3: give either access_key_id"):
        config_of(kinds["s3"], {"bucket": "bills"})
    with pytest.raises(Misuse, match=r"config of rest, auth\.password_ref: secrets are not written") as raw:
        config_of(kinds["rest"], {**URL, "tables": TABLES, "auth": {**LOGINS[0], "password_ref": PLANTED}})
    assert raw.value.valid == "env:NAME, file:/PATH or stored:NAME"


def test_all_that_is_wrong_is_told_at_once() -> None:
    kind = installed_kinds()["snowflake"]
    wrong = {**ACCOUNT, "password_ref": "as it is", "tokn_ref": "env:T", "connect_timeout": "long"}
    with pytest.raises(Misuse) as refused:
        config_of(kind, wrong)
    faults = {each.where: each.what for each in refused.value.faults}
    assert list(faults) == [f"config of snowflake, {key}" for key in ("tokn_ref", "connect_timeout", "password_ref")]
    assert all(what in str(refused.value) for what in faults.values())
    with pytest.raises(Misuse) as refused:
        config_of(kind, {**ACCOUNT, "private_key_ref": "one", "private_key_passphrase_ref": "two"})
    assert len(refused.value.faults) == 2
    assert "as it is" not in str(refused.value)
