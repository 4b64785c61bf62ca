-- Syncs that came to no run, since the source or the recipe refused them before one was planned: when, of what, and why.
-- The error quotes no value, as that of a run does not.
CREATE TABLE refused_syncs (
    tenant_id       uuid NOT NULL,
    refusal_id      uuid NOT NULL,
    connector_id    uuid NOT NULL,
    source_name     text NOT NULL,
    tried_at        timestamptz NOT NULL,
    refused_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    error           jsonb NOT NULL,             -- {kind, message}
    PRIMARY KEY (tenant_id, refusal_id),
    FOREIGN KEY (tenant_id, connector_id) REFERENCES connectors
);
CREATE INDEX refused_syncs_by_time ON refused_syncs (tenant_id, connector_id, tried_at);

CREATE OR REPLACE VIEW connector_sync_logs WITH (security_invoker = true) AS
SELECT r.tenant_id, r.run_id, k.name AS connector, r.source_name, r.state AS status, r.started_at, r.finished_at,
       coalesce(sum(c.read), 0) AS items_read,
       coalesce(sum(c.inserted + c.updated), 0) AS items_written,
       count(*) FILTER (WHERE c.state = 'failed') AS chunks_failed,
       r.error
FROM runs r
LEFT JOIN chunks c USING (tenant_id, run_id)
LEFT JOIN connectors k USING (tenant_id, connector_id)
GROUP BY r.tenant_id, r.run_id, k.name
UNION ALL
SELECT f.tenant_id, NULL, k.name, f.source_name, 'refused', f.tried_at, f.refused_at, 0, 0, 0, f.error
FROM refused_syncs f
JOIN connectors k USING (tenant_id, connector_id);

ALTER TABLE refused_syncs ENABLE ROW LEVEL SECURITY;
ALTER TABLE refused_syncs FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON refused_syncs USING
    (tenant_id = (SELECT nullif(current_setting('headwater.tenant', true), '')::uuid));
-- As connectors, they are the organisation's: who is bound to units sees none of them.
CREATE POLICY units ON refused_syncs AS RESTRICTIVE FOR SELECT USING
    ((SELECT 1 WHERE nullif(current_setting('headwater.units', true), '') IS NULL) IS NOT NULL);
