-- name: add
-- A schedule; times come with `arm`.
INSERT INTO scheduled_jobs (tenant_id, schedule_id, name, kind, label, arguments, lock, queue, priority, time_limit,
                            most_attempts, cron, time_zone, missed, created_by)
VALUES (%(tenant_id)s, %(schedule_id)s, %(name)s, %(kind)s, %(label)s, %(arguments)s, %(lock)s, %(queue)s, %(priority)s,
        %(time_limit)s, %(most_attempts)s, %(cron)s, %(time_zone)s, %(missed)s, %(created_by)s)

-- name: add_dependency
-- It comes after another.
INSERT INTO schedule_dependencies (tenant_id, schedule_id, after_id) VALUES (%(tenant_id)s, %(schedule_id)s, %(after_id)s)

-- name: remove_dependencies
-- It comes after nothing.
DELETE FROM schedule_dependencies WHERE tenant_id = %(tenant_id)s AND schedule_id = %(schedule_id)s

-- name: would_come_after_itself
-- How many ways lead back to it from those that it is to come after.
WITH RECURSIVE before AS (
    SELECT unnest(%(after)s::uuid[]) AS schedule_id
    UNION
    SELECT d.after_id FROM schedule_dependencies d JOIN before USING (schedule_id) WHERE d.tenant_id = %(tenant_id)s)
SELECT count(*) FROM before WHERE schedule_id = %(schedule_id)s

-- name: change
-- Another plan under the same id.
UPDATE scheduled_jobs SET
    kind = %(kind)s, label = %(label)s, arguments = %(arguments)s, lock = %(lock)s, queue = %(queue)s,
    priority = %(priority)s, time_limit = %(time_limit)s, most_attempts = %(most_attempts)s, cron = %(cron)s,
    time_zone = %(time_zone)s, missed = %(missed)s
WHERE tenant_id = %(tenant_id)s AND schedule_id = %(schedule_id)s

-- name: lock_all
-- All schedules that there are, locked until the transaction ends, in the order in which everybody locks several.
SELECT FROM scheduled_jobs WHERE tenant_id = %(tenant_id)s AND removed_at IS NULL ORDER BY schedule_id FOR NO KEY UPDATE

-- name: get
-- One schedule, locked until the transaction ends.
SELECT {columns} FROM scheduled_jobs WHERE tenant_id = %(tenant_id)s AND schedule_id = %(schedule_id)s FOR NO KEY UPDATE

-- name: lock_followers
-- Those that come after one, locked until the transaction ends, all in one order: of two that end at once the later sees the
-- end of the other.
SELECT s.schedule_id FROM schedule_dependencies d JOIN scheduled_jobs s USING (tenant_id, schedule_id)
WHERE d.tenant_id = %(tenant_id)s AND d.after_id = %(schedule_id)s ORDER BY s.schedule_id FOR NO KEY UPDATE OF s

-- name: dangling
-- Schedules whose next time is no longer in the queue; nobody else's hands are on them.
SELECT {columns} FROM scheduled_jobs
WHERE tenant_id = %(tenant_id)s AND next_at IS NOT NULL AND paused_at IS NULL AND removed_at IS NULL AND NOT EXISTS (
    SELECT FROM headwater_queue.procrastinate_jobs q WHERE q.id = queue_id AND q.status IN ('todo', 'doing'))
ORDER BY schedule_id FOR NO KEY UPDATE SKIP LOCKED

-- name: named
-- The schedule of a name.
SELECT {columns} FROM scheduled_jobs WHERE tenant_id = %(tenant_id)s AND name = %(name)s AND removed_at IS NULL

-- name: list
-- All schedules, by name.
SELECT {columns} FROM scheduled_jobs WHERE tenant_id = %(tenant_id)s AND removed_at IS NULL ORDER BY name

-- name: after
-- Names of the schedules that one comes after.
SELECT a.name FROM schedule_dependencies d
JOIN scheduled_jobs a ON a.tenant_id = d.tenant_id AND a.schedule_id = d.after_id
WHERE d.tenant_id = %(tenant_id)s AND d.schedule_id = %(schedule_id)s ORDER BY a.name

-- name: followers
-- Names of the schedules that come after one.
SELECT s.name FROM schedule_dependencies d JOIN scheduled_jobs s USING (tenant_id, schedule_id)
WHERE d.tenant_id = %(tenant_id)s AND d.after_id = %(schedule_id)s AND s.removed_at IS NULL ORDER BY s.name

