-- name: lock_head
-- The end of the tenant's chain, locked until the transaction ends: lock nothing after it.
SELECT seq, entry_hash FROM audit_heads WHERE tenant_id = %(tenant_id)s FOR UPDATE

-- name: begin_chain
-- The head of a chain without entries.
INSERT INTO audit_heads (tenant_id, seq, entry_hash) VALUES (%(tenant_id)s, 0, %(genesis)s) ON CONFLICT DO NOTHING

-- name: note_write
-- The write that is named so has been done, if this transaction is: whoever sends it again is not to do it again.
UPDATE api_requests SET wrote = coalesce(wrote, %(resource)s)
WHERE tenant_id = %(tenant_id)s AND actor = %(actor)s AND idempotency_key = %(key)s AND attempt = %(attempt)s

-- name: append
-- Add an entry and move the head to it.
WITH entry AS (
    INSERT INTO audit_entries (tenant_id, seq, at, actor, action, resource, result, payload, prev_hash, entry_hash)
    VALUES (%(tenant_id)s, %(seq)s, %(at)s, %(actor)s, %(action)s, %(resource)s, %(result)s, %(payload)s,
            %(prev_hash)s, %(entry_hash)s)
)
UPDATE audit_heads SET seq = %(seq)s, entry_hash = %(entry_hash)s WHERE tenant_id = %(tenant_id)s

-- name: head
-- The end of the tenant's chain as the database has it.
SELECT seq, entry_hash FROM audit_heads WHERE tenant_id = %(tenant_id)s

-- name: entries
-- The tenant's chain in order.
SELECT tenant_id, seq, at, actor, action, resource, result, payload, prev_hash, entry_hash
FROM audit_entries WHERE tenant_id = %(tenant_id)s AND seq >= %(first)s ORDER BY seq

-- name: of_resource
-- What was done to one thing, in order; a run's chunks are part of the run.
SELECT tenant_id, seq, at, actor, action, resource, result, payload, prev_hash, entry_hash
FROM audit_entries
WHERE tenant_id = %(tenant_id)s AND (resource COLLATE "C" = %(resource)s
      OR (resource COLLATE "C" > %(resource)s || '/' AND resource COLLATE "C" < %(resource)s || '0'))  -- 0 comes after /
ORDER BY seq
