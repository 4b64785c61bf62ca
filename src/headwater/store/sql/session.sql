-- name: bind_tenant
-- Bind the session to one tenant, and to units of it where some are named, and to nothing that was before, locks
-- included; true when its role could see past row-level security all the same.
SELECT rolsuper OR rolbypassrls,
       pg_advisory_unlock_all(),
       set_config('headwater.tenant', %(tenant)s, false),
       set_config('headwater.units', %(units)s, false),
       set_config('jit', 'off', false),
       set_config('TimeZone', 'UTC', false)
FROM pg_roles WHERE rolname = current_user

-- name: hold
-- Whether nobody else holds what is called so; held until the session ends.
SELECT pg_try_advisory_lock(hashtextextended(%(name)s, 0))

-- name: let_go
-- Whatever this session holds is others'.
SELECT pg_advisory_unlock_all()

-- name: limit_time
-- How long a statement may take, and a transaction wait for its client.
SELECT set_config('statement_timeout', %(seconds)s, false),
       set_config('idle_in_transaction_session_timeout', %(seconds)s, false)

-- name: end_sessions
-- End sessions of our own role, whatever they are at.
SELECT pg_terminate_backend(pid) FROM unnest(%(pids)s::integer[]) AS pid
