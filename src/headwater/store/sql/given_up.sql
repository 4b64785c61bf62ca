-- name: is_last_and_whole
-- Whether a run of a file is the newest of its source, has read something and lacks no chunk.
SELECT count(*) > 0 AND bool_and(c.state = 'committed')
       AND NOT EXISTS (SELECT FROM runs later
                       WHERE later.tenant_id = %(tenant)s AND later.source_id = %(source)s AND later.kind = 'import'
                         AND later.started_at > %(started)s)
FROM chunks c WHERE c.tenant_id = %(tenant)s AND c.run_id = %(run)s

-- name: held_before
-- Keys that a source held before a run: those of the last run that loaded everything and of each since, but for chunks
-- that the new run has read too. Of older runs, those that were given up.
WITH earlier AS (
    SELECT run_id, started_at >= coalesce(max(started_at) FILTER (WHERE state LIKE 'succeeded%%') OVER (), '-infinity') AS is_recent
    FROM runs WHERE tenant_id = %(tenant)s AND source_id = %(source)s AND kind = 'import' AND started_at < %(started)s),
read AS (
    SELECT coalesce(c.reused_chunk_id, c.chunk_id) AS chunk_id, bool_or(e.is_recent) AS is_recent
    FROM earlier e JOIN chunks c ON c.tenant_id = %(tenant)s AND c.run_id = e.run_id AND c.state = 'committed'
    GROUP BY 1)
SELECT c.chunk_id, CASE WHEN r.is_recent THEN c.key_hashes ELSE c.given_up END, c.given_up
FROM read r JOIN chunks c ON c.tenant_id = %(tenant)s AND c.chunk_id = r.chunk_id
WHERE c.given_up IS NOT NULL OR (r.is_recent AND NOT c.chunk_id = ANY(%(reading)s))
ORDER BY c.chunk_id

-- name: note
-- What of the keys of a chunk its source holds no longer.
UPDATE chunks SET given_up = %(given_up)s WHERE tenant_id = %(tenant)s AND chunk_id = %(chunk)s

-- name: latest_of_connector
-- The newest run of each file that came through a connector.
SELECT DISTINCT ON (source_id) run_id, source_name FROM runs
WHERE tenant_id = %(tenant)s AND connector_id = %(connector)s AND kind = 'import'
ORDER BY source_id, started_at DESC

-- name: give_up_all
-- A file that is gone holds nothing any more.
UPDATE chunks k SET given_up = k.key_hashes
FROM chunks c
WHERE c.tenant_id = %(tenant)s AND c.run_id = ANY(%(runs)s) AND c.state = 'committed'
  AND k.tenant_id = c.tenant_id AND k.chunk_id = coalesce(c.reused_chunk_id, c.chunk_id)
  AND k.given_up IS DISTINCT FROM k.key_hashes AND octet_length(k.key_hashes) > 0

-- name: is_gone
-- Whether the file of a run was gone since: what it holds was given up.
SELECT EXISTS (SELECT FROM chunks c
               JOIN chunks k ON k.tenant_id = c.tenant_id AND k.chunk_id = coalesce(c.reused_chunk_id, c.chunk_id)
               WHERE c.tenant_id = %(tenant)s AND c.run_id = %(run)s AND k.given_up IS NOT NULL)

-- name: given_up_since
-- Keys that other sources of the same contract have read after a run, and hold no longer.
SELECT c.given_up
FROM chunks c
JOIN runs r ON r.tenant_id = c.tenant_id AND r.run_id = c.run_id
JOIN contract_registry theirs ON theirs.hash = r.contract_hash
JOIN contract_registry ours ON ours.hash = %(contract)s AND ours.name = theirs.name
                           AND split_part(ours.version, '.', 1) = split_part(theirs.version, '.', 1)
WHERE c.tenant_id = %(tenant)s AND c.given_up IS NOT NULL AND r.source_id <> %(source)s AND r.started_at > %(started)s

-- name: held_since
-- Keys that other sources of the same contract have read after a run, and hold still: of files by their newest run.
WITH later AS (
    SELECT r.run_id, r.kind = 'import' AND r.started_at < max(r.started_at) OVER (PARTITION BY r.source_id) AS is_over
    FROM runs r
    JOIN contract_registry theirs ON theirs.hash = r.contract_hash
    JOIN contract_registry ours ON ours.hash = %(contract)s AND ours.name = theirs.name
                               AND split_part(ours.version, '.', 1) = split_part(theirs.version, '.', 1)
    WHERE r.tenant_id = %(tenant)s AND r.source_id <> %(source)s AND r.kind IN ('import', 'sync')
      AND r.started_at > %(started)s)
SELECT k.key_hashes
FROM later JOIN chunks c ON c.tenant_id = %(tenant)s AND c.run_id = later.run_id AND c.state = 'committed'
JOIN chunks k ON k.tenant_id = c.tenant_id AND k.chunk_id = coalesce(c.reused_chunk_id, c.chunk_id)
WHERE NOT later.is_over AND k.given_up IS NULL
