-- name: keys
-- Every key the organisation has had; the newest encrypts.
SELECT {columns} FROM organisation_keys WHERE tenant_id = %(tenant_id)s ORDER BY key_no

-- name: has_written
-- Whether this transaction has written anything yet.
SELECT pg_current_xact_id_if_assigned() IS NOT NULL

-- name: add
-- A key under a number that none has; nothing where somebody was quicker.
INSERT INTO organisation_keys (tenant_id, key_no, wrapped_by, nonce, wrapped)
VALUES (%(tenant_id)s, %(key_no)s, %(wrapped_by)s, %(nonce)s, %(wrapped)s) ON CONFLICT DO NOTHING

-- name: lock
-- The first key's row: who holds it changes people, units and roles of this organisation, one after another.
SELECT 1 FROM organisation_keys WHERE tenant_id = %(tenant_id)s AND key_no = 1 FOR NO KEY UPDATE

-- name: wrap_again
-- The same key, encrypted by another key of the installation.
UPDATE organisation_keys SET wrapped_by = %(wrapped_by)s, nonce = %(nonce)s, wrapped = %(wrapped)s
WHERE tenant_id = %(tenant_id)s AND key_no = %(key_no)s

-- name: person_keys
-- Of everybody, or of some people.
SELECT {columns} FROM person_keys
WHERE tenant_id = %(tenant_id)s AND (%(people)s::uuid[] IS NULL OR person_id = ANY(%(people)s)) ORDER BY person_id

-- name: add_person_key
-- The key of somebody who has none.
INSERT INTO person_keys (tenant_id, person_id, wrapped_by, nonce, wrapped)
VALUES (%(tenant_id)s, %(person_id)s, %(wrapped_by)s, %(nonce)s, %(wrapped)s)

-- name: wrap_person_key_again
-- The same key, encrypted by another key of the organisation.
UPDATE person_keys SET wrapped_by = %(wrapped_by)s, nonce = %(nonce)s, wrapped = %(wrapped)s
WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s

-- name: remove_person_key
-- What was encrypted by it is lost with it.
DELETE FROM person_keys WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s
