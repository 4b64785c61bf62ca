-- name: next_turn
-- The next request's number. Its row is locked until the transaction ends, so that turns are given one after another.
INSERT INTO source_turns AS t (tenant_id, origin, requests_a_minute, turns)
VALUES (%(tenant_id)s, %(origin)s, %(requests_a_minute)s, 1)
ON CONFLICT (tenant_id, origin, requests_a_minute) DO UPDATE SET turns = t.turns + 1
RETURNING turns

-- name: take_place
-- When the request may be sent: a minute after the one that stood in its place, as seconds from now. What lies further ahead
-- than any queue can be was written by a clock that was wrong.
INSERT INTO source_requests AS r (tenant_id, origin, requests_a_minute, place, sent_at)
VALUES (%(tenant_id)s, %(origin)s, %(requests_a_minute)s, %(place)s, clock_timestamp())
ON CONFLICT (tenant_id, origin, requests_a_minute, place) DO UPDATE
SET sent_at = CASE WHEN r.sent_at > clock_timestamp() + interval '1 hour' THEN clock_timestamp()
                   ELSE greatest(clock_timestamp(), r.sent_at + make_interval(secs => %(seconds)s)) END
RETURNING greatest(0, extract(epoch FROM sent_at - clock_timestamp()))::double precision
