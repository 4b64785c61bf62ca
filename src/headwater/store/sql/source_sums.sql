-- name: of_source
-- Count and sums of the rows that stand and came with any run of a source.
SELECT count(*){sums} FROM {table} t
WHERE t.tenant_id = %(tenant_id)s
  AND t.chunk_id IN (SELECT c.chunk_id FROM chunks c JOIN runs r ON r.tenant_id = c.tenant_id AND r.run_id = c.run_id
                     WHERE r.tenant_id = %(tenant_id)s AND r.source_id = %(source_id)s)

-- name: met_elsewhere
-- Chunks of other sources in which a run has found rows of its own equal.
SELECT DISTINCT c.chunk_id
FROM chunks own
CROSS JOIN LATERAL jsonb_array_elements(own.relies_on) AS met
JOIN chunks c ON c.tenant_id = own.tenant_id AND c.chunk_id = (met ->> 0)::uuid
JOIN runs r ON r.tenant_id = c.tenant_id AND r.run_id = c.run_id
WHERE own.tenant_id = %(tenant_id)s AND own.run_id = %(run_id)s AND own.state = 'committed'
  AND r.source_id <> %(source_id)s

-- name: rows_in_chunks
-- Rows that stand and that these chunks brought.
(SELECT t.* FROM {table} t WHERE t.tenant_id = {tenant_id} AND t.chunk_id = ANY({chunks})) AS met

-- name: of_brought
-- Count and sums of the rows that stand under these keys, each once.
SELECT count(*){sums} FROM {table} t JOIN (SELECT DISTINCT {keys} FROM {stage}) s ON {same_key}
WHERE t.tenant_id = %(tenant_id)s

-- name: chunks_of_other_mappings
-- Chunks of a run's source that another mapping made rows of, by its version; none of those that a run by this one, which
-- read all of the source to its end, came after.
WITH this AS (SELECT * FROM runs WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s),
whole AS (
    SELECT max(r.started_at) AS started_at FROM runs r JOIN this USING (tenant_id, source_id, mapping_hash)
    WHERE r.kind = 'sync' AND r.layout -> 'selection' ->> 'since' IS NULL
      AND r.state IN ('succeeded', 'succeeded_with_quarantine'))
SELECT d.version, array_agg(c.chunk_id ORDER BY c.chunk_id)
FROM this
JOIN runs r ON r.tenant_id = this.tenant_id AND r.source_id = this.source_id AND r.mapping_hash <> this.mapping_hash
           AND r.started_at >= coalesce((SELECT started_at FROM whole), '-infinity')
JOIN documents d ON d.tenant_id = r.tenant_id AND d.hash = r.mapping_hash
JOIN chunks c ON c.tenant_id = r.tenant_id AND c.run_id = r.run_id AND c.inserted + c.updated > 0
GROUP BY d.version ORDER BY d.version

-- name: rows_of_chunks
-- How many rows stand that these chunks brought.
SELECT count(*) FROM {table} t WHERE t.tenant_id = %(tenant_id)s AND t.chunk_id = ANY(%(chunks)s)
