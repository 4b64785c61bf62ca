-- Tenants never meet: a session sees and writes the rows of the tenant named in headwater.tenant; no name, no rows.
-- FORCE binds the owner too. The sub-select makes the setting one scalar that the planner reads once a statement.

DO $$
DECLARE
    guarded regclass;
BEGIN
    FOREACH guarded IN ARRAY ARRAY[
        'tenants', 'documents', 'blobs', 'runs', 'chunks', 'connector_sync_state', 'quarantine', 'quarantine_repairs',
        'findings', 'audit_entries', 'audit_heads']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY own_tenant ON %s USING '
            '(tenant_id = (SELECT nullif(current_setting(''headwater.tenant'', true), '''')::uuid))', guarded);
    END LOOP;
END $$;
