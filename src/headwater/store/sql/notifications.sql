-- name: add_channel
-- A channel; its secret comes with `add_secret`.
INSERT INTO notification_channels (tenant_id, channel_id, name, kind, config, events, least_severity, quarantine_above,
                                   quiet_from, quiet_to, quiet_time_zone, urgent_passes, group_seconds, created_by)
VALUES (%(tenant_id)s, %(channel_id)s, %(name)s, %(kind)s, %(config)s, %(events)s, %(least_severity)s, %(quarantine_above)s,
        %(quiet_from)s, %(quiet_to)s, %(quiet_time_zone)s, %(urgent_passes)s, %(group_seconds)s, %(created_by)s)

-- name: change_channel
-- All of what may be changed; one version more.
UPDATE notification_channels SET config = %(config)s, events = %(events)s, least_severity = %(least_severity)s,
    quarantine_above = %(quarantine_above)s, quiet_from = %(quiet_from)s, quiet_to = %(quiet_to)s,
    quiet_time_zone = %(quiet_time_zone)s, urgent_passes = %(urgent_passes)s, group_seconds = %(group_seconds)s, version = version + 1
WHERE tenant_id = %(tenant_id)s AND channel_id = %(channel_id)s

-- name: lock_channel
-- Keep others from changing a channel until the transaction ends; not from opening messages for it, which whoever ends a run
-- does while they hold one that this transaction may wait for.
SELECT FROM notification_channels WHERE tenant_id = %(tenant_id)s AND name = %(name)s AND removed_at IS NULL
FOR NO KEY UPDATE

-- name: named
-- The channel of a name.
SELECT {columns} FROM notification_channels WHERE tenant_id = %(tenant_id)s AND name = %(name)s AND removed_at IS NULL

-- name: get_channel
-- A channel by id, removed ones too.
SELECT {columns} FROM notification_channels WHERE tenant_id = %(tenant_id)s AND channel_id = %(channel_id)s

-- name: channels
-- Channels by name.
SELECT {columns} FROM notification_channels WHERE tenant_id = %(tenant_id)s AND removed_at IS NULL ORDER BY name

-- name: names
-- Names of channels, removed ones too.
SELECT channel_id, name FROM notification_channels WHERE tenant_id = %(tenant_id)s

-- name: remove_channel
-- It is gone; what went through it stays listed.
UPDATE notification_channels SET removed_at = clock_timestamp(), version = version + 1
WHERE tenant_id = %(tenant_id)s AND channel_id = %(channel_id)s

-- name: drop_open
-- Nothing more is sent through a channel.
UPDATE notification_deliveries SET state = 'dropped', next_at = NULL, last_error = %(why)s
WHERE tenant_id = %(tenant_id)s AND channel_id = %(channel_id)s AND state IN ('pending', 'held')

-- name: add_secret
-- Another secret, which holds from now on.
INSERT INTO notification_secrets (tenant_id, channel_id, secret_no, key_id, nonce, ciphertext)
SELECT %(tenant_id)s, %(channel_id)s, coalesce(max(secret_no), 0) + 1, %(key_id)s, %(nonce)s, %(ciphertext)s
FROM notification_secrets WHERE tenant_id = %(tenant_id)s AND channel_id = %(channel_id)s

-- name: expire_secrets
-- The secrets that a channel has hold for so many seconds more, and no longer than they did.
UPDATE notification_secrets
SET expires_at = least(expires_at, clock_timestamp() + make_interval(secs => %(seconds)s))
WHERE tenant_id = %(tenant_id)s AND channel_id = %(channel_id)s

-- name: remove_secrets
-- Secrets that hold no longer, or with `every` all of a channel's, are not kept.
DELETE FROM notification_secrets
WHERE tenant_id = %(tenant_id)s AND channel_id = %(channel_id)s AND (%(every)s OR expires_at <= clock_timestamp())

-- name: secrets
-- The secrets of a channel that hold, the newest first.
SELECT {columns} FROM notification_secrets
WHERE tenant_id = %(tenant_id)s AND channel_id = %(channel_id)s AND (expires_at IS NULL OR expires_at > clock_timestamp())
ORDER BY secret_no DESC

