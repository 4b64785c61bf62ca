-- name: bind_tenant
-- Bind the session to one tenant; true when its role could see past row-level security all the same.
SELECT rolsuper OR rolbypassrls,
       set_config('headwater.tenant', %(tenant)s, false),
       set_config('jit', 'off', false),
       set_config('TimeZone', 'UTC', false)
FROM pg_roles WHERE rolname = current_user
