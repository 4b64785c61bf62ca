-- Who does a write that was sent with an Idempotency-Key holds it by a session, which may be lost while they go on. What they
-- write then is told apart from what whoever has taken it over writes: only the latest attempt may.

ALTER TABLE api_requests ADD COLUMN attempt uuid;  -- none of a request that an earlier version has begun
