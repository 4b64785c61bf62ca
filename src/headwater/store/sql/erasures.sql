-- name: hold
-- One erasure at a time: each makes its copies of files from those that the one before has left.
SELECT pg_advisory_xact_lock(hashtextextended('erasures/' || %(tenant_id)s::text, 0))

-- name: rows_of
-- Rows with a value that the subject's key opens, as they stand or stood.
SELECT t.chunk_id, t.record_no, encode(t.row_hash, 'hex') FROM {table} t WHERE t.tenant_id = %(tenant_id)s AND ({theirs})

-- name: strip
-- Their values without the hashes by which they could be tested.
UPDATE {table} t SET {stripped} WHERE t.tenant_id = %(tenant_id)s AND ({theirs})

-- name: strip_marks
-- The same of keys that were deleted by hand.
UPDATE deleted_records t SET record_key = {stripped} WHERE t.tenant_id = %(tenant_id)s AND ({theirs})

-- name: first_records
-- The number in its file of the first record of each of these chunks.
SELECT chunk_id, first_record FROM chunks WHERE tenant_id = %(tenant_id)s AND chunk_id = ANY(%(chunks)s)

-- name: refused
-- Records in quarantine of a contract, whatever became of them, by the run that refused them last.
SELECT c.run_id, q.quarantine_id, q.raw, q.last_chunk_id
FROM quarantine q JOIN chunks c ON c.tenant_id = q.tenant_id AND c.chunk_id = q.last_chunk_id
WHERE q.tenant_id = %(tenant_id)s AND q.contract ^@ %(contract)s
ORDER BY c.run_id, q.quarantine_id