-- name: all_secrets
-- The secrets of all channels, so that they are encrypted by another key.
SELECT {columns} FROM notification_secrets WHERE tenant_id = %(tenant_id)s ORDER BY channel_id, secret_no

-- name: encrypt_again
-- The same secret by another key.
UPDATE notification_secrets SET key_id = %(key_id)s, nonce = %(nonce)s, ciphertext = %(ciphertext)s
WHERE tenant_id = %(tenant_id)s AND channel_id = %(channel_id)s AND secret_no = %(secret_no)s

-- name: one_at_a_time
-- Who tells channels of an organisation something does so alone, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('notifications/' || %(tenant_id)s::text, 0))

-- name: add_notification
-- What happened; nothing where it is told already.
INSERT INTO notifications (tenant_id, notification_id, event, severity, resource, occurrence, correlation_id, summary, data,
                           happened_at)
VALUES (%(tenant_id)s, %(notification_id)s, %(event)s, %(severity)s, %(resource)s, %(occurrence)s, %(correlation_id)s,
        %(summary)s, %(data)s, %(happened_at)s)
ON CONFLICT DO NOTHING

-- name: join_open
-- One more in the message that waits; none where none waits.
UPDATE notification_deliveries SET told = told + 1
WHERE tenant_id = %(tenant_id)s AND channel_id = %(channel_id)s AND event = %(event)s AND closed_at IS NULL
  AND state IN ('pending', 'held')
RETURNING delivery_id

-- name: open
-- A message that waits for its time.
INSERT INTO notification_deliveries (tenant_id, delivery_id, channel_id, event, severity, state, told, opened_at, next_at)
VALUES (%(tenant_id)s, %(delivery_id)s, %(channel_id)s, %(event)s, %(severity)s, %(state)s, 1, %(opened_at)s, %(next_at)s)

-- name: add_item
-- What a message tells of.
INSERT INTO notification_delivery_items (tenant_id, delivery_id, notification_id)
VALUES (%(tenant_id)s, %(delivery_id)s, %(notification_id)s)

-- name: queue
-- Have a worker see to a message at a time.
SELECT headwater_queue.procrastinate_defer_jobs_v1(ARRAY[ROW('notifications', 'deliver', 0, NULL, NULL,
    jsonb_build_object('tenant_id', %(tenant_id)s::text, 'id', %(delivery_id)s::text), %(next_at)s::timestamptz
)::headwater_queue.procrastinate_job_to_defer_v1])

-- name: lock_delivery
-- One message, locked until the transaction ends.
SELECT {columns} FROM notification_deliveries
WHERE tenant_id = %(tenant_id)s AND delivery_id = %(delivery_id)s FOR UPDATE

-- name: get_delivery
-- One message.
SELECT {columns} FROM notification_deliveries WHERE tenant_id = %(tenant_id)s AND delivery_id = %(delivery_id)s

-- name: delivery_named
-- Messages whose id begins with some digits, from the first to the last there could be; enough of them to tell whether one is meant.
SELECT delivery_id FROM notification_deliveries
WHERE tenant_id = %(tenant_id)s AND delivery_id BETWEEN %(first)s AND %(last)s
LIMIT 2

-- name: deliveries
-- The latest messages first, of one state or of all, each with the name of its channel.
SELECT d.delivery_id, c.name AS channel, c.kind, d.event, d.severity, d.state, d.told, d.attempts, d.opened_at, d.next_at,
       d.sent_at, d.response_status, d.last_error
FROM notification_deliveries d JOIN notification_channels c USING (tenant_id, channel_id)
WHERE d.tenant_id = %(tenant_id)s AND (%(state)s::text IS NULL OR d.state = %(state)s)
ORDER BY d.opened_at DESC, d.delivery_id LIMIT %(limit)s

-- name: count_deliveries
-- How many there are, so that a shortened list can say so.
SELECT count(*) FROM notification_deliveries WHERE tenant_id = %(tenant_id)s AND (%(state)s::text IS NULL OR state = %(state)s)

