-- name: ask
-- A job that waits for its organisation's turn.
INSERT INTO jobs (tenant_id, job_id, kind, label, arguments, queue, priority, lock, time_limit, most_attempts, asked_by,
                  correlation_id)
VALUES (%(tenant_id)s, %(job_id)s, %(kind)s, %(label)s, %(arguments)s, %(queue)s, %(priority)s, %(lock)s, %(time_limit)s,
        %(most_attempts)s, %(asked_by)s, %(correlation_id)s)

-- name: one_at_a_time
-- Who lets jobs of an organisation into the queue does so alone, until the transaction ends. Before it schedules are locked,
-- after it jobs and the end of the audit chain: nobody waits in a circle.
SELECT pg_advisory_xact_lock(hashtextextended('jobs/' || %(tenant_id)s::text, 0))

-- name: find_lost
-- Jobs whose row in the queue is gone wait for their turn again.
UPDATE jobs SET queue_id = NULL
WHERE tenant_id = %(tenant_id)s AND state IN ('pending', 'running') AND queue_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM headwater_queue.procrastinate_jobs q WHERE q.id = queue_id AND q.status IN ('todo', 'doing'))

-- name: next_in_turn
-- Jobs that may come into the queue now: as many as leave the organisation no more than its share there, the first by
-- priority and age, and of those that exclude each other one.
WITH unfinished AS (
    SELECT * FROM jobs WHERE tenant_id = %(tenant_id)s AND queue = %(queue)s AND state IN ('pending', 'running')
), waiting AS (
    SELECT job_id, priority, asked_at, lock,
           row_number() OVER (PARTITION BY coalesce(lock, job_id::text) ORDER BY priority DESC, asked_at, job_id) AS place
    FROM unfinished WHERE queue_id IS NULL
)
SELECT w.job_id FROM waiting w
WHERE w.place = 1 AND (w.lock IS NULL OR NOT EXISTS (
    SELECT FROM unfinished u WHERE u.lock = w.lock AND u.queue_id IS NOT NULL))
ORDER BY w.priority DESC, w.asked_at, w.job_id
LIMIT greatest(0, %(at_once)s - (
    SELECT count(*) FROM unfinished
    WHERE queue_id IS NOT NULL AND (not_before IS NULL OR not_before <= clock_timestamp())))

-- name: let_in
-- Put a job into the queue; of those with the same lock the worker takes one at a time.
UPDATE jobs j
SET queue_id = (headwater_queue.procrastinate_defer_jobs_v1(ARRAY[ROW(
        j.queue, 'carry_out', 0, j.tenant_id || '/' || coalesce(j.lock, 'job/' || j.job_id), NULL,
        jsonb_build_object('tenant_id', j.tenant_id, 'id', j.job_id), NULL
    )::headwater_queue.procrastinate_job_to_defer_v1]))[1]
WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s

-- name: get
-- One job, with the name of the schedule that asked for it.
SELECT {columns} FROM (
    SELECT j.*, s.name AS schedule FROM jobs j
    LEFT JOIN scheduled_jobs s ON s.tenant_id = j.tenant_id AND j.asked_by = 'schedule/' || s.schedule_id
    WHERE j.tenant_id = %(tenant_id)s AND j.job_id = %(job_id)s) job

-- name: named
-- Jobs whose id begins with some digits, from the first to the last there could be; enough of them to tell whether one is meant.
SELECT job_id FROM jobs
WHERE tenant_id = %(tenant_id)s AND job_id BETWEEN %(first)s AND %(last)s
LIMIT 2

-- name: list
-- The latest jobs first, of one state or of all.
SELECT {columns} FROM (
    SELECT j.*, s.name AS schedule FROM (
        SELECT * FROM jobs WHERE tenant_id = %(tenant_id)s AND (%(state)s::text IS NULL OR state = %(state)s)
        ORDER BY asked_at DESC, job_id LIMIT %(limit)s) j
    LEFT JOIN scheduled_jobs s ON s.tenant_id = j.tenant_id AND j.asked_by = 'schedule/' || s.schedule_id) latest
ORDER BY asked_at DESC, job_id

-- name: ends_of
-- How each of these jobs has come on.
SELECT job_id, state, started_at, finished_at, error FROM jobs WHERE tenant_id = %(tenant_id)s AND job_id = ANY(%(jobs)s)

