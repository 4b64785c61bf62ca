-- name: older_rows
-- Rows of a contract that stand and came from earlier runs of one source.
(SELECT t.* FROM {target} t
 JOIN chunks c ON c.tenant_id = t.tenant_id AND c.chunk_id = t.chunk_id
 JOIN runs r ON r.tenant_id = c.tenant_id AND r.run_id = c.run_id
 WHERE t.tenant_id = {tenant} AND r.source_id = {source} AND r.started_at < {started}) AS older

-- name: has_rows
-- Whether any row of a contract stands that came from a source.
SELECT EXISTS (SELECT FROM {target} t
               JOIN chunks c ON c.tenant_id = t.tenant_id AND c.chunk_id = t.chunk_id
               JOIN runs r ON r.tenant_id = c.tenant_id AND r.run_id = c.run_id
               WHERE t.tenant_id = %(tenant)s AND r.source_id = %(source)s)

-- name: runs_that_mended
-- Runs that mended records of a source before another of its runs began, where rows of theirs stand.
SELECT r.run_id FROM runs r
WHERE r.tenant_id = %(tenant)s AND r.source_id = %(source)s AND r.kind = 'resubmit' AND r.started_at < %(started)s
  AND EXISTS (SELECT FROM chunks c JOIN {target} t ON t.tenant_id = c.tenant_id AND t.chunk_id = c.chunk_id
              WHERE c.tenant_id = r.tenant_id AND c.run_id = r.run_id)
ORDER BY r.started_at

-- name: delete_rows
-- Rows with these keys go to history as deleted; how many each chunk has lost by it.
WITH gone AS (
    DELETE FROM {target} t USING unnest({arrays}) AS k({keys})
    WHERE t.tenant_id = %(tenant)s AND {same_key}
    RETURNING t.*),
kept AS (
    INSERT INTO {history} (tenant_id, {columns}, chunk_id, unit_id, superseded_by, operation)
    SELECT g.tenant_id, {gone_columns}, g.chunk_id, g.unit_id, %(chunk)s, 'delete' FROM gone g)
SELECT chunk_id, count(*) FROM gone GROUP BY chunk_id

-- name: expire_swept
-- Mended records whose row goes: their source did not send them, and if it does again they are open.
WITH gone AS (
    SELECT quarantine_id, occurrence FROM quarantine
    WHERE tenant_id = %(tenant)s AND state = 'resubmitted' AND contract ^@ (%(contract)s::text || '.')
      AND substr(key_hash, 1, 8) = ANY(%(hashes)s::bytea[])
    ORDER BY quarantine_id, occurrence
    FOR UPDATE)
UPDATE quarantine q SET state = 'expired', state_reason = %(reason)s, updated_at = clock_timestamp()
FROM gone g WHERE q.tenant_id = %(tenant)s AND q.quarantine_id = g.quarantine_id AND q.occurrence = g.occurrence

-- name: count_lost
-- Each chunk counts the rows it has lost.
UPDATE chunks SET superseded = superseded + %(lost)s WHERE tenant_id = %(tenant)s AND chunk_id = %(chunk)s

-- name: reading_chunks
-- Where the hashes of the keys stand that a run has read.
SELECT DISTINCT coalesce(reused_chunk_id, chunk_id) FROM chunks
WHERE tenant_id = %(tenant)s AND run_id = %(run)s AND state = 'committed' ORDER BY 1

-- name: chunks_since
-- Where the hashes of the keys stand that a source's runs have read since some moment.
SELECT DISTINCT coalesce(c.reused_chunk_id, c.chunk_id)
FROM runs r JOIN chunks c ON c.tenant_id = r.tenant_id AND c.run_id = r.run_id
WHERE r.tenant_id = %(tenant)s AND r.source_id = %(source)s AND r.started_at >= %(started)s AND c.state = 'committed'
ORDER BY 1

-- name: refused_keys
-- Keys under which records were read that chunks refused last, whatever became of them.
SELECT substr(key_hash, octet_length(key_hash) - 7) FROM quarantine
WHERE tenant_id = %(tenant)s AND last_chunk_id = ANY(%(chunks)s) AND octet_length(key_hash) > 0

-- name: holding_chunks
-- Where the hashes of the keys stand that other sources hold of a contract: from the latest full load of each that ended
-- well, or from its first run.
WITH others AS (
    SELECT r.run_id, r.source_id, r.started_at,
           r.kind IN ('import', 'sync') AND r.state = 'succeeded' AND d.body::jsonb -> 'load' ->> 'strategy' = 'full' AS is_whole
    FROM runs r
    JOIN contract_registry k ON k.hash = r.contract_hash
    JOIN documents d ON d.tenant_id = r.tenant_id AND d.hash = r.recipe_hash
    WHERE r.tenant_id = %(tenant)s AND r.source_id <> %(source)s
      AND k.name = %(name)s AND split_part(k.version, '.', 1)::integer = %(major)s),
since AS (SELECT source_id, max(started_at) FILTER (WHERE is_whole) AS started_at FROM others GROUP BY source_id)
SELECT DISTINCT coalesce(c.reused_chunk_id, c.chunk_id)
FROM others o JOIN since s USING (source_id)
JOIN chunks c ON c.tenant_id = %(tenant)s AND c.run_id = o.run_id AND c.state = 'committed'
WHERE o.started_at >= coalesce(s.started_at, '-infinity')
ORDER BY 1

-- name: swept_by
-- What sweeps of a run have deleted, as the audit chain tells it.
SELECT coalesce(sum((payload::jsonb ->> 'records')::bigint), 0)::bigint,
       coalesce(sum((payload::jsonb ->> 'results')::bigint), 0)::bigint
FROM audit_entries WHERE tenant_id = %(tenant)s AND resource COLLATE "C" = %(resource)s AND action = 'run.swept'

-- name: settled_keys
-- Keys of records that chunks refused last and that are settled here, null where it was not kept.
SELECT key_hash FROM quarantine
WHERE tenant_id = %(tenant)s AND last_chunk_id = ANY(%(chunks)s) AND state = ANY(%(states)s)
ORDER BY key_hash

-- name: key_hashes
-- Hashes of keys, chunk by chunk.
SELECT key_hashes FROM chunks WHERE tenant_id = %(tenant)s AND chunk_id = ANY(%(chunks)s)
