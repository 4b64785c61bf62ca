-- name: add
-- Make an organisation known; the owner does this, the application only reads.
INSERT INTO tenants (tenant_id, name) VALUES (%(tenant_id)s, %(name)s) ON CONFLICT DO NOTHING

-- name: bind
-- Bind the owner's session to a tenant until the transaction ends; forced row-level security holds for it too.
SELECT set_config('headwater.tenant', %(tenant_id)s, true)

-- name: known
-- The organisation, where it was made known.
SELECT tenant_id FROM tenants WHERE tenant_id = %(tenant_id)s

-- name: name
-- What the organisation is called.
SELECT name FROM tenants WHERE tenant_id = %(tenant_id)s
