-- Connectors, and what a sync through one leaves behind: its plan, its checkpoint, the columns that the source had, and the
-- state of the circuit that keeps a source in trouble from being asked over and over.

CREATE TABLE connectors (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    connector_id    uuid NOT NULL,
    name            text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    kind            text NOT NULL,
    config          jsonb NOT NULL,             -- secrets stand in it as references only
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    removed_at      timestamptz,                -- its runs stay, and with them what they say of it
    PRIMARY KEY (tenant_id, connector_id)
);
CREATE UNIQUE INDEX connectors_by_name ON connectors (tenant_id, name) WHERE removed_at IS NULL;

-- Secrets that configs refer to as stored:NAME. Encrypted by the application: AES-GCM, bound to tenant and name.
CREATE TABLE credentials (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    name            text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    key_id          text NOT NULL,              -- of the key it is encrypted by
    nonce           bytea NOT NULL CHECK (octet_length(nonce) = 12),
    ciphertext      bytea NOT NULL,
    updated_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, name)
);

-- A sync is a run. What it reads for a chunk is kept as a file of the chunk's own.
ALTER TABLE runs DROP CONSTRAINT runs_kind_check;
ALTER TABLE runs ADD CONSTRAINT runs_kind_check CHECK (kind IN ('import', 'resubmit', 'sync'));
ALTER TABLE runs ADD COLUMN connector_id uuid;
ALTER TABLE runs ADD COLUMN reconciliation jsonb;   -- counts and sums, source against target
ALTER TABLE runs ADD FOREIGN KEY (tenant_id, connector_id) REFERENCES connectors;
ALTER TABLE runs ADD CONSTRAINT a_sync_has_a_connector CHECK (kind <> 'sync' OR connector_id IS NOT NULL);

ALTER TABLE chunks ADD COLUMN extract_sha256 bytea;
ALTER TABLE chunks ADD COLUMN last_row_id text;         -- the key of the last record in it, as text
ALTER TABLE chunks ADD FOREIGN KEY (tenant_id, extract_sha256) REFERENCES blobs;

-- Where the chunks of a sync lie in their source, as planned.
CREATE TABLE source_chunks (
    tenant_id       uuid NOT NULL,
    run_id          uuid NOT NULL,
    chunk_no        integer NOT NULL,
    locator         jsonb NOT NULL,             -- what the connector needs to read it; no secret
    records         integer NOT NULL CHECK (records >= 0),  -- as counted or estimated
    cursor_to       text,                       -- once it and all before it are in, everything up to here has been read
    window_start    text,
    window_end      text,
    PRIMARY KEY (tenant_id, run_id, chunk_no),
    FOREIGN KEY (tenant_id, run_id, chunk_no) REFERENCES chunks
);

ALTER TABLE connector_sync_state ADD COLUMN last_cursor text;
ALTER TABLE connector_sync_state ADD COLUMN last_row_id text;
ALTER TABLE connector_sync_state ADD COLUMN last_window_start text;
ALTER TABLE connector_sync_state ADD COLUMN last_window_end text;

-- The columns a source's table had, each time they were not those of the time before.
CREATE TABLE source_schema_cache (
    tenant_id       uuid NOT NULL,
    connector_id    uuid NOT NULL,
    table_name      text NOT NULL,
    seen_no         integer NOT NULL CHECK (seen_no >= 1),
    columns         jsonb NOT NULL,             -- [{name, type, nullable}]
    changes         jsonb NOT NULL,             -- [{kind, column, before, after}]
    seen_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, connector_id, table_name, seen_no),
    FOREIGN KEY (tenant_id, connector_id) REFERENCES connectors
);

-- Closed: asked as usual. Open: not asked before opened_at and a while. Half-open: one is asking whether it is well again.
CREATE TABLE source_circuits (
    tenant_id       uuid NOT NULL,
    connector_id    uuid NOT NULL,
    state           text NOT NULL DEFAULT 'closed' CHECK (state IN ('closed', 'open', 'half_open')),
    failures        integer NOT NULL DEFAULT 0 CHECK (failures >= 0),   -- one after the other
    changed_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_error      text,
    PRIMARY KEY (tenant_id, connector_id),
    FOREIGN KEY (tenant_id, connector_id) REFERENCES connectors
);

DROP VIEW connector_sync_logs;
CREATE VIEW connector_sync_logs WITH (security_invoker = true) AS
SELECT r.tenant_id, r.run_id, k.name AS connector, r.source_name, r.state AS status, r.started_at, r.finished_at,
       coalesce(sum(c.read), 0) AS items_read,
       coalesce(sum(c.inserted + c.updated), 0) AS items_written,
       count(*) FILTER (WHERE c.state = 'failed') AS chunks_failed,
       r.error
FROM runs r
LEFT JOIN chunks c USING (tenant_id, run_id)
LEFT JOIN connectors k USING (tenant_id, connector_id)
GROUP BY r.tenant_id, r.run_id, k.name;

DO $$
DECLARE
    guarded regclass;
BEGIN
    FOREACH guarded IN ARRAY ARRAY[
        'connectors', 'credentials', 'source_chunks', 'source_schema_cache', 'source_circuits']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY own_tenant ON %s USING '
            '(tenant_id = (SELECT nullif(current_setting(''headwater.tenant'', true), '''')::uuid))', guarded);
    END LOOP;
END $$;