-- name: held_of_channel
-- Messages of a channel that wait for the end of its quiet hours.
SELECT {columns} FROM notification_deliveries
WHERE tenant_id = %(tenant_id)s AND channel_id = %(channel_id)s AND state = 'held'
FOR UPDATE

-- name: told_in
-- What a message tells of, in the order in which it happened.
SELECT {columns} FROM notifications JOIN notification_delivery_items USING (tenant_id, notification_id)
WHERE tenant_id = %(tenant_id)s AND delivery_id = %(delivery_id)s ORDER BY happened_at, notification_id LIMIT %(limit)s

-- name: put_off
-- It waits for another time; `held` where that is because of quiet hours.
UPDATE notification_deliveries SET state = %(state)s, next_at = %(next_at)s
WHERE tenant_id = %(tenant_id)s AND delivery_id = %(delivery_id)s

-- name: begin
-- An attempt begins; nothing more comes into the message. Should its process die, it is tried again.
UPDATE notification_deliveries SET state = 'pending', attempts = attempts + 1, next_at = NULL,
    closed_at = coalesce(closed_at, clock_timestamp())
WHERE tenant_id = %(tenant_id)s AND delivery_id = %(delivery_id)s

-- name: end_attempt
-- What came of an attempt.
UPDATE notification_deliveries SET state = %(state)s, response_status = %(response_status)s, last_error = %(last_error)s,
    next_at = clock_timestamp() + make_interval(secs => %(seconds)s),
    sent_at = CASE WHEN %(state)s = 'sent' THEN clock_timestamp() END
WHERE tenant_id = %(tenant_id)s AND delivery_id = %(delivery_id)s AND state = 'pending'

-- name: try_again
-- A message that failed is pending anew, with as many attempts as the first time.
UPDATE notification_deliveries SET state = 'pending', attempts = 0, next_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND delivery_id = %(delivery_id)s AND state = 'failed'
RETURNING delivery_id

-- name: old_deliveries
-- Messages that came to their end and are older than so long, some of them, kept from being sent again.
SELECT delivery_id FROM notification_deliveries
WHERE tenant_id = %(tenant_id)s AND state IN ('sent', 'failed', 'dropped') AND opened_at <= clock_timestamp() - %(age)s::interval
ORDER BY opened_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED

-- name: forget_items
-- Messages tell of nothing any more.
DELETE FROM notification_delivery_items WHERE tenant_id = %(tenant_id)s AND delivery_id = ANY(%(deliveries)s)

-- name: forget_deliveries
-- Messages are gone.
DELETE FROM notification_deliveries WHERE tenant_id = %(tenant_id)s AND delivery_id = ANY(%(deliveries)s)

-- name: forget_untold
-- What happened so long ago that no message tells of it any more is gone.
DELETE FROM notifications n
WHERE tenant_id = %(tenant_id)s AND happened_at <= clock_timestamp() - %(age)s::interval AND NOT EXISTS (
    SELECT FROM notification_delivery_items i
    WHERE i.tenant_id = n.tenant_id AND i.notification_id = n.notification_id)

-- name: import_of_run
-- The file that was sent and became this run.
SELECT import_id FROM imports WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s LIMIT 1

-- name: stuck_jobs
-- Jobs at work that have committed nothing for so long, and since when.
SELECT * FROM (
    SELECT j.job_id, j.kind, j.label, greatest(
        j.started_at,
        (SELECT max(e.at) FROM headwater_queue.procrastinate_events e WHERE e.job_id = j.queue_id AND e.type = 'started'),
        (SELECT max(greatest(n.noted_at, r.started_at)) FROM job_runs n JOIN runs r USING (tenant_id, run_id)
         WHERE n.tenant_id = j.tenant_id AND n.job_id = j.job_id),
        (SELECT max(k.committed_at) FROM job_runs n JOIN chunks k USING (tenant_id, run_id)
         WHERE n.tenant_id = j.tenant_id AND n.job_id = j.job_id)) AS since
    FROM jobs j WHERE j.tenant_id = %(tenant_id)s AND j.state = 'running') at_work
WHERE since < %(before)s ORDER BY since, job_id
