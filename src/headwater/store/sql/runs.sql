-- name: create
-- A run with everything it rests on, before its first chunk. Which of two runs is newer is told by their start: it is later
-- than every other's, though the clock was set back meanwhile.
INSERT INTO runs (tenant_id, run_id, kind, state, source_id, source_name, contract_hash, mapping_hash, recipe_hash,
                  lineage_hash, factor_set, reference_codes, connector_id, blob_sha256, text_sha256, encoding, layout,
                  chunks_planned, records_planned, correlation_id, started_at)
VALUES (%(tenant_id)s, %(run_id)s, %(kind)s, 'pending', %(source_id)s, %(source_name)s, %(contract_hash)s,
        %(mapping_hash)s, %(recipe_hash)s, %(lineage_hash)s, %(factor_set)s, %(reference_codes)s, %(connector_id)s,
        %(blob_sha256)s, %(text_sha256)s, %(encoding)s, %(layout)s, %(chunks_planned)s, %(records_planned)s,
        %(correlation_id)s, (SELECT greatest(clock_timestamp(), max(started_at) + interval '1 microsecond')
                             FROM runs WHERE tenant_id = %(tenant_id)s))

-- name: plan_chunks
-- The planned chunks of a run, as columns of arrays.
INSERT INTO chunks (tenant_id, run_id, chunk_no, chunk_id, byte_start, byte_end, first_record, first_line, records)
SELECT %(tenant_id)s, %(run_id)s, planned.* FROM unnest(
    %(chunk_no)s::integer[], %(chunk_id)s::uuid[], %(byte_start)s::bigint[], %(byte_end)s::bigint[],
    %(first_record)s::bigint[], %(first_line)s::bigint[], %(records)s::integer[]) AS planned

-- name: note_job
-- A run that a job has planned, or goes on with.
INSERT INTO job_runs (tenant_id, job_id, run_id) VALUES (%(tenant_id)s, %(job_id)s, %(run_id)s) ON CONFLICT DO NOTHING

-- name: get
-- One run.
SELECT {columns} FROM runs WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s

-- name: named
-- Runs whose id begins with some digits, from the first to the last there could be; enough of them to tell whether one is meant.
SELECT run_id FROM runs
WHERE tenant_id = %(tenant_id)s AND run_id BETWEEN %(first)s AND %(last)s
LIMIT 2

-- name: list
-- The latest runs first.
SELECT {columns} FROM runs WHERE tenant_id = %(tenant_id)s ORDER BY started_at DESC, run_id LIMIT %(limit)s

-- name: latest_of_source
-- The last import of a source.
SELECT {columns} FROM runs
WHERE tenant_id = %(tenant_id)s AND source_id = %(source_id)s AND kind IN ('import', 'sync')
ORDER BY started_at DESC LIMIT 1

-- name: changes_of_mapping
-- Runs of a source in which a record was found good, resubmissions included, since its latest full load that deleted what
-- the source no longer held, and that: the last, and those at which the mapping became another. One that refused all of its
-- records has loaded nothing.
WITH loaded AS (
    SELECT r.*, r.kind IN ('import', 'sync') AND r.state IN ('succeeded', 'succeeded_with_quarantine')
                AND NOT coalesce(r.reconciliation ? 'nothing_deleted', false)
                AND d.body::jsonb -> 'load' ->> 'strategy' = 'full' AS is_swept
    FROM runs r JOIN documents d ON d.tenant_id = r.tenant_id AND d.hash = r.recipe_hash
    WHERE r.tenant_id = %(tenant_id)s AND r.source_id = %(source_id)s
      AND EXISTS (SELECT FROM chunks c
                  LEFT JOIN chunks root ON root.tenant_id = c.tenant_id AND root.chunk_id = c.reused_chunk_id
                  WHERE c.tenant_id = r.tenant_id AND c.run_id = r.run_id AND c.state = 'committed'
                    AND octet_length(coalesce(root.key_hashes, c.key_hashes)) > 0)),
since AS (
    SELECT *, lag(mapping_hash) OVER by_time AS hash_before, lead(mapping_hash) OVER by_time AS hash_after
    FROM loaded WHERE started_at >= coalesce((SELECT max(started_at) FROM loaded WHERE is_swept), '-infinity')
    WINDOW by_time AS (ORDER BY started_at))
