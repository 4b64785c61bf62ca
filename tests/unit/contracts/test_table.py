"""The tables of a contract: names, keys that begin with the tenant, and row-level security forced on both."""

from __future__ import annotations

from dataclasses import replace

from headwater.contracts import compile_contract, history_name, table_ddl, table_name
from headwater.packs.ghg.contracts import Activity, Emission

ACTIVITY = compile_contract(Activity)


def test_minor_versions_share_a_table_major_ones_do_not() -> None:
    assert table_name(replace(ACTIVITY, version="1.7.2")) == "activity_v1"
    assert table_name(replace(ACTIVITY, version="2.0.0")) == "activity_v2"
    assert history_name(replace(ACTIVITY, name="erp.invoice")) == "erp_invoice_v1_history"


def test_the_definition_closes_both_tables_to_other_tenants() -> None:
    text = table_ddl(compile_contract(Emission))
    assert 'PRIMARY KEY (tenant_id, "activity_id", "method", "gwp_set")\n' in text
    assert 'PRIMARY KEY (tenant_id, "activity_id", "method", "gwp_set", superseded_by, chunk_id, record_no)\n' in text
    for table in ("emission_v1", "emission_v1_history"):
        assert f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY;' in text
        assert f'CREATE POLICY tenant ON "{table}" USING (tenant_id = (SELECT' in text
    assert '"factor_unit" text COLLATE "C" NOT NULL' in text
    assert '"category" bigint,' in text
