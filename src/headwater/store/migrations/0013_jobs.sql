-- Jobs: what was asked to be done by a worker, by whom, and what became of it. The queue beside them holds their ids only.

CREATE TABLE jobs (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    job_id          uuid NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('import', 'sync', 'resume', 'retry_failed')),
    label           text NOT NULL,              -- what it is about, for people: a file, a connector and its table, a run
    arguments       jsonb NOT NULL,
    queue           text NOT NULL DEFAULT 'default' CHECK (queue ~ '^[a-z][a-z0-9_]{0,62}$'),
    priority        integer NOT NULL DEFAULT 0 CHECK (priority BETWEEN -100 AND 100),   -- among the organisation's own
    lock            text,                       -- of jobs with the same one, only one is at work
    time_limit      integer CHECK (time_limit > 0),             -- seconds of one attempt
    most_attempts   integer NOT NULL DEFAULT 5 CHECK (most_attempts >= 1),
    state           text NOT NULL DEFAULT 'pending'
                    CHECK (state IN ('pending', 'running', 'succeeded', 'succeeded_with_quarantine', 'partial_success',
                                     'failed', 'cancelled')),
    attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    asked_by        text NOT NULL,
    asked_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    not_before      timestamptz,                -- of one that is tried again later
    started_at      timestamptz,                -- its first attempt
    finished_at     timestamptz,
    heartbeat       timestamptz,                -- the last sign of life of the worker that is at it
    cancel_asked_at timestamptz,
    cancel_asked_by text,
    error           jsonb,                      -- of its last attempt
    queue_id        bigint,                     -- its row in the queue; none while it waits for its organisation's turn
    PRIMARY KEY (tenant_id, job_id)
);
CREATE INDEX jobs_by_age ON jobs (tenant_id, asked_at DESC, job_id);
CREATE INDEX jobs_not_ended ON jobs (tenant_id, queue) WHERE state IN ('pending', 'running');

-- The runs that a job has planned or gone on with: it is taken up again at the chunk where it was broken off.
CREATE TABLE job_runs (
    tenant_id       uuid NOT NULL,
    job_id          uuid NOT NULL,
    run_id          uuid NOT NULL,
    noted_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, job_id, run_id),
    FOREIGN KEY (tenant_id, job_id) REFERENCES jobs,
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs
);
CREATE INDEX job_runs_by_run ON job_runs (tenant_id, run_id);

DO $$
DECLARE
    guarded regclass;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['jobs', 'job_runs']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY own_tenant ON %s USING '
            '(tenant_id = (SELECT nullif(current_setting(''headwater.tenant'', true), '''')::uuid))', guarded);
    END LOOP;
END $$;
