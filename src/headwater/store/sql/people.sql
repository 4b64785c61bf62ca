-- name: add
-- Somebody who is invited.
INSERT INTO people (tenant_id, person_id, state, email_index)
VALUES (%(tenant_id)s, %(person_id)s, 'invited', %(email_index)s)

-- name: person
-- One person.
SELECT {columns} FROM people WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s

-- name: people
-- In the order they came, those after somebody; of one state, where it is said; the erased only where they are asked for.
SELECT {columns} FROM people
WHERE tenant_id = %(tenant_id)s AND (state = %(state)s OR (%(state)s::text IS NULL AND state <> 'erased'))
  AND (%(units)s::uuid[] IS NULL OR EXISTS (
      SELECT FROM memberships m
      WHERE m.tenant_id = %(tenant_id)s AND m.person_id = people.person_id AND m.unit_id = ANY(%(units)s)))
  AND (%(after)s::uuid IS NULL OR (created_at, person_id) > (
      SELECT created_at, person_id FROM people WHERE tenant_id = %(tenant_id)s AND person_id = %(after)s))
ORDER BY created_at, person_id LIMIT %(limit)s

-- name: by_email
-- Whom a keyed hash of an address stands for.
SELECT person_id FROM people WHERE tenant_id = %(tenant_id)s AND email_index = %(email_index)s

-- name: lock
-- Nobody else changes somebody, or lets them sign in, until this transaction ends.
SELECT FROM people WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s FOR UPDATE

-- name: change
-- What is not said stays.
UPDATE people
SET email_index = coalesce(%(email_index)s, email_index), email = coalesce(%(email)s, email),
    name = coalesce(%(name)s, name), version = version + 1, updated_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s

-- name: set_state
-- Whether somebody may sign in.
UPDATE people SET state = %(state)s, version = version + 1, updated_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s

-- name: touch
-- Their roles or grants changed, which are part of what is shown of them.
UPDATE people SET version = version + 1, updated_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s

-- name: forget_failures
-- Failures to sign in with their address.
DELETE FROM sign_in_failures f USING people p
WHERE f.tenant_id = %(tenant_id)s AND p.tenant_id = f.tenant_id AND p.email_index = f.email_index
  AND p.person_id = %(person_id)s

-- name: forget_password
-- How they signed in, by password.
DELETE FROM passwords WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s

-- name: forget_identities
-- How they signed in, by OpenID Connect.
DELETE FROM sign_in_identities WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s

-- name: end_links
-- No link of theirs works any more.
UPDATE one_time_links SET used_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s AND used_at IS NULL

-- name: end_sessions
-- No session of theirs goes on.
UPDATE sessions SET ended_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s AND ended_at IS NULL

-- name: empty_sessions
-- From where they signed in.
UPDATE sessions SET address = NULL, agent = NULL WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s

-- name: revoke_tokens
-- No token of theirs works any more.
UPDATE api_tokens SET revoked_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s AND revoked_at IS NULL

-- name: remove_roles
-- All roles of somebody.
DELETE FROM memberships WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s

-- name: remove_grants
-- All grants of somebody.
DELETE FROM grants WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s

-- name: erase
-- That there was somebody stays, and nothing of them.
UPDATE people
SET state = 'erased', email_index = NULL, email = NULL, name = NULL, version = version + 1, updated_at = clock_timestamp()
WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s

-- name: has_signed_in
-- Whether they have a password or have ever had a session.
SELECT EXISTS (SELECT FROM passwords WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s)
    OR EXISTS (SELECT FROM sessions WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s)

-- name: roles
-- Of some people.
SELECT {columns} FROM memberships
WHERE tenant_id = %(tenant_id)s AND person_id = ANY(%(people)s) ORDER BY created_at, membership_id

-- name: give_role
-- A role in the organisation or a unit; nothing where they have it.
INSERT INTO memberships (tenant_id, person_id, membership_id, role, unit_id, given_by)
VALUES (%(tenant_id)s, %(person_id)s, %(membership_id)s, %(role)s, %(unit_id)s, %(given_by)s) ON CONFLICT DO NOTHING

-- name: take_role
-- A role that is not theirs any more.
DELETE FROM memberships
WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s AND role = %(role)s
  AND unit_id IS NOT DISTINCT FROM %(unit_id)s::uuid

-- name: grants
-- Of some people, expired ones too.
SELECT {columns} FROM grants
WHERE tenant_id = %(tenant_id)s AND person_id = ANY(%(people)s) ORDER BY created_at, grant_id

-- name: grant
-- One grant.
SELECT {columns} FROM grants WHERE tenant_id = %(tenant_id)s AND grant_id = %(grant_id)s

-- name: give_grant
-- One right more.
INSERT INTO grants (tenant_id, grant_id, person_id, right_name, unit_id, given_by, expires_at)
VALUES (%(tenant_id)s, %(grant_id)s, %(person_id)s, %(right_name)s, %(unit_id)s, %(given_by)s, %(expires_at)s)

-- name: take_grant
-- A grant that is withdrawn.
DELETE FROM grants WHERE tenant_id = %(tenant_id)s AND grant_id = %(grant_id)s

-- name: admins
-- Who may sign in and is an administrator of the whole organisation.
SELECT DISTINCT p.person_id FROM people p JOIN memberships m USING (tenant_id, person_id)
WHERE p.tenant_id = %(tenant_id)s AND p.state = 'active' AND m.role = 'admin' AND m.unit_id IS NULL

-- name: given
-- What somebody was given that holds now, in each unit and all below it; one row without any where nothing was.
WITH RECURSIVE given (role, right_name, unit_id) AS (
    SELECT role, NULL::text, unit_id FROM memberships
    WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s
    UNION ALL
    SELECT NULL, right_name, unit_id FROM grants
    WHERE tenant_id = %(tenant_id)s AND person_id = %(person_id)s
      AND (expires_at IS NULL OR expires_at > clock_timestamp())
), spread (role, right_name, unit_id) AS (
    SELECT g.role, g.right_name, g.unit_id FROM given g
    WHERE g.unit_id IS NULL OR EXISTS (
        SELECT FROM units u WHERE u.tenant_id = %(tenant_id)s AND u.unit_id = g.unit_id AND u.archived_at IS NULL)
    UNION
    SELECT s.role, s.right_name, u.unit_id FROM spread s
    JOIN units u ON u.tenant_id = %(tenant_id)s AND u.parent_id = s.unit_id AND u.archived_at IS NULL
)
SELECT p.state, s.role, s.right_name, s.unit_id
FROM people p LEFT JOIN spread s ON true WHERE p.tenant_id = %(tenant_id)s AND p.person_id = %(person_id)s
