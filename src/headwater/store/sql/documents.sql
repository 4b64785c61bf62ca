-- name: put
-- Keep a document; the same text is kept once.
INSERT INTO documents (tenant_id, hash, kind, name, version, body)
VALUES (%(tenant_id)s, %(hash)s, %(kind)s, %(name)s, %(version)s, %(body)s) ON CONFLICT DO NOTHING

-- name: get
-- A document by the hash of its text.
SELECT {columns} FROM documents WHERE tenant_id = %(tenant_id)s AND hash = %(hash)s

-- name: named
-- The hash of a document by kind, name and version; the oldest where a version was written twice.
SELECT hash FROM documents
WHERE tenant_id = %(tenant_id)s AND kind = %(kind)s AND name = %(name)s AND version = %(version)s
ORDER BY created_at, hash LIMIT 1

-- name: all
-- Every document of the tenant, for verification.
SELECT {columns} FROM documents WHERE tenant_id = %(tenant_id)s ORDER BY kind, name, version, hash

-- name: contract
-- A contract as published with this installation, by hash.
SELECT {columns} FROM contract_registry WHERE hash = %(hash)s

-- name: all_contracts
-- The same for verification, whatever somebody may have written into a version.
SELECT {columns} FROM contract_registry ORDER BY name, version

-- name: contracts
-- Every contract published with this installation.
SELECT {columns} FROM contract_registry ORDER BY name, string_to_array(version, '.')::integer[]