-- name: count
-- How many there are, so that a shortened list can say so.
SELECT count(*) FROM jobs WHERE tenant_id = %(tenant_id)s AND (%(state)s::text IS NULL OR state = %(state)s)

-- name: runs_of
-- Runs of a job, in the order it came to them.
SELECT {columns} FROM runs JOIN job_runs USING (tenant_id, run_id)
WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s ORDER BY noted_at, run_id

-- name: take
-- A worker takes the job: the number that its writes carry. Those of whoever took it before count no more.
UPDATE jobs SET fence = fence + 1 WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s RETURNING fence, time_limit

-- name: end_sessions
-- End the sessions of earlier attempts, and wait until they have: what they have not committed is undone.
SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
  AND starts_with(application_name, %(name)s::text || ' ') AND application_name <> %(name)s::text || ' ' || %(fence)s::text

-- name: is_theirs
-- Whether a job is still whose number this is.
SELECT EXISTS (SELECT FROM jobs WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s AND fence = %(fence)s)

-- name: begin
-- An attempt begins; nothing where the job has ended meanwhile, or somebody else has taken it.
UPDATE jobs SET state = 'running', attempts = attempts + 1, not_before = NULL, heartbeat = clock_timestamp(),
    started_at = coalesce(started_at, clock_timestamp())
WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s AND fence = %(fence)s AND state IN ('pending', 'running')
RETURNING job_id

-- name: beat
-- The worker is still at it; whether the job is to be cancelled, or has ended. Nothing where somebody else has it. A job that
-- came to its own end before it could be cancelled was cancelled by nobody.
UPDATE jobs SET heartbeat = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s AND fence = %(fence)s
RETURNING CASE WHEN cancel_asked_at IS NOT NULL AND state IN ('pending', 'running', 'cancelled') THEN 'unwanted'
               WHEN state NOT IN ('pending', 'running') THEN 'ended' ELSE 'wanted' END

-- name: note_sources
-- How many sources the job has, and how many of these came to their end, by whoever has it.
UPDATE jobs SET sources_planned = %(planned)s, sources_done = %(done)s
WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s AND fence = %(fence)s

-- name: end
-- The job has ended, once; only by whoever has it, where that is said.
UPDATE jobs SET state = %(state)s, error = %(error)s, result = %(result)s, finished_at = clock_timestamp(), not_before = NULL
WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s AND state IN ('pending', 'running')
  AND (%(fence)s::bigint IS NULL OR fence = %(fence)s)
RETURNING job_id

-- name: forget_values
-- Of why jobs failed no value stays.
UPDATE jobs SET error = error || '{"value": null}' WHERE tenant_id = %(tenant_id)s AND error ->> 'value' IS NOT NULL

-- name: put_off
-- The attempt of whoever has the job has come to nothing, and it waits for the next one.
UPDATE jobs SET state = 'pending', error = %(error)s, attempts = attempts - %(uncounted)s,
    not_before = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s AND fence = %(fence)s AND state IN ('pending', 'running')

-- name: seconds_left
-- Until a job that was put off may be tried again.
SELECT coalesce(greatest(0, extract(epoch FROM not_before - clock_timestamp())), 0)::double precision
FROM jobs WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s

-- name: ask_cancel
-- Somebody wants the job to end; nothing where it has.
UPDATE jobs SET cancel_asked_at = coalesce(cancel_asked_at, clock_timestamp()),
    cancel_asked_by = coalesce(cancel_asked_by, %(asked_by)s)
WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s AND state IN ('pending', 'running')
RETURNING state, queue_id

-- name: tell_worker
-- Tell the worker that is at the job; take it out of the queue where none is.
SELECT headwater_queue.procrastinate_cancel_job_v1(%(queue_id)s, true, true)

-- name: is_at_work
-- Whether a worker has taken it.
SELECT EXISTS (SELECT FROM headwater_queue.procrastinate_jobs WHERE id = %(queue_id)s AND status = 'doing')

-- name: retry
-- An ended job is pending anew, with as many attempts as the first time.
UPDATE jobs SET state = 'pending', queue_id = NULL, attempts = 0, not_before = NULL, finished_at = NULL, error = NULL, result = NULL,
    cancel_asked_at = NULL, cancel_asked_by = NULL, sources_planned = NULL, sources_done = 0
WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s AND state IN ('failed', 'cancelled', 'partial_success')
RETURNING job_id
