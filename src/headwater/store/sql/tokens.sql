-- name: add
-- A token; of it the database knows the hash of its secret only.
INSERT INTO api_tokens (tenant_id, token_id, name, person_id, role, unit_id, scopes, secret_hash, created_by, expires_at)
VALUES (%(tenant_id)s, %(token_id)s, %(name)s, %(person_id)s, %(role)s, %(unit_id)s, %(scopes)s, %(secret_hash)s,
        %(created_by)s, clock_timestamp() + make_interval(days => %(days)s))
RETURNING expires_at

-- name: presented
-- A token that somebody shows, whether it still holds, and whether it was not seen for a while.
SELECT t.person_id, t.role, t.unit_id, t.scopes, t.secret_hash,
       t.revoked_at IS NULL AND t.expires_at > clock_timestamp()
           AND (t.person_id IS NULL OR p.state = 'active') AS holds,
       t.seen_at IS NULL OR t.seen_at < clock_timestamp() - interval '5 minutes' AS is_stale
FROM api_tokens t LEFT JOIN people p USING (tenant_id, person_id)
WHERE t.tenant_id = %(tenant_id)s AND t.token_id = %(token_id)s

-- name: see
-- Note that it is used, once in five minutes; whoever is second does not wait.
UPDATE api_tokens SET seen_at = clock_timestamp() WHERE tenant_id = %(tenant_id)s AND token_id = (
    SELECT token_id FROM api_tokens WHERE tenant_id = %(tenant_id)s AND token_id = %(token_id)s
      AND (seen_at IS NULL OR seen_at < clock_timestamp() - interval '5 minutes') FOR UPDATE SKIP LOCKED)

-- name: list
-- All tokens, or a person's, the newest first.
SELECT token_id, name, person_id, role, unit_id, scopes, created_by, created_at, expires_at, seen_at, revoked_at,
       expires_at <= clock_timestamp() AS is_expired
FROM api_tokens WHERE tenant_id = %(tenant_id)s AND (%(person_id)s::uuid IS NULL OR person_id = %(person_id)s)
ORDER BY created_at DESC, token_id

-- name: get
-- One token.
SELECT token_id, name, person_id, role, unit_id, scopes, created_by, created_at, expires_at, seen_at, revoked_at,
       expires_at <= clock_timestamp() AS is_expired
FROM api_tokens WHERE tenant_id = %(tenant_id)s AND token_id = %(token_id)s

-- name: revoke
-- It opens nothing any more.
UPDATE api_tokens SET revoked_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND token_id = %(token_id)s AND revoked_at IS NULL
