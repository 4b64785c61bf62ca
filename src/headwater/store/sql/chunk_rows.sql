-- name: of_chunks
-- Rows that chunks wrote, as they stand or stood, in the order of the chunks asked for.
SELECT {columns} FROM {table} WHERE tenant_id = %(tenant_id)s AND chunk_id = ANY(%(chunks)s)
UNION ALL
SELECT {columns} FROM {history} WHERE tenant_id = %(tenant_id)s AND chunk_id = ANY(%(chunks)s)
ORDER BY chunk_id, record_no

-- name: in_quarantine
-- By which of these raw hashes a source has records in quarantine, and by which of these ids rows of it are known there.
SELECT raw_hash FROM quarantine
WHERE tenant_id = %(tenant_id)s AND source_id = %(source_id)s AND raw_hash = ANY(%(hashes)s)
UNION
SELECT uuid_send(quarantine_id) FROM quarantine
WHERE tenant_id = %(tenant_id)s AND source_id = %(source_id)s AND quarantine_id = ANY(%(ids)s)

-- name: repaired
-- Records of a resubmitted chunk that were taken, by their number in the file.
SELECT record_no FROM quarantine_repairs
WHERE tenant_id = %(tenant_id)s AND chunk_id = %(chunk_id)s ORDER BY record_no
