-- name: add
-- A connector under a name that none has.
INSERT INTO connectors (tenant_id, connector_id, name, kind, config, from_outside)
VALUES (%(tenant_id)s, %(connector_id)s, %(name)s, %(kind)s, %(config)s, %(from_outside)s)

-- name: change
-- Another config for a connector.
UPDATE connectors
SET config = %(config)s, from_outside = from_outside OR %(from_outside)s, updated_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND connector_id = %(connector_id)s

-- name: remove
-- Its runs stay, and with them what they say of it; its name is free again.
UPDATE connectors SET removed_at = clock_timestamp(), updated_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND connector_id = %(connector_id)s

-- name: list
-- Those there are, by name.
SELECT {columns} FROM connectors WHERE tenant_id = %(tenant_id)s AND removed_at IS NULL ORDER BY name

-- name: named
-- The connector of a name.
SELECT {columns} FROM connectors WHERE tenant_id = %(tenant_id)s AND name = %(name)s AND removed_at IS NULL

-- name: lock
-- Keep others from changing the connector of a name until the transaction ends.
SELECT FROM connectors WHERE tenant_id = %(tenant_id)s AND name = %(name)s AND removed_at IS NULL FOR UPDATE

-- name: get
-- A connector by id, removed ones too.
SELECT {columns} FROM connectors WHERE tenant_id = %(tenant_id)s AND connector_id = %(connector_id)s

-- name: plan_chunks
-- Where the chunks of a sync lie in their source, as columns of arrays.
INSERT INTO source_chunks (tenant_id, run_id, chunk_no, locator, records, cursor_to, window_start, window_end)
SELECT %(tenant_id)s, %(run_id)s, planned.* FROM unnest(
    %(chunk_no)s::integer[], %(locator)s::jsonb[], %(records)s::integer[], %(cursor_to)s::text[],
    %(window_start)s::text[], %(window_end)s::text[]) AS planned

-- name: chunks_of_run
-- The plan of a sync.
SELECT {columns} FROM source_chunks WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s ORDER BY chunk_no

-- name: read_up_to
-- How far a source was read, by which column of which table, and whether a run by what is asked for began at the beginning.
-- Earlier versions had a resubmission write over it: that leaves nothing to go on from.
SELECT s.last_cursor, r.layout -> 'selection' ->> 'cursor', r.layout -> 'selection' ->> 'table',
       EXISTS (SELECT FROM runs b WHERE b.tenant_id = s.tenant_id AND b.source_id = s.source_id
               AND b.layout -> 'selection' ->> 'cursor' = %(cursor)s AND b.layout -> 'selection' ->> 'table' = %(table)s
               AND b.layout -> 'selection' ->> 'since' IS NULL)
FROM connector_sync_state s
JOIN runs r ON r.tenant_id = s.tenant_id AND r.run_id = s.run_id AND r.kind <> 'resubmit'
WHERE s.tenant_id = %(tenant_id)s AND s.source_id = %(source_id)s

-- name: syncs
-- The latest runs through a connector first.
SELECT run_id, source_name, state, started_at, finished_at, chunks_planned, records_planned FROM runs
WHERE tenant_id = %(tenant_id)s AND connector_id = %(connector_id)s
ORDER BY started_at DESC LIMIT %(limit)s

-- name: mappings_read_by
-- By which mappings, to which contracts, anything was ever read through connectors of a name; the latest first.
SELECT r.mapping_hash, r.contract_hash FROM runs r JOIN connectors k USING (tenant_id, connector_id)
WHERE r.tenant_id = %(tenant_id)s AND k.name = %(name)s
GROUP BY 1, 2 ORDER BY max(r.started_at) DESC

-- name: unfinished
-- Of each source the newest run through a connector, where it did not come to its end: killed, cancelled, failed, or with
-- gaps.
SELECT {columns} FROM (
    SELECT DISTINCT ON (source_id) run_id, source_name, state, started_at FROM runs
    WHERE tenant_id = %(tenant_id)s AND connector_id = %(connector_id)s
    ORDER BY source_id, started_at DESC) newest
WHERE state NOT IN ('succeeded', 'succeeded_with_quarantine') ORDER BY started_at, run_id

-- name: states
-- How far each source was read through a connector, by its newest run that had chunks. What of a run that has ended is not
-- loaded is a gap, and what has failed of one that has not. Whether a process is at it tells the hold that it has on the run.
WITH newest AS (
    SELECT DISTINCT ON (source_id) source_id, source_name, run_id, state, state IN ('pending', 'running') AS unfinished,
           chunks_planned
    FROM runs
    WHERE tenant_id = %(tenant_id)s AND connector_id = %(connector_id)s AND chunks_planned > 0
    ORDER BY source_id, started_at DESC)
