-- name: cite
-- Note that a blob is held; one noted already stays as it is.
INSERT INTO blobs (tenant_id, sha256, kind, size, name)
VALUES (%(tenant_id)s, %(sha256)s, %(kind)s, %(size)s, %(name)s) ON CONFLICT DO NOTHING

-- name: get
-- What is known of a blob.
SELECT {columns} FROM blobs WHERE tenant_id = %(tenant_id)s AND sha256 = %(sha256)s

-- name: all
-- Every blob of the tenant.
SELECT {columns} FROM blobs WHERE tenant_id = %(tenant_id)s ORDER BY created_at, sha256

-- name: size_is_known
-- Whether a blob of this size is held, so that a file may well be one that was read before.
SELECT EXISTS (SELECT FROM blobs WHERE tenant_id = %(tenant_id)s AND size = %(size)s AND state = 'held'
               AND copy_sha256 IS NULL)

-- name: redacted
-- Another content stands for a blob, or none.
UPDATE blobs SET copy_sha256 = %(copy)s, state = CASE WHEN %(copy)s::bytea IS NULL THEN 'erased' ELSE 'held' END
WHERE tenant_id = %(tenant_id)s AND sha256 = %(sha256)s
