-- What came through the HTTP interface: writes done once whatever is sent again, and files on their way to a run.

-- A write that named an Idempotency-Key. Without a status it is being done, or whoever did it was killed: the lock tells.
CREATE TABLE api_requests (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    actor           text NOT NULL,
    idempotency_key text NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 200),
    request_hash    bytea NOT NULL CHECK (octet_length(request_hash) = 32),
    status          integer CHECK (status BETWEEN 200 AND 499),
    headers         jsonb,
    body            bytea,                      -- null where it was shown once and is not kept
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, actor, idempotency_key)
);
CREATE INDEX api_requests_by_age ON api_requests (tenant_id, created_at);

-- A file sent over HTTP, until it is a run. Once there is a run, its state is the run's.
CREATE TABLE import_jobs (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    job_id      uuid NOT NULL,
    state       text NOT NULL CHECK (state IN ('uploading', 'uploaded', 'scanned', 'inspected', 'mapped', 'planned',
                                               'refused', 'cancelled')),
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    size        bigint NOT NULL CHECK (size >= 0),
    received    bigint NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND size),
    sha256      bytea CHECK (octet_length(sha256) = 32),
    mapping     text,
    found       jsonb,                          -- what inspection said
    error       jsonb,                          -- why it was refused
    run_id      uuid,
    version     integer NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, job_id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs,
    CONSTRAINT planned_has_a_run CHECK ((state = 'planned') = (run_id IS NOT NULL))
);
CREATE INDEX import_jobs_by_age ON import_jobs (tenant_id, created_at, job_id);

-- What lists of the interface are sorted by.
CREATE INDEX runs_by_start ON runs (tenant_id, started_at, run_id);

DO $$
DECLARE
    guarded regclass;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['api_requests', 'import_jobs']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY own_tenant ON %s USING '
            '(tenant_id = (SELECT nullif(current_setting(''headwater.tenant'', true), '''')::uuid))', guarded);
    END LOOP;
END $$;
