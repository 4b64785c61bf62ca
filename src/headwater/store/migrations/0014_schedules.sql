-- Schedules: jobs that are asked for at times of day, or once others have succeeded; and what came of each job, source by source.

CREATE TABLE scheduled_jobs (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    schedule_id     uuid NOT NULL,
    name            text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    kind            text NOT NULL CHECK (kind IN ('import', 'sync', 'retry_failed')),
    label           text NOT NULL,
    arguments       jsonb NOT NULL,             -- the job's, as it is asked for each time
    lock            text,
    queue           text NOT NULL,
    priority        integer NOT NULL CHECK (priority BETWEEN -100 AND 100),
    time_limit      integer CHECK (time_limit > 0),
    most_attempts   integer NOT NULL CHECK (most_attempts >= 1),
    cron            text,                       -- none where it comes after others
    time_zone       text NOT NULL,
    missed          text NOT NULL CHECK (missed IN ('catch_up', 'skip')),   -- what is done about times that nobody worked at
    next_at         timestamptz,
    queue_id        bigint,                     -- its next time in the queue
    paused_at       timestamptz,
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    removed_at      timestamptz,                -- its history stays
    PRIMARY KEY (tenant_id, schedule_id)
);
CREATE UNIQUE INDEX scheduled_jobs_by_name ON scheduled_jobs (tenant_id, name) WHERE removed_at IS NULL;

-- A schedule without times of its own: it is asked for when all of these have succeeded since it was asked for last.
CREATE TABLE schedule_dependencies (
    tenant_id       uuid NOT NULL,
    schedule_id     uuid NOT NULL,
    after_id        uuid NOT NULL,
    PRIMARY KEY (tenant_id, schedule_id, after_id),
    FOREIGN KEY (tenant_id, schedule_id) REFERENCES scheduled_jobs,
    FOREIGN KEY (tenant_id, after_id) REFERENCES scheduled_jobs,
    CONSTRAINT nothing_comes_after_itself CHECK (schedule_id <> after_id)
);

CREATE TABLE schedule_history (
    tenant_id       uuid NOT NULL,
    schedule_id     uuid NOT NULL,
    due_at          timestamptz NOT NULL,
    outcome         text NOT NULL CHECK (outcome IN ('asked', 'skipped')),
    reason          text,                       -- why it was skipped, or came at another time than its own
    job_id          uuid,
    noted_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, schedule_id, due_at),
    FOREIGN KEY (tenant_id, schedule_id) REFERENCES scheduled_jobs,
    FOREIGN KEY (tenant_id, job_id) REFERENCES jobs,
    CONSTRAINT what_was_asked_has_a_job CHECK ((outcome = 'asked') = (job_id IS NOT NULL))
);
CREATE INDEX schedule_history_by_job ON schedule_history (tenant_id, job_id);

-- What a job of a schedule did, one row a source: counts, errors, and what got better since the run before.
CREATE TABLE update_log (
    tenant_id       uuid NOT NULL,
    job_id          uuid NOT NULL,
    source_name     text NOT NULL,
    run_id          uuid,                       -- none where the source was as it was, or could not be read at all
    schedule        text NOT NULL,              -- its name then
    read            bigint NOT NULL,
    inserted        bigint NOT NULL,
    updated         bigint NOT NULL,
    unchanged       bigint NOT NULL,
    quarantined     bigint NOT NULL,
    errors          jsonb NOT NULL,             -- {rule: records refused}, and what the run failed of
    improvements    jsonb NOT NULL,             -- {records refused before, and no longer; gaps closed}
    noted_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, job_id, source_name),
    FOREIGN KEY (tenant_id, job_id) REFERENCES jobs,
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs
);

DO $$
DECLARE
    guarded regclass;
BEGIN
    FOREACH guarded IN ARRAY ARRAY[
        'scheduled_jobs', 'schedule_dependencies', 'schedule_history', 'update_log']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY own_tenant ON %s USING '
            '(tenant_id = (SELECT nullif(current_setting(''headwater.tenant'', true), '''')::uuid))', guarded);
    END LOOP;
END $$;
