-- name: add
-- Make an organisation known; the owner does this, the application only reads.
INSERT INTO tenants (tenant_id, name) VALUES (%(tenant_id)s, %(name)s) ON CONFLICT DO NOTHING

-- name: add_name
-- The same for the list that only the owner reads.
INSERT INTO organisation_names (name) VALUES (%(name)s) ON CONFLICT DO NOTHING

-- name: names
-- All organisations, for the owner.
SELECT {columns} FROM organisation_names ORDER BY name

-- name: sizes
-- How many people who may sign in, units in use and keys the organisation has.
SELECT (SELECT count(*) FROM people WHERE tenant_id = %(tenant_id)s AND state = 'active'),
       (SELECT count(*) FROM units WHERE tenant_id = %(tenant_id)s AND archived_at IS NULL),
       (SELECT count(*) FROM organisation_keys WHERE tenant_id = %(tenant_id)s)

-- name: bind
-- Bind the owner's session to a tenant until the transaction ends; forced row-level security holds for it too.
SELECT set_config('headwater.tenant', %(tenant_id)s, true)

-- name: known
-- The organisation, where it was made known.
SELECT tenant_id FROM tenants WHERE tenant_id = %(tenant_id)s

-- name: name
-- What the organisation is called.
SELECT name FROM tenants WHERE tenant_id = %(tenant_id)s
