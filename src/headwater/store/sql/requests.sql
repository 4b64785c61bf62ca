-- name: forget_old
-- Answers are kept for so long.
DELETE FROM api_requests
WHERE tenant_id = %(tenant_id)s AND created_at < clock_timestamp() - %(age)s

-- name: forget_answers
-- What was asked and answered is not kept any more, but of the request that asks for this.
UPDATE api_requests SET request_hash = %(forgotten)s, headers = NULL, body = NULL
WHERE tenant_id = %(tenant_id)s AND (actor, idempotency_key) IS DISTINCT FROM (%(actor)s::text, %(key)s::text)

-- name: find
-- What was answered to a request that named this key.
SELECT {columns} FROM api_requests
WHERE tenant_id = %(tenant_id)s AND actor = %(actor)s AND idempotency_key = %(key)s

-- name: begin
-- Note a request before it is done.
INSERT INTO api_requests (tenant_id, actor, idempotency_key, request_hash, attempt)
VALUES (%(tenant_id)s, %(actor)s, %(key)s, %(request_hash)s, %(attempt)s)
ON CONFLICT (tenant_id, actor, idempotency_key) DO NOTHING

-- name: take_over
-- Whoever did the same before writes nothing more from now on: they are gone, or have lost their hold on it. Not of one that has
-- written something, unless that is an import that is gone on with.
UPDATE api_requests SET attempt = %(attempt)s
WHERE tenant_id = %(tenant_id)s AND actor = %(actor)s AND idempotency_key = %(key)s AND status IS NULL
  AND request_hash IN (%(request_hash)s, %(forgotten)s)
  AND (wrote IS NULL OR (%(goes_on)s AND wrote LIKE 'import/%%'))

-- name: end
-- Note what was answered; of a request that was forgotten meanwhile no more than that.
UPDATE api_requests SET status = %(status)s,
    request_hash = CASE
        WHEN request_hash = %(forgotten)s THEN request_hash ELSE coalesce(%(request_hash)s::bytea, request_hash) END,
    headers = CASE WHEN request_hash <> %(forgotten)s THEN %(headers)s::jsonb END,
    body = CASE WHEN request_hash <> %(forgotten)s THEN %(body)s::bytea END
WHERE tenant_id = %(tenant_id)s AND actor = %(actor)s AND idempotency_key = %(key)s AND attempt = %(attempt)s

-- name: drop
-- Forget a request that came to nothing, so that it may be sent again; not one that wrote something all the same.
DELETE FROM api_requests
WHERE tenant_id = %(tenant_id)s AND actor = %(actor)s AND idempotency_key = %(key)s AND wrote IS NULL
  AND attempt = %(attempt)s
