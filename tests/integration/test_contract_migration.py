"""Rows stored under facility_emission 1 carried over into 2, by PostgreSQL, as if they had been read under 2."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID, uuid4

import psycopg
import pytest

from headwater.contracts import compile_contract, enforce_row, migration_sql
from headwater.contracts.row import RowResult, canonical_record
from headwater.packs.ghg.facility_emission import FacilityEmission
from headwater.packs.ghg.migrations import FACILITY_EMISSION_2, FacilityEmission2
from headwater.values import Outcome, TextFormat, sha256
from tests.servers import Installation

pytestmark = pytest.mark.server

OLD, NEW = compile_contract(FacilityEmission), compile_contract(FacilityEmission2)
FORMAT = TextFormat(absent={"-": Outcome.NOT_REPORTED})
COMMON = {"source": "register", "year": "2020"}
RECORDS = (
    {"facility_code": "a", "scope2_co2e_t": "-0.000001", "gwp_set": "AR4", "country": "Curaçao"},
    {"facility_code": "b", "scope2_co2e_t": "n/a", "scope1_co2e_t": "99999999999999.999999", "sector": "steel"},
    {"facility_code": "c", "scope2_co2e_t": "-", "latitude": "-90", "longitude": "0", "boundary": "-", "gwp_set": "-"},
    {"facility_code": "d", "facility_name": "two\nlines 'quoted'", "methodology": "–"},
)


def as_version_2(record: dict[str, str]) -> dict[str, str]:
    """What a source of version 2 would have said."""
    kept = {name: text for name, text in record.items() if name not in {"scope2_co2e_t", "gwp_set"}}
    gwp_set = record.get("gwp_set", "-")
    kept["gwp_set"] = "not_stated" if gwp_set == "-" else gwp_set
    return kept | ({"scope2_unstated_co2e_t": record["scope2_co2e_t"]} if "scope2_co2e_t" in record else {})


def insert(connection: psycopg.Connection, tenant: UUID, chunk: UUID, record_no: int, result: RowResult) -> None:
    columns = ["tenant_id", *OLD.by_name, "absent", "chunk_id", "record_no", "row_hash"]
    values = [result.values[name] for name in OLD.by_name]
    row_hash = sha256(canonical_record(OLD, result))
    connection.execute(
        f"INSERT INTO facility_emission_v1 ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})",
        [tenant, *values, result.absent, chunk, record_no, row_hash],
    )


def test_stored_rows_are_carried_over_exactly(installation: Installation) -> None:
    tenant, chunk = installation.tenant_id, uuid4()
    with psycopg.connect(installation.app_url) as connection:
        connection.execute("SELECT set_config('headwater.tenant', %s, false)", [str(tenant)])
        connection.execute("SET datestyle = 'German, DMY'; SET extra_float_digits = 0")
        for record_no, record in enumerate(RECORDS):
            result = enforce_row(OLD, COMMON | record, FORMAT)
            assert not result.rejected
            insert(connection, tenant, chunk, record_no, result)
        assert connection.execute(migration_sql(FACILITY_EMISSION_2)).rowcount == len(RECORDS)
        names = ", ".join(NEW.by_name)
        rows = connection.execute(
            f"SELECT {names}, absent, row_hash, chunk_id, record_no FROM facility_emission_v2 ORDER BY record_no"
        ).fetchall()
        assert connection.execute(migration_sql(FACILITY_EMISSION_2)).rowcount == 0
    for record_no, (record, row) in enumerate(zip(RECORDS, rows, strict=True)):
        expected = enforce_row(NEW, COMMON | as_version_2(record), FORMAT)
        assert not expected.rejected
        assert row[:-4] == tuple(expected.values.values())
        assert row[-4] == expected.absent
        assert row[-3] == sha256(canonical_record(NEW, expected))
        assert row[-2:] == (chunk, record_no)
    assert rows[0][list(NEW.by_name).index("scope2_unstated_co2e_t")] == Decimal("-0.000001")


def test_rows_of_another_organisation_stay_where_they_are(installation: Installation) -> None:
    other = installation.add_tenant("other")
    with psycopg.connect(installation.app_url) as connection:
        connection.execute("SELECT set_config('headwater.tenant', %s, false)", [str(other)])
        insert(connection, other, uuid4(), 0, enforce_row(OLD, COMMON | RECORDS[0], FORMAT))
        connection.execute("SELECT set_config('headwater.tenant', %s, false)", [str(installation.tenant_id)])
        assert connection.execute(migration_sql(FACILITY_EMISSION_2)).rowcount == 0
