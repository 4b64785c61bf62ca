-- name: add
-- A unit, below another or directly in the organisation.
INSERT INTO units (tenant_id, unit_id, parent_id, kind, name)
VALUES (%(tenant_id)s, %(unit_id)s, %(parent_id)s, %(kind)s, %(name)s)

-- name: unit
-- One unit, archived or not.
SELECT {columns} FROM units WHERE tenant_id = %(tenant_id)s AND unit_id = %(unit_id)s

-- name: units
-- All of them, archived ones where they are asked for.
SELECT {columns} FROM units WHERE tenant_id = %(tenant_id)s AND (archived_at IS NULL OR %(archived)s) ORDER BY name, unit_id

-- name: below
-- A unit and all below it.
WITH RECURSIVE below (unit_id) AS (
    SELECT unit_id FROM units WHERE tenant_id = %(tenant_id)s AND unit_id = %(unit_id)s
    UNION
    SELECT u.unit_id FROM below b JOIN units u ON u.tenant_id = %(tenant_id)s AND u.parent_id = b.unit_id
)
SELECT unit_id FROM below

-- name: change
-- Another name, kind or place.
UPDATE units SET name = %(name)s, kind = %(kind)s, parent_id = %(parent_id)s, version = version + 1
WHERE tenant_id = %(tenant_id)s AND unit_id = %(unit_id)s

-- name: archive
-- Units that are no longer used; those archived before keep their time.
UPDATE units SET archived_at = %(at)s, version = version + 1
WHERE tenant_id = %(tenant_id)s AND unit_id = ANY(%(units)s) AND archived_at IS NULL

-- name: restore
-- Units that were archived together.
UPDATE units SET archived_at = NULL, version = version + 1
WHERE tenant_id = %(tenant_id)s AND unit_id = ANY(%(units)s) AND archived_at = %(at)s

-- name: hanging_on
-- How many roles, grants and tokens of services stand in some units.
SELECT (SELECT count(*) FROM memberships WHERE tenant_id = %(tenant_id)s AND unit_id = ANY(%(units)s)),
       (SELECT count(*) FROM grants WHERE tenant_id = %(tenant_id)s AND unit_id = ANY(%(units)s)),
       (SELECT count(*) FROM api_tokens
        WHERE tenant_id = %(tenant_id)s AND unit_id = ANY(%(units)s) AND revoked_at IS NULL)