SELECT {columns} FROM since
WHERE mapping_hash <> coalesce(hash_before, mapping_hash) OR hash_after IS NULL OR mapping_hash <> hash_after
ORDER BY started_at

-- name: latest_of_archives
-- The newest run of each file inside an archive that came through a connector.
SELECT DISTINCT ON (source_id) {columns} FROM runs
WHERE tenant_id = %(tenant_id)s AND connector_id = %(connector_id)s AND layout ? 'archive'
ORDER BY source_id, started_at DESC

-- name: others_of_source
-- How many runs a source has beside one.
SELECT count(*) FROM runs WHERE tenant_id = %(tenant_id)s AND source_id = %(source_id)s AND run_id <> %(run_id)s

-- name: latest_that_took_columns
-- The last run through a mapping of that name, in whatever version, that took the columns it found: one that came to its
-- end or loaded some of it, and kept no column back. Of each version the last is looked for by its index, which has
-- nothing of those that wait.
SELECT took.*
FROM documents d CROSS JOIN LATERAL (
    SELECT {columns} FROM runs
    WHERE runs.tenant_id = d.tenant_id AND runs.mapping_hash = d.hash AND kind = %(kind)s
      AND (SELECT u.unit_id FROM source_units u WHERE u.tenant_id = runs.tenant_id AND u.source_id = runs.source_id)
          IS NOT DISTINCT FROM %(unit)s::uuid
      AND (%(source_id)s::bytea IS NULL OR source_id = %(source_id)s::bytea)
      AND coalesce(jsonb_array_length(layout -> 'unwanted'), 0) = 0
      AND (state IN ('succeeded', 'succeeded_with_quarantine')
           OR EXISTS (SELECT FROM chunks c
                      WHERE c.tenant_id = runs.tenant_id AND c.run_id = runs.run_id AND c.state = 'committed'))
    ORDER BY started_at DESC LIMIT 1) took
WHERE d.tenant_id = %(tenant_id)s AND d.kind = 'mapping' AND d.name = %(mapping)s
ORDER BY took.started_at DESC LIMIT 1

-- name: mapping_versions_before
-- Versions of the mapping by which earlier runs of a run's source have loaded something.
SELECT DISTINCT d.version
FROM runs this
JOIN runs r ON r.tenant_id = this.tenant_id AND r.source_id = this.source_id AND r.started_at < this.started_at
JOIN documents d ON d.tenant_id = r.tenant_id AND d.hash = r.mapping_hash
WHERE this.tenant_id = %(tenant_id)s AND this.run_id = %(run_id)s
  AND EXISTS (SELECT FROM chunks c WHERE c.tenant_id = r.tenant_id AND c.run_id = r.run_id AND c.state = 'committed')

-- name: all
-- Every run, for verification.
SELECT {columns} FROM runs WHERE tenant_id = %(tenant_id)s ORDER BY started_at, run_id

-- name: count
-- How many runs there are, so that a shortened list can say so.
SELECT count(*) FROM runs WHERE tenant_id = %(tenant_id)s

-- name: start
-- A run begins, or begins again: what it failed of before is no longer true.
UPDATE runs SET state = 'running', finished_at = NULL, error = NULL
WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s

-- name: finish
-- A run ends; its error stays with it.
UPDATE runs SET state = %(state)s, error = %(error)s, reconciliation = %(reconciliation)s,
    finished_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s

-- name: set_lineage
-- Column lineage is known once the SQL of the first chunk is.
UPDATE runs SET lineage_hash = %(lineage_hash)s WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s

-- name: wait_shortly
-- How long the transaction waits for a lock.
SELECT set_config('lock_timeout', %(milliseconds)s::text, true)

-- name: hold
-- Hold a run or a source until the session ends.
SELECT pg_advisory_lock(hashtextextended(%(name)s, 0))

-- name: records_done
-- How many records the committed chunks of some runs have read.
SELECT run_id, sum(coalesce(read, records))::bigint FROM chunks
WHERE tenant_id = %(tenant_id)s AND run_id = ANY(%(run_ids)s) AND state = 'committed' GROUP BY run_id

-- name: states_of
-- The states of some runs.
SELECT run_id, state FROM runs WHERE tenant_id = %(tenant_id)s AND run_id = ANY(%(run_ids)s)

-- name: refresh_statistics
-- Tables that have grown by half, looked at for the planner.
SELECT headwater_refresh_statistics()
