-- Where what a run refused was copied to, outside the database.

CREATE TABLE dead_letters (
    tenant_id       uuid NOT NULL,
    run_id          uuid NOT NULL,
    object          text NOT NULL,              -- as the store names it
    records         integer NOT NULL CHECK (records >= 0),
    run_finished_at timestamptz NOT NULL,       -- when the run had ended; one that goes on and ends again is copied again
    mirrored_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, run_id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs
);

-- So that runs that refused something are found among many that refused nothing.
CREATE INDEX chunks_that_refused ON chunks (tenant_id, run_id) WHERE quarantined + quarantined_raw > 0;

ALTER TABLE dead_letters ENABLE ROW LEVEL SECURITY;
ALTER TABLE dead_letters FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON dead_letters USING
    (tenant_id = (SELECT nullif(current_setting('headwater.tenant', true), '')::uuid));
