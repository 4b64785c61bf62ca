-- name: count_attempt
-- Count one attempt to sign in with an address, before anything is compared; none is counted, and no row comes, while it is
-- locked. From the fifth on each locks the address for twice as long as the one before; after a day it begins anew.
INSERT INTO sign_in_failures AS f (tenant_id, email_index, failures, last_at)
VALUES (%(tenant_id)s, %(email_index)s, 1, clock_timestamp())
ON CONFLICT (tenant_id, email_index) DO UPDATE
SET failures = CASE WHEN f.last_at < clock_timestamp() - interval '1 day' THEN 1 ELSE f.failures + 1 END,
    last_at = clock_timestamp(),
    locked_until = CASE
        WHEN f.last_at < clock_timestamp() - interval '1 day' OR f.failures + 1 < %(free)s THEN NULL
        ELSE clock_timestamp() + make_interval(
            secs => least(%(first_seconds)s * 2 ^ least(f.failures + 1 - %(free)s, 20), %(longest_seconds)s)) END
WHERE f.locked_until IS NULL OR f.locked_until <= clock_timestamp()
RETURNING failures

-- name: locked_for
-- For how many seconds more an address is locked.
SELECT extract(epoch FROM locked_until - clock_timestamp())::double precision
FROM sign_in_failures WHERE tenant_id = %(tenant_id)s AND email_index = %(email_index)s AND locked_until IS NOT NULL

-- name: forget_failures
-- Whoever signs in begins anew; what is older than a day counts for nobody.
DELETE FROM sign_in_failures
WHERE tenant_id = %(tenant_id)s AND (email_index = %(email_index)s OR last_at < clock_timestamp() - interval '1 day')

-- name: password
-- The password of somebody who may sign in.
SELECT w.hash FROM passwords w JOIN people p USING (tenant_id, person_id)
WHERE w.tenant_id = %(tenant_id)s AND w.person_id = %(person_id)s AND p.state = 'active'

-- name: lock_person
-- Nobody changes their state or password until this transaction ends.
SELECT p.state, w.hash FROM people p LEFT JOIN passwords w USING (tenant_id, person_id)
WHERE p.tenant_id = %(tenant_id)s AND p.person_id = %(person_id)s FOR UPDATE OF p

-- name: put_password
-- A password in place of the one there was.
INSERT INTO passwords AS w (tenant_id, person_id, hash) VALUES (%(tenant_id)s, %(person_id)s, %(hash)s)
ON CONFLICT (tenant_id, person_id) DO UPDATE SET hash = EXCLUDED.hash, changed_at = clock_timestamp()

-- name: rehash
-- The same password, hashed anew, unless it was changed meanwhile.
UPDATE passwords SET hash = %(hash)s
WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s AND hash = %(hash_before)s

-- name: end_links
-- No link of this purpose that was given to a person before works any more; of all purposes, where none is said.
UPDATE one_time_links SET used_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s AND used_at IS NULL
  AND (%(purpose)s::text IS NULL OR purpose = %(purpose)s)

-- name: add_link
-- A link that works once.
INSERT INTO one_time_links (tenant_id, link_id, person_id, purpose, secret_hash, expires_at)
VALUES (%(tenant_id)s, %(link_id)s, %(person_id)s, %(purpose)s, %(secret_hash)s,
        clock_timestamp() + make_interval(mins => %(minutes)s))
RETURNING expires_at

-- name: linked_lately
-- Whether a person was given a link of this purpose within so many seconds.
SELECT 1 FROM one_time_links
WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s AND purpose = %(purpose)s
  AND created_at > clock_timestamp() - make_interval(secs => %(seconds)s) LIMIT 1

-- name: link
-- A link, locked: of two who use it at once the other waits, and finds it used.
SELECT l.person_id, l.purpose, l.secret_hash, l.expires_at,
       l.used_at IS NULL AND l.expires_at > clock_timestamp() AND p.state IN ('invited', 'active')
           AND (l.purpose = 'invitation') = (p.state = 'invited') AS holds
FROM one_time_links l JOIN people p USING (tenant_id, person_id)
WHERE l.tenant_id = %(tenant_id)s AND l.link_id = %(link_id)s FOR UPDATE OF l

-- name: add_session
-- A session of somebody who has just shown who they are.
INSERT INTO sessions (tenant_id, session_id, person_id, secret_hash, method, address, agent, expires_at)
VALUES (%(tenant_id)s, %(session_id)s, %(person_id)s, %(secret_hash)s, %(method)s, %(address)s, %(agent)s,
        clock_timestamp() + make_interval(hours => %(hours)s))
RETURNING expires_at

-- name: session
-- A session, whether it still holds, and whether it was not seen for a while.
SELECT s.person_id, s.secret_hash, s.seen_at < clock_timestamp() - interval '1 minute' AS is_stale,
       s.ended_at IS NULL AND s.expires_at > clock_timestamp() AND p.state = 'active'
           AND s.seen_at > clock_timestamp() - make_interval(mins => %(idle_minutes)s) AS holds
FROM sessions s JOIN people p USING (tenant_id, person_id)
WHERE s.tenant_id = %(tenant_id)s AND s.session_id = %(session_id)s

-- name: see_session
-- Note that it is used, once a minute; whoever is second does not wait.
UPDATE sessions SET seen_at = clock_timestamp() WHERE tenant_id = %(tenant_id)s AND session_id = (
    SELECT session_id FROM sessions WHERE tenant_id = %(tenant_id)s AND session_id = %(session_id)s
      AND seen_at < clock_timestamp() - interval '1 minute' FOR UPDATE SKIP LOCKED)

-- name: sessions
-- The sessions of a person that hold, the one used last first.
SELECT {columns} FROM sessions
WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s AND ended_at IS NULL AND expires_at > clock_timestamp()
  AND seen_at > clock_timestamp() - make_interval(mins => %(idle_minutes)s)
ORDER BY seen_at DESC, session_id

-- name: end_session
-- It holds no more.
UPDATE sessions SET ended_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND session_id = %(session_id)s AND person_id = %(person_id)s AND ended_at IS NULL

-- name: end_sessions
-- None of a person's holds any more, but for one where it is said.
UPDATE sessions SET ended_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s AND ended_at IS NULL
  AND session_id IS DISTINCT FROM %(but)s::uuid

-- name: identity
-- Whom the provider calls by this subject.
SELECT person_id FROM sign_in_identities
WHERE tenant_id = %(tenant_id)s AND issuer = %(issuer)s AND subject_index = %(subject_index)s

-- name: add_identity
-- The provider's subject is this person; one that is known already stays as it is.
INSERT INTO sign_in_identities (tenant_id, issuer, subject_index, person_id)
VALUES (%(tenant_id)s, %(issuer)s, %(subject_index)s, %(person_id)s) ON CONFLICT DO NOTHING

-- name: activate
-- Whoever was invited is there now.
UPDATE people SET state = 'active', version = version + 1, updated_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s AND state = 'invited'
