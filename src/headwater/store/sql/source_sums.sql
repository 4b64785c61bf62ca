-- name: of_source
-- Count and sums of the rows that stand and came with any run of a source.
SELECT count(*){sums} FROM {table} t
WHERE t.tenant_id = %(tenant_id)s
  AND t.chunk_id IN (SELECT c.chunk_id FROM chunks c JOIN runs r ON r.tenant_id = c.tenant_id AND r.run_id = c.run_id
                     WHERE r.tenant_id = %(tenant_id)s AND r.source_id = %(source_id)s)
