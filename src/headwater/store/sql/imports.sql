-- name: add
-- A file that is about to be sent.
INSERT INTO imports (tenant_id, import_id, state, name, size, mapping, unit_id, created_by)
VALUES (%(tenant_id)s, %(import_id)s, 'uploading', %(name)s, %(size)s, %(mapping)s, %(unit_id)s, %(created_by)s)

-- name: get
-- One import.
SELECT {columns} FROM imports WHERE tenant_id = %(tenant_id)s AND import_id = %(import_id)s

-- name: units_of
-- The units that imports belong to.
SELECT i.import_id, CASE WHEN i.run_id IS NULL THEN i.unit_id ELSE u.unit_id END
FROM imports i LEFT JOIN runs r ON r.tenant_id = i.tenant_id AND r.run_id = i.run_id
LEFT JOIN source_units u ON u.tenant_id = r.tenant_id AND u.source_id = r.source_id
WHERE i.tenant_id = %(tenant_id)s AND i.import_id = ANY(%(import_ids)s)

-- name: latest_named
-- The latest file of a name that could be read, among those that were sent for no unit.
SELECT {columns} FROM imports
WHERE tenant_id = %(tenant_id)s AND name = %(name)s AND unit_id IS NULL AND state IN ('inspected', 'planned')
ORDER BY created_at DESC, import_id LIMIT 1

-- name: lock_uploads
-- Nobody else of the organisation begins an upload until this transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('uploads ' || %(tenant_id)s::text, 0))

-- name: held_bytes
-- Bytes that files on their way have or are said to get; those left for longer are about to be given up.
SELECT coalesce(sum(size), 0) FROM imports
WHERE tenant_id = %(tenant_id)s AND state NOT IN ('planned', 'cancelled') AND updated_at > clock_timestamp() - %(age)s::interval

-- name: abandoned
-- Imports that nobody has gone on with for so long.
SELECT import_id FROM imports
WHERE tenant_id = %(tenant_id)s AND state = ANY(%(states)s) AND updated_at <= clock_timestamp() - %(age)s::interval

-- name: look_later
-- Have a worker look whether whoever works on the import has come to an end with it.
SELECT headwater_queue.procrastinate_defer_jobs_v1(ARRAY[ROW('schedules', 'go_on', 0, 'import/' || %(import_id)s::text, NULL,
    jsonb_build_object('tenant_id', %(tenant_id)s::uuid, 'id', %(import_id)s::uuid), clock_timestamp() + %(wait)s::interval
)::headwater_queue.procrastinate_job_to_defer_v1])

-- name: received
-- So many bytes of the file are here and durable.
UPDATE imports SET received = %(received)s, updated_at = clock_timestamp(), version = version + 1
WHERE tenant_id = %(tenant_id)s AND import_id = %(import_id)s AND state = 'uploading'

-- name: begin_try
-- Somebody begins to look at the file; how often that was since it last got on.
UPDATE imports SET tries = tries + 1, updated_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND import_id = %(import_id)s RETURNING tries

-- name: advance
-- From one state to another, with what was found on the way; what is not given stays, but for cells that inspection showed,
-- which nobody looks at any more once the file is loaded or given up.
UPDATE imports SET state = %(state)s, sha256 = coalesce(%(sha256)s, sha256),
    found = CASE WHEN %(state)s IN ('planned', 'refused', 'cancelled') AND found IS NOT NULL
        THEN jsonb_build_object('format', found -> 'format', 'encoding', found -> 'encoding', 'columns', found -> 'columns')
        ELSE coalesce(%(found)s, found) END,
    mapping = coalesce(%(mapping)s, mapping), error = %(error)s, run_id = coalesce(%(run_id)s, run_id),
    job_id = coalesce(%(job_id)s, job_id), tries = 0, updated_at = clock_timestamp(), version = version + 1
WHERE tenant_id = %(tenant_id)s AND import_id = %(import_id)s AND state = ANY(%(from_states)s)

-- name: forget_cells
-- Of whatever inspection found, or files were refused for, no cells stay. Whoever works on one of these just now is about to
-- load it or give it up.
UPDATE imports SET version = version + 1, error = error || '{"value": null}',
    found = CASE WHEN found IS NOT NULL
        THEN jsonb_build_object('format', found -> 'format', 'encoding', found -> 'encoding', 'columns', found -> 'columns') END
WHERE tenant_id = %(tenant_id)s AND import_id IN (
    SELECT import_id FROM imports
    WHERE tenant_id = %(tenant_id)s AND (found -> 'sample' IS NOT NULL OR error ->> 'value' IS NOT NULL)
    FOR UPDATE SKIP LOCKED)