-- name: reading_through
-- The schedules that name a connector: in their recipe, or as the one whose syncs they go on with.
SELECT name FROM scheduled_jobs
WHERE tenant_id = %(tenant_id)s AND removed_at IS NULL
  AND %(connector)s::text IN (arguments ->> 'connector', arguments #>> '{recipe,source,connector}') ORDER BY name

-- name: disarm
-- Take its next time out of the queue.
SELECT headwater_queue.procrastinate_cancel_job_v1(%(queue_id)s, true, true)

-- name: arm
-- Its next time, in the queue of times; none where it has none.
UPDATE scheduled_jobs SET next_at = %(next_at)s, queue_id = CASE WHEN %(next_at)s::timestamptz IS NULL THEN NULL ELSE
    (headwater_queue.procrastinate_defer_jobs_v1(ARRAY[ROW('schedules', 'tick', 0, 'schedule/' || schedule_id, NULL,
        jsonb_build_object('tenant_id', tenant_id, 'id', schedule_id), %(next_at)s::timestamptz
    )::headwater_queue.procrastinate_job_to_defer_v1]))[1] END
WHERE tenant_id = %(tenant_id)s AND schedule_id = %(schedule_id)s

-- name: set_paused
-- From now on it is paused, or no longer.
UPDATE scheduled_jobs SET paused_at = CASE WHEN %(paused)s THEN coalesce(paused_at, clock_timestamp()) END
WHERE tenant_id = %(tenant_id)s AND schedule_id = %(schedule_id)s

-- name: remove
-- It is gone; its history stays.
UPDATE scheduled_jobs SET removed_at = clock_timestamp() WHERE tenant_id = %(tenant_id)s AND schedule_id = %(schedule_id)s

-- name: note
-- What was done about one of its times.
INSERT INTO schedule_history (tenant_id, schedule_id, due_at, outcome, reason, job_id)
VALUES (%(tenant_id)s, %(schedule_id)s, %(due_at)s, %(outcome)s, %(reason)s, %(job_id)s) ON CONFLICT DO NOTHING

-- name: at_work
-- Whether one of its jobs has not ended.
SELECT EXISTS (SELECT FROM schedule_history h JOIN jobs j USING (tenant_id, job_id)
WHERE h.tenant_id = %(tenant_id)s AND h.schedule_id = %(schedule_id)s AND j.state IN ('pending', 'running'))

-- name: of_job
-- The schedule that asked for a job.
SELECT s.schedule_id, s.name FROM schedule_history h JOIN scheduled_jobs s USING (tenant_id, schedule_id)
WHERE h.tenant_id = %(tenant_id)s AND h.job_id = %(job_id)s LIMIT 1

-- name: names
-- What the schedules that asked for jobs are called, those that were removed too.
SELECT 'schedule/' || schedule_id, name FROM scheduled_jobs
WHERE tenant_id = %(tenant_id)s AND 'schedule/' || schedule_id = ANY(%(asked_by)s)

-- name: ready
-- Schedules that come after this one and whose turn it is: all that they come after have succeeded since they were last asked
-- for.
SELECT s.schedule_id FROM schedule_dependencies d JOIN scheduled_jobs s USING (tenant_id, schedule_id)
WHERE d.tenant_id = %(tenant_id)s AND d.after_id = %(schedule_id)s AND s.removed_at IS NULL AND s.paused_at IS NULL
  AND NOT EXISTS (
    SELECT FROM schedule_dependencies o
    WHERE o.tenant_id = s.tenant_id AND o.schedule_id = s.schedule_id AND NOT EXISTS (
        SELECT FROM schedule_history h JOIN jobs j USING (tenant_id, job_id)
        WHERE h.tenant_id = o.tenant_id AND h.schedule_id = o.after_id
          AND j.state IN ('succeeded', 'succeeded_with_quarantine')
          AND j.finished_at > coalesce((SELECT max(m.noted_at) FROM schedule_history m
                                        WHERE m.tenant_id = s.tenant_id AND m.schedule_id = s.schedule_id), s.created_at)))

-- name: log_update
-- What a job of a schedule did with one source, beside the run before of that source.
INSERT INTO update_log (tenant_id, job_id, source_name, run_id, schedule, read, inserted, updated, unchanged, quarantined,
                        errors, improvements)
SELECT r.tenant_id, %(job_id)s, r.source_name, r.run_id, %(schedule)s, coalesce(sum(c.read), 0), coalesce(sum(c.inserted), 0),
       coalesce(sum(c.updated), 0), coalesce(sum(c.unchanged), 0), coalesce(sum(c.quarantined + c.quarantined_raw), 0),
       jsonb_strip_nulls(jsonb_build_object(
           'failed_of', r.error, 'chunks_failed', nullif(count(*) FILTER (WHERE c.state = 'failed'), 0),
           'refused_by_rule', (SELECT jsonb_object_agg(rule, n) FROM (
               SELECT f ->> 'rule' AS rule, count(*) AS n
               FROM chunks k JOIN quarantine q ON q.tenant_id = k.tenant_id AND q.last_chunk_id = k.chunk_id,
                    jsonb_array_elements(q.findings) f
               WHERE k.tenant_id = r.tenant_id AND k.run_id = r.run_id AND q.state = 'open' GROUP BY 1) rules))),
       jsonb_strip_nulls(jsonb_build_object(
           'no_longer_refused', nullif((
               SELECT count(*) FROM quarantine q WHERE q.tenant_id = r.tenant_id AND q.source_id = r.source_id
                 AND q.state IN ('expired', 'resubmitted') AND q.updated_at >= r.started_at), 0),
           'records_corrected', nullif(coalesce(sum(c.updated), 0), 0)))
FROM runs r JOIN job_runs n USING (tenant_id, run_id) LEFT JOIN chunks c USING (tenant_id, run_id)
WHERE n.tenant_id = %(tenant_id)s AND n.job_id = %(job_id)s
GROUP BY r.tenant_id, r.run_id
ON CONFLICT (tenant_id, job_id, source_name) DO UPDATE SET
    run_id = excluded.run_id, read = excluded.read, inserted = excluded.inserted, updated = excluded.updated, unchanged = excluded.unchanged,
    quarantined = excluded.quarantined, errors = excluded.errors, improvements = excluded.improvements,
    noted_at = clock_timestamp()

-- name: log_failed
-- A job that failed before anything of it could be told by source: it stands there by what it was about.
INSERT INTO update_log (tenant_id, job_id, source_name, schedule, read, inserted, updated, unchanged, quarantined, errors,
                        improvements)
SELECT tenant_id, job_id, label, %(schedule)s, 0, 0, 0, 0, 0,
       jsonb_build_object('failed_of', jsonb_strip_nulls(error)), '{}'
FROM jobs j
WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s AND state = 'failed' AND error IS NOT NULL
  AND NOT EXISTS (SELECT FROM update_log u WHERE u.tenant_id = j.tenant_id AND u.job_id = j.job_id AND u.run_id IS NOT NULL)
ON CONFLICT (tenant_id, job_id, source_name) DO UPDATE SET errors = excluded.errors, noted_at = clock_timestamp()

-- name: log_no_run
-- A source that came to no run: it was as it was, or could not be read.
INSERT INTO update_log (tenant_id, job_id, source_name, schedule, read, inserted, updated, unchanged, quarantined, errors,
                        improvements)
VALUES (%(tenant_id)s, %(job_id)s, %(source_name)s, %(schedule)s, 0, 0, 0, 0, 0,
        jsonb_strip_nulls(jsonb_build_object('refused', %(refused)s::text)), '{}')
ON CONFLICT (tenant_id, job_id, source_name) DO UPDATE SET errors = excluded.errors, noted_at = clock_timestamp()
WHERE update_log.run_id IS NULL

-- name: failures_before
-- How many jobs of its schedule failed or left gaps, one after another, since the last that succeeded before this one; this one
-- too, where it is done again.
WITH others AS (
    SELECT j.state, j.finished_at
    FROM schedule_history mine JOIN schedule_history h USING (tenant_id, schedule_id) JOIN jobs j ON j.tenant_id = h.tenant_id
        AND j.job_id = h.job_id
    WHERE mine.tenant_id = %(tenant_id)s AND mine.job_id = %(job_id)s AND h.job_id <> mine.job_id)
SELECT (SELECT count(*) FROM others WHERE state IN ('failed', 'partial_success') AND finished_at > coalesce((
            SELECT max(finished_at) FROM others WHERE state IN ('succeeded', 'succeeded_with_quarantine')), '-infinity'))
     + (SELECT count(*) FROM (SELECT FROM update_log
        WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s
          AND (errors ? 'failed_of' OR errors ? 'refused' OR errors ? 'chunks_failed') LIMIT 1) this)

-- name: log_works_again
-- That it has succeeded after so many that did not: with each of its sources.
UPDATE update_log SET improvements = improvements || jsonb_build_object('failures_ended', %(failures)s::bigint)
WHERE tenant_id = %(tenant_id)s AND job_id = %(job_id)s AND NOT errors ? 'failed_of'
