-- name: rows_of
-- Rows with a value that the subject's key opens, as they stand or stood.
SELECT t.chunk_id, t.record_no FROM {table} t WHERE t.tenant_id = %(tenant_id)s AND ({theirs})

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

-- name: files
-- The files that chunks were read from, and the extracts of sources.
SELECT DISTINCT encode(b.sha256, 'hex'), b.name
FROM chunks c JOIN runs r ON r.tenant_id = c.tenant_id AND r.run_id = c.run_id
JOIN blobs b ON b.tenant_id = c.tenant_id AND b.sha256 IN (coalesce(c.extract_sha256, r.blob_sha256),
                                                          coalesce(c.extract_sha256, r.text_sha256))
WHERE c.tenant_id = %(tenant_id)s AND c.chunk_id = ANY(%(chunks)s) AND b.state = 'held'
ORDER BY 2, 1
