-- name: of_run
-- The chunks of a run in plan order.
SELECT {columns} FROM chunks WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s ORDER BY chunk_no

-- name: not_committed
-- What a run has still to do: planned chunks never tried, and gaps.
SELECT {columns} FROM chunks
WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s AND state <> 'committed' ORDER BY chunk_no

-- name: get
-- One chunk by its id.
SELECT {columns} FROM chunks WHERE tenant_id = %(tenant_id)s AND chunk_id = %(chunk_id)s

-- name: mark_failed
-- A chunk that could not be loaded is a gap with a reason; one committed meanwhile stays committed.
UPDATE chunks SET state = 'failed', attempts = attempts + 1, error = %(error)s
WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s AND chunk_no = %(chunk_no)s AND state <> 'committed'

-- name: note_gaps
-- How far the source was read, by this run: the chunks of it that failed.
UPDATE connector_sync_state s
SET gaps = ARRAY(SELECT chunk_no FROM chunks WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s AND state = 'failed'
                 ORDER BY chunk_no),
    updated_at = clock_timestamp()
WHERE s.tenant_id = %(tenant_id)s AND s.run_id = %(run_id)s

-- name: standing
-- The hashes of the records that a chunk found or made: 16 bytes a record of its text, 8 of its key.
SELECT raw_hashes, key_hashes FROM chunks WHERE tenant_id = %(tenant_id)s AND chunk_id = %(chunk_id)s

-- name: totals
-- The ledger of a run, summed over its committed chunks; skipped by reason is summed apart.
SELECT count(*) FILTER (WHERE state = 'committed'), count(*) FILTER (WHERE state = 'failed'),
       coalesce(sum(read), 0)::bigint, coalesce(sum(mapped), 0)::bigint, coalesce(sum(quarantined_raw), 0)::bigint,
       coalesce(sum(produced), 0)::bigint, coalesce(sum(inserted), 0)::bigint, coalesce(sum(updated), 0)::bigint,
       coalesce(sum(unchanged), 0)::bigint, coalesce(sum(merged), 0)::bigint, coalesce(sum(quarantined), 0)::bigint
FROM chunks WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s

-- name: skipped
-- Records of a run left out on purpose, by reason.
SELECT key, sum(value::bigint)::bigint
FROM chunks, jsonb_each_text(skipped)
WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s AND state = 'committed'
GROUP BY key ORDER BY key

-- name: calculation
-- The calculation's own ledger, summed over a run.
SELECT key, sum(value::bigint)::bigint
FROM chunks, jsonb_each(calculation)
WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s AND state = 'committed' AND jsonb_typeof(value) = 'number'
GROUP BY key ORDER BY key

-- name: candidates
-- Chunks that the latest run of a source committed by the same logic: what it refused was last seen in them.
WITH latest AS (
    SELECT tenant_id, run_id, started_at FROM runs
    WHERE tenant_id = %(tenant_id)s AND source_id = %(source_id)s AND run_id <> %(run_id)s AND kind = 'import'
    ORDER BY started_at DESC LIMIT 1)
SELECT c.chunk_id, coalesce(c.reused_chunk_id, c.chunk_id) AS root, c.chunk_no, c.raw_sha256, c.relies_on, c.superseded,
       c.read, c.mapped, c.skipped, c.quarantined_raw, c.produced, c.inserted, c.updated, c.unchanged, c.merged,
       c.quarantined, c.calculation, c.rows_sha256
FROM latest JOIN chunks c USING (tenant_id, run_id)
WHERE c.state = 'committed' AND c.logic_hash = %(logic_hash)s
ORDER BY latest.started_at DESC, c.chunk_no

-- name: lost_rows
-- How many rows each of these chunks has lost so far.
SELECT chunk_id, superseded FROM chunks WHERE tenant_id = %(tenant_id)s AND chunk_id = ANY(%(chunks)s)

-- name: keys_read
-- Key hashes of the records that a run's committed chunks found standing, those of reused chunks included. After them come
-- those of records older than what stands: these are left out here.
SELECT substr(coalesce(root.key_hashes, c.key_hashes), 1, octet_length(coalesce(root.raw_hashes, c.raw_hashes)) / 2)
FROM chunks c LEFT JOIN chunks root ON root.tenant_id = c.tenant_id AND root.chunk_id = c.reused_chunk_id
WHERE c.tenant_id = %(tenant_id)s AND c.run_id = %(run_id)s AND c.state = 'committed'
  AND c.chunk_no > %(after)s
ORDER BY c.chunk_no

-- name: progress
-- How far a run is: its chunks that are in, those that failed, the records of the first; when it was begun, or gone on with,
-- last, and the records since then. It waits between its plan and that, and where it broke off.
WITH begun AS (
    SELECT max(at) AS at FROM audit_entries
    WHERE tenant_id = %(tenant_id)s AND resource COLLATE "C" = 'run/' || %(run_id)s::text AND action = 'run.started')
SELECT count(*) FILTER (WHERE state = 'committed') AS chunks_done, count(*) FILTER (WHERE state = 'failed') AS chunks_failed,
       coalesce(sum(coalesce(read, records)) FILTER (WHERE state = 'committed'), 0)::bigint AS records_done,
       (SELECT at FROM begun) AS begun_at,
       coalesce(sum(coalesce(read, records)) FILTER (WHERE state = 'committed' AND committed_at >= (SELECT at FROM begun)),
                0)::bigint AS records_since
FROM chunks WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s
