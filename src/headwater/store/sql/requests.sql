-- name: forget_old
-- Answers are kept for so long.
DELETE FROM api_requests
WHERE tenant_id = %(tenant_id)s AND created_at < clock_timestamp() - %(age)s

-- name: find
-- What was answered to a request that named this key.
SELECT {columns} FROM api_requests
WHERE tenant_id = %(tenant_id)s AND actor = %(actor)s AND idempotency_key = %(key)s

-- name: begin
-- Note a request before it is done.
INSERT INTO api_requests (tenant_id, actor, idempotency_key, request_hash)
VALUES (%(tenant_id)s, %(actor)s, %(key)s, %(request_hash)s)
ON CONFLICT (tenant_id, actor, idempotency_key) DO NOTHING

-- name: end
-- Note what was answered.
UPDATE api_requests SET status = %(status)s, headers = %(headers)s, body = %(body)s
WHERE tenant_id = %(tenant_id)s AND actor = %(actor)s AND idempotency_key = %(key)s

-- name: drop
-- Forget a request that came to nothing, so that it may be sent again; not one that wrote something all the same.
DELETE FROM api_requests
WHERE tenant_id = %(tenant_id)s AND actor = %(actor)s AND idempotency_key = %(key)s AND wrote IS NULL
