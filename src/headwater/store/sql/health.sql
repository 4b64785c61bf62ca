-- name: server
-- The server's version, the size of this database, sessions of clients at the server, and how many it takes.
SELECT current_setting('server_version'), pg_database_size(current_database()),
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
       current_setting('max_connections')::integer

-- name: queues
-- Of each queue the jobs that are due and not begun, those at work, and for how many seconds the first of them has waited; of
-- one organisation or of all. The fullest first.
SELECT q.queue_name AS name,
       count(*) FILTER (WHERE q.status = 'todo' AND (q.scheduled_at IS NULL OR q.scheduled_at <= now())) AS waiting,
       count(*) FILTER (WHERE q.status = 'doing') AS at_work,
       coalesce(extract(epoch FROM now() - min(coalesce(q.scheduled_at, e.at)) FILTER (
           WHERE q.status = 'todo' AND (q.scheduled_at IS NULL OR q.scheduled_at <= now()))), 0)::double precision
           AS oldest_seconds
FROM headwater_queue.procrastinate_jobs q
LEFT JOIN LATERAL (
    SELECT min(at) AS at FROM headwater_queue.procrastinate_events e WHERE e.job_id = q.id
) e ON q.status = 'todo'
WHERE %(of)s::text IS NULL OR q.args ->> 'tenant_id' = %(of)s::text
GROUP BY q.queue_name ORDER BY waiting DESC, name

-- name: workers
-- Workers that gave a sign of life within so many seconds: each stands in the queue's table as several, one a kind of queue.
SELECT ceil(count(*)::numeric / %(rows)s)::integer FROM headwater_queue.procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %(seconds)s)

-- name: tenants_in_queue
-- Organisations that have something in the queue.
SELECT DISTINCT args ->> 'tenant_id' FROM headwater_queue.procrastinate_jobs

-- name: runs
-- Runs at work, those of them that have not got on for so long, how those of the last hour ended, and jobs that wait. A run
-- gets on when it is begun, or gone on with, and with each chunk: what it waits before that is no time of its own.
SELECT count(*) FILTER (WHERE r.state = 'running') AS running,
       count(*) FILTER (WHERE r.state = 'running' AND greatest(r.started_at, (
           SELECT max(at) FROM audit_entries e WHERE e.tenant_id = r.tenant_id
           AND e.resource COLLATE "C" = 'run/' || r.run_id::text AND e.action = 'run.started'
       ), (
           SELECT max(committed_at) FROM chunks c WHERE c.tenant_id = r.tenant_id AND c.run_id = r.run_id
       )) < clock_timestamp() - make_interval(mins => %(stuck_minutes)s)) AS stuck,
       count(*) FILTER (WHERE r.state LIKE 'succeeded%%' AND r.finished_at > clock_timestamp() - interval '1 hour')
           AS succeeded,
       count(*) FILTER (WHERE r.state = 'partial_success' AND r.finished_at > clock_timestamp() - interval '1 hour')
           AS partial,
       count(*) FILTER (WHERE r.state = 'failed' AND r.finished_at > clock_timestamp() - interval '1 hour') AS failed
FROM runs r WHERE r.tenant_id = %(tenant_id)s

-- name: records
-- Records read by runs that began within a day, and refused, as they were read or once they had become others.
SELECT coalesce(sum(c.read), 0)::bigint AS read,
       coalesce(sum(c.quarantined_raw + c.quarantined), 0)::bigint AS quarantined
FROM runs r JOIN chunks c ON c.tenant_id = r.tenant_id AND c.run_id = r.run_id AND c.committed_at IS NOT NULL
WHERE r.tenant_id = %(tenant_id)s AND r.started_at > clock_timestamp() - interval '1 day'

-- name: schedules
-- Schedules with when they succeeded last, how their last job ended, and whether they are late.
SELECT s.name, s.paused_at IS NOT NULL AS paused, coalesce(s.next_at < clock_timestamp() - interval '10 minutes', false) AS late,
       last.state AS last_state, (
           SELECT max(j.finished_at) FROM schedule_history h JOIN jobs j USING (tenant_id, job_id)
           WHERE h.tenant_id = s.tenant_id AND h.schedule_id = s.schedule_id AND j.state LIKE 'succeeded%%'
       ) AS last_success
FROM scheduled_jobs s LEFT JOIN LATERAL (
    SELECT j.state FROM schedule_history h JOIN jobs j USING (tenant_id, job_id)
    WHERE h.tenant_id = s.tenant_id AND h.schedule_id = s.schedule_id AND j.finished_at IS NOT NULL
    ORDER BY j.finished_at DESC LIMIT 1
) last ON true
WHERE s.tenant_id = %(tenant_id)s AND s.removed_at IS NULL ORDER BY s.name
