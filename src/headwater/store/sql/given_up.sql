-- name: is_last_and_whole
-- Whether a run of a file is the newest of its source, has read something and lacks no chunk.
SELECT count(*) > 0 AND bool_and(c.state = 'committed')
       AND NOT EXISTS (SELECT FROM runs later
                       WHERE later.tenant_id = %(tenant)s AND later.source_id = %(source)s AND later.kind = 'import'
                         AND later.started_at > %(started)s)
FROM chunks c WHERE c.tenant_id = %(tenant)s AND c.run_id = %(run)s

-- name: held_before
-- Keys that a source held before a run: those of the last run that loaded everything and of each since, but for chunks
-- that the new run has read too. Of older runs, those that were given up. A run that read a record without a key gave up
-- nothing: it is none that loaded everything.
WITH earlier AS (
    SELECT run_id, started_at, kind = 'import' AND state LIKE 'succeeded%%' AS is_loaded
    FROM runs WHERE tenant_id = %(tenant)s AND source_id = %(source)s AND kind IN ('import', 'resubmit')
                AND started_at < %(started)s),
read AS (
    SELECT e.started_at, coalesce(c.reused_chunk_id, c.chunk_id) AS chunk_id
    FROM earlier e JOIN chunks c ON c.tenant_id = %(tenant)s AND c.run_id = e.run_id AND c.state = 'committed'),
keyless AS (
    SELECT min(first.started_at) AS since, max(last.started_at) AS until
    FROM read first
    JOIN quarantine q ON q.tenant_id = %(tenant)s AND q.chunk_id = first.chunk_id AND octet_length(coalesce(q.key_hash, '')) = 0
    JOIN read last ON last.chunk_id = q.last_chunk_id
    GROUP BY q.quarantine_id, q.occurrence),
whole AS (
    SELECT coalesce(max(e.started_at), '-infinity') AS since FROM earlier e
    WHERE e.is_loaded AND NOT EXISTS (SELECT FROM keyless k WHERE e.started_at BETWEEN k.since AND k.until)),
by_chunk AS (
    SELECT r.chunk_id, bool_or(r.started_at >= whole.since) AS is_recent FROM read r CROSS JOIN whole GROUP BY 1)
SELECT c.chunk_id, CASE WHEN r.is_recent THEN c.key_hashes ELSE c.given_up END, c.given_up
FROM by_chunk r JOIN chunks c ON c.tenant_id = %(tenant)s AND c.chunk_id = r.chunk_id
WHERE c.given_up IS NOT NULL OR (r.is_recent AND NOT c.chunk_id = ANY(%(reading)s))
ORDER BY c.chunk_id

-- name: note
-- What of the keys of a chunk its source holds no longer.
UPDATE chunks SET given_up = %(given_up)s WHERE tenant_id = %(tenant)s AND chunk_id = %(chunk)s

-- name: latest_of_connector
-- The newest run of each file that came through a connector.
SELECT DISTINCT ON (source_id) run_id, source_id, source_name FROM runs
WHERE tenant_id = %(tenant)s AND connector_id = %(connector)s AND kind = 'import'
ORDER BY source_id, started_at DESC

-- name: given_up_since
-- Keys that other sources of the same contract have read after a run, and hold no longer: what is noted, and all that
-- files have read which are gone.
WITH later AS (
    SELECT r.run_id FROM runs r
    JOIN contract_registry theirs ON theirs.hash = r.contract_hash
    JOIN contract_registry ours ON ours.hash = %(contract)s AND ours.name = theirs.name
                               AND split_part(ours.version, '.', 1) = split_part(theirs.version, '.', 1)
    WHERE r.tenant_id = %(tenant)s AND r.source_id <> %(source)s AND r.started_at > %(started)s)
SELECT c.given_up FROM later JOIN chunks c ON c.tenant_id = %(tenant)s AND c.run_id = later.run_id
WHERE c.given_up IS NOT NULL
UNION ALL
SELECT k.key_hashes FROM later JOIN chunks c ON c.tenant_id = %(tenant)s AND c.run_id = later.run_id AND c.state = 'committed'
JOIN chunks k ON k.tenant_id = c.tenant_id AND k.chunk_id = coalesce(c.reused_chunk_id, c.chunk_id)
WHERE later.run_id = ANY(%(gone)s)

-- name: holding_since
-- Where the keys stand that other sources of the same contract have read after a run, and hold still: of files by their
-- last run that loaded everything, and each since.
WITH later AS (
    SELECT r.run_id, r.kind <> 'sync' AND r.started_at < max(r.started_at)
               FILTER (WHERE r.kind = 'import' AND r.state LIKE 'succeeded%%') OVER (PARTITION BY r.source_id) AS is_over
    FROM runs r
    JOIN contract_registry theirs ON theirs.hash = r.contract_hash
    JOIN contract_registry ours ON ours.hash = %(contract)s AND ours.name = theirs.name
                               AND split_part(ours.version, '.', 1) = split_part(theirs.version, '.', 1)
    WHERE r.tenant_id = %(tenant)s AND r.source_id <> %(source)s AND r.started_at > %(started)s
      AND NOT r.run_id = ANY(%(gone)s))
SELECT DISTINCT coalesce(c.reused_chunk_id, c.chunk_id)
FROM later JOIN chunks c ON c.tenant_id = %(tenant)s AND c.run_id = later.run_id AND c.state = 'committed'
WHERE later.is_over IS NOT TRUE
ORDER BY 1
