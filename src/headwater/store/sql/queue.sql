-- name: create
-- The schema of the queue, and the list of procrastinate's migrations that were applied in it.
CREATE SCHEMA IF NOT EXISTS headwater_queue;
CREATE TABLE IF NOT EXISTS headwater_queue.applied_migrations (
    name            text COLLATE "C" PRIMARY KEY,
    procrastinate   text NOT NULL,              -- the version that brought it
    applied_at      timestamptz NOT NULL DEFAULT clock_timestamp()
)

-- name: exists
-- Whether this database was ever given a queue.
SELECT to_regclass('headwater_queue.applied_migrations') IS NOT NULL

-- name: applied
-- Migrations of procrastinate that were applied, in order.
SELECT name FROM headwater_queue.applied_migrations ORDER BY name

-- name: record
-- Note a migration of procrastinate as applied.
INSERT INTO headwater_queue.applied_migrations (name, procrastinate) VALUES (%(name)s, %(version)s)

-- name: work_in_it
-- What procrastinate's files make comes into the schema of the queue, until the transaction ends.
SET LOCAL search_path = headwater_queue

-- name: pin
-- Procrastinate's functions find its tables whoever calls them. The queue is no place for data: two ids, nothing else.
DO $$
DECLARE
    pinned regprocedure;
BEGIN
    FOR pinned IN SELECT oid FROM pg_proc WHERE pronamespace = 'headwater_queue'::regnamespace LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = headwater_queue, pg_temp', pinned);
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'ids_only'
                   AND conrelid = 'headwater_queue.procrastinate_jobs'::regclass) THEN
        ALTER TABLE headwater_queue.procrastinate_jobs ADD CONSTRAINT ids_only CHECK (
            args - ARRAY['tenant_id', 'id'] = '{}'
            AND args ->> 'tenant_id' ~ '^[0-9a-f-]{36}$' AND args ->> 'id' ~ '^[0-9a-f-]{36}$');
    END IF;
END $$

-- name: give_back
-- Jobs of workers that give no sign of life go back into the queue, and those who wait are told; how many there were. Those of
-- whoever asks do not: it is alive, and only late. So do those that procrastinate calls failed, where the wish to end one met its
-- next attempt: what becomes of a job is for its attempt to say.
WITH left_behind AS (
    SELECT j.id FROM headwater_queue.procrastinate_jobs j
    WHERE j.status = 'failed' OR j.status = 'doing' AND (j.worker_id IS NULL OR EXISTS (
        SELECT FROM headwater_queue.procrastinate_workers w
        WHERE w.id = j.worker_id AND w.id <> ALL (%(own)s::bigint[])
          AND w.last_heartbeat < now() - make_interval(secs => %(seconds)s)))
    FOR UPDATE OF j SKIP LOCKED
), given_back AS (
    UPDATE headwater_queue.procrastinate_jobs j
    SET status = 'todo', attempts = attempts + 1, worker_id = NULL, abort_requested = false
    FROM left_behind WHERE j.id = left_behind.id
    RETURNING j.id, j.queue_name
), told AS (
    SELECT pg_notify(channel, json_build_object('type', 'job_inserted', 'job_id', id)::text)
    FROM given_back, unnest(ARRAY['procrastinate_any_queue_v1', 'procrastinate_queue_v1#' || queue_name]) AS channel
)
SELECT count(*) / 2 AS given_back FROM told

-- name: finish
-- Take a row out, where it is this worker's still; how many there were.
WITH gone AS (
    DELETE FROM headwater_queue.procrastinate_jobs
    WHERE id = %(job_id)s AND status = 'doing' AND worker_id = %(worker_id)s RETURNING id
) SELECT count(*) AS rows FROM gone

-- name: put_back
-- Put a row back for later, where it is this worker's still, and was not taken again since; for now, where its end is wanted. How
-- many there were.
WITH back AS (
    UPDATE headwater_queue.procrastinate_jobs
    SET status = 'todo', attempts = attempts + 1, worker_id = NULL, abort_requested = false,
        scheduled_at = CASE WHEN NOT abort_requested THEN %(retry_at)s::timestamptz END
    WHERE id = %(job_id)s AND status = 'doing' AND worker_id = %(worker_id)s AND attempts = %(attempts)s RETURNING id
) SELECT count(*) AS rows FROM back

-- name: has_work
-- Whether there is something to do now in these queues (all of them where none is named), or these workers are still at it.
SELECT EXISTS (
    SELECT FROM headwater_queue.procrastinate_jobs
    WHERE (%(queues)s::text[] IS NULL OR queue_name = ANY (%(queues)s::text[]))
      AND (status = 'doing' AND worker_id = ANY (%(workers)s::bigint[])
           OR status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now()))) AS has_work

-- name: tenants_at_work
-- Organisations that workers do something for just now.
SELECT DISTINCT args ->> 'tenant_id' AS tenant_id FROM headwater_queue.procrastinate_jobs
WHERE task_name = 'carry_out' AND status = 'doing'
