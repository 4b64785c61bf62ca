-- name: by_index
-- Keys of those of whom a keyed hash is known.
SELECT {columns} FROM subject_keys WHERE tenant_id = %(tenant_id)s AND subject_index = ANY(%(indexes)s)

-- name: by_index_held
-- The same for who seals by them: whoever would delete one waits until the transaction ends.
SELECT {columns} FROM subject_keys WHERE tenant_id = %(tenant_id)s AND subject_index = ANY(%(indexes)s)
ORDER BY subject_index FOR KEY SHARE

-- name: by_id
-- Keys that ciphertexts name.
SELECT {columns} FROM subject_keys WHERE tenant_id = %(tenant_id)s AND subject_id = ANY(%(ids)s)

-- name: add
-- Keys of those who have none, in the order of their hashes, so that two loads cannot wait for each other. Where somebody
-- was quicker, theirs stands.
INSERT INTO subject_keys (tenant_id, subject_id, subject_index, wrapped_by, nonce, wrapped)
SELECT %(tenant_id)s, * FROM unnest(%(subject_id)s::uuid[], %(subject_index)s::bytea[], %(wrapped_by)s::integer[],
                                    %(nonce)s::bytea[], %(wrapped)s::bytea[]) AS k (id, index, by, nonce, wrapped)
ORDER BY index
ON CONFLICT (tenant_id, subject_index) DO NOTHING

-- name: wrapped_by_older
-- Some keys that another key of the organisation encrypts than this one.
SELECT {columns} FROM subject_keys WHERE tenant_id = %(tenant_id)s AND wrapped_by <> %(newest)s LIMIT %(limit)s

-- name: wrap_again
-- The same keys, encrypted by another key of the organisation.
UPDATE subject_keys s SET wrapped_by = k.by, nonce = k.nonce, wrapped = k.wrapped
FROM unnest(%(subject_id)s::uuid[], %(wrapped_by)s::integer[], %(nonce)s::bytea[], %(wrapped)s::bytea[])
     AS k (id, by, nonce, wrapped)
WHERE s.tenant_id = %(tenant_id)s AND s.subject_id = k.id

-- name: remove
-- What was encrypted by them is lost with them.
DELETE FROM subject_keys WHERE tenant_id = %(tenant_id)s AND subject_id = ANY(%(ids)s)