SELECT n.source_name, n.run_id, n.state, EXISTS (
           SELECT FROM pg_locks l
           WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
             AND (l.classid::bigint << 32 | l.objid::bigint)
                 = hashtextextended('run/' || %(tenant_id)s::text || '/' || n.run_id, 0)) AS at_work,
       n.chunks_planned, reached.chunks_loaded, reached.last_chunk_no, reached.gaps, s.last_cursor, s.last_row_id,
       s.last_window_start, s.last_window_end, s.updated_at
FROM newest n
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE c.state = 'committed') AS chunks_loaded,
           coalesce(min(chunk_no) FILTER (WHERE c.state <> 'committed') - 1, max(chunk_no)) AS last_chunk_no,
           coalesce(array_agg(chunk_no ORDER BY chunk_no) FILTER (
               WHERE c.state = 'failed' OR c.state <> 'committed' AND NOT n.unfinished), '{}') AS gaps
    FROM chunks c WHERE c.tenant_id = %(tenant_id)s AND c.run_id = n.run_id) reached
LEFT JOIN connector_sync_state s ON s.tenant_id = %(tenant_id)s AND s.source_id = n.source_id
ORDER BY n.source_name, n.source_id

-- name: schemas_seen
-- What each table of a connector was when last it was noted, or the one of this name.
SELECT DISTINCT ON (table_name) {columns} FROM source_schema_cache
WHERE tenant_id = %(tenant_id)s AND connector_id = %(connector_id)s
  AND (%(table_name)s::text IS NULL OR table_name = %(table_name)s)
ORDER BY table_name, seen_no DESC

-- name: note_schema
-- What a table is now, and what changed; nothing where another has noted it at this moment.
INSERT INTO source_schema_cache
    (tenant_id, connector_id, table_name, seen_no, columns, key_columns, foreign_keys, is_gone, changes)
VALUES (%(tenant_id)s, %(connector_id)s, %(table_name)s, %(seen_no)s, %(columns)s, %(key_columns)s, %(foreign_keys)s,
        %(is_gone)s, %(changes)s)
ON CONFLICT DO NOTHING

-- name: keep_sample
-- Rows of a table, encrypted, with the columns it was last noted with; those kept before go.
UPDATE source_schema_cache c
SET sample = new.sample, sample_key = new.sample_key, sample_nonce = new.sample_nonce, sampled_at = new.sampled_at
FROM (SELECT seen_no, CASE WHEN seen_no = max(seen_no) OVER () THEN %(sample)s::bytea END AS sample,
             CASE WHEN seen_no = max(seen_no) OVER () THEN %(key_no)s::integer END AS sample_key,
             CASE WHEN seen_no = max(seen_no) OVER () THEN %(nonce)s::bytea END AS sample_nonce,
             CASE WHEN seen_no = max(seen_no) OVER () THEN clock_timestamp() END AS sampled_at
      FROM source_schema_cache
      WHERE tenant_id = %(tenant_id)s AND connector_id = %(connector_id)s AND table_name = %(table_name)s) AS new
WHERE c.tenant_id = %(tenant_id)s AND c.connector_id = %(connector_id)s AND c.table_name = %(table_name)s
  AND c.seen_no = new.seen_no

-- name: kept_sample
-- Rows of a table as they are kept.
SELECT sample, sample_key, sample_nonce, sampled_at FROM source_schema_cache
WHERE tenant_id = %(tenant_id)s AND connector_id = %(connector_id)s AND table_name = %(table_name)s
  AND sample IS NOT NULL

-- name: forget_samples
-- Rows that are kept of the tables of one connector, or of all.
UPDATE source_schema_cache SET sample = NULL, sample_key = NULL, sample_nonce = NULL, sampled_at = NULL
WHERE tenant_id = %(tenant_id)s AND sample IS NOT NULL
  AND (%(connector_id)s::uuid IS NULL OR connector_id = %(connector_id)s)

-- name: schema_changes
-- What changed in the tables of a connector, the latest first.
SELECT table_name, seen_no, changes, seen_at FROM source_schema_cache
WHERE tenant_id = %(tenant_id)s AND connector_id = %(connector_id)s ORDER BY seen_at DESC, table_name

-- name: note_refused_sync
-- A sync that came to no run. Of those of its connector before it so many stay, the latest: a schedule that is refused
-- minute by minute would fill the table.
WITH noted AS (
    INSERT INTO refused_syncs (tenant_id, refusal_id, connector_id, source_name, tried_at, error)
    VALUES (%(tenant_id)s, gen_random_uuid(), %(connector_id)s, %(source_name)s, %(tried_at)s, %(error)s)
)
DELETE FROM refused_syncs WHERE tenant_id = %(tenant_id)s AND refusal_id IN (
    SELECT refusal_id FROM refused_syncs WHERE tenant_id = %(tenant_id)s AND connector_id = %(connector_id)s
    ORDER BY tried_at DESC, refusal_id OFFSET %(stay)s)

-- name: refused_syncs
-- Those of a connector, the latest first.
SELECT source_name, tried_at, refused_at, error FROM refused_syncs
WHERE tenant_id = %(tenant_id)s AND connector_id = %(connector_id)s ORDER BY tried_at DESC, refusal_id LIMIT %(limit)s

-- name: circuit
-- The state of a source's circuit, and for how long it has been so.
SELECT state, failures, extract(epoch FROM clock_timestamp() - changed_at)::double precision, last_error
FROM source_circuits WHERE tenant_id = %(tenant_id)s AND connector_id = %(connector_id)s

-- name: failed_since
-- When a source failed last or refused and why, where no run through its connector was begun since, or where it is left alone.
SELECT c.changed_at, c.last_error FROM source_circuits c
WHERE c.tenant_id = %(tenant_id)s AND c.connector_id = %(connector_id)s
  AND (c.state <> 'closed' OR (c.failures > 0 OR c.last_error IS NOT NULL) AND NOT EXISTS (
    SELECT FROM runs r
    WHERE r.tenant_id = c.tenant_id AND r.connector_id = c.connector_id AND r.started_at > c.changed_at))

-- name: was_synced
-- Whether a run through a connector was ever planned.
SELECT EXISTS (SELECT FROM runs WHERE tenant_id = %(tenant_id)s AND connector_id = %(connector_id)s)

-- name: set_circuit
-- A new state of the circuit.
INSERT INTO source_circuits AS c (tenant_id, connector_id, state, failures, last_error)
VALUES (%(tenant_id)s, %(connector_id)s, %(state)s, %(failures)s, %(last_error)s)
ON CONFLICT (tenant_id, connector_id) DO UPDATE
SET state = EXCLUDED.state, failures = EXCLUDED.failures, last_error = EXCLUDED.last_error,
    changed_at = clock_timestamp() - make_interval(secs => %(seconds)s)

-- name: note_refusal
-- Why a source refused to be read. It has answered, which is no failure of its circuit; one that stands there stays.
INSERT INTO source_circuits AS c (tenant_id, connector_id, last_error)
VALUES (%(tenant_id)s, %(connector_id)s, %(last_error)s)
ON CONFLICT (tenant_id, connector_id) DO UPDATE SET last_error = EXCLUDED.last_error, changed_at = clock_timestamp()
WHERE c.state = 'closed' AND c.failures = 0

-- name: try_half_open
-- Of those who wait for an open circuit, one may ask. What lies ahead was written before the clock was set back.
UPDATE source_circuits SET state = 'half_open', changed_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND connector_id = %(connector_id)s AND state <> 'closed'
  AND changed_at NOT BETWEEN clock_timestamp() - make_interval(secs => %(seconds)s) AND clock_timestamp()

-- name: put_credential
-- A secret, encrypted; one of that name is replaced.
INSERT INTO credentials AS c (tenant_id, name, key_id, nonce, ciphertext)
VALUES (%(tenant_id)s, %(name)s, %(key_id)s, %(nonce)s, %(ciphertext)s)
ON CONFLICT (tenant_id, name) DO UPDATE
SET key_id = EXCLUDED.key_id, nonce = EXCLUDED.nonce, ciphertext = EXCLUDED.ciphertext, updated_at = clock_timestamp()

-- name: encrypt_again
-- A secret by another key, unless it is another secret by now.
UPDATE credentials SET key_id = %(key_id)s, nonce = %(nonce)s, ciphertext = %(ciphertext)s
WHERE tenant_id = %(tenant_id)s AND name = %(name)s AND nonce = %(nonce_before)s

-- name: credential
-- A secret by name, encrypted.
SELECT {columns} FROM credentials WHERE tenant_id = %(tenant_id)s AND name = %(name)s

-- name: credentials
-- All of them.
SELECT {columns} FROM credentials WHERE tenant_id = %(tenant_id)s ORDER BY name

-- name: remove_credential
-- Forget a secret.
DELETE FROM credentials WHERE tenant_id = %(tenant_id)s AND name = %(name)s
