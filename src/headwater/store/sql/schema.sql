-- name: lock
-- One upgrade at a time on a database; released when the session ends.
SELECT pg_advisory_lock(hashtextextended('headwater db upgrade', 0))

-- name: server_version
-- The server's version as a number, 150004 for 15.4.
SELECT current_setting('server_version_num')::integer

-- name: history_exists
-- Whether this database was ever upgraded.
SELECT to_regclass('public.schema_migrations') IS NOT NULL

-- name: create_history
-- The list of migrations applied, with the hash of their text as it was then.
CREATE TABLE IF NOT EXISTS schema_migrations (
    name        text COLLATE "C" PRIMARY KEY,
    sha256      bytea NOT NULL CHECK (octet_length(sha256) = 32),
    applied_at  timestamptz NOT NULL DEFAULT clock_timestamp()
)

-- name: history
-- Migrations applied, in order.
SELECT name, sha256, applied_at FROM schema_migrations ORDER BY name

-- name: record
-- Note a migration as applied.
INSERT INTO schema_migrations (name, sha256) VALUES (%(name)s, %(sha256)s)

-- name: app_role
-- What a role may do that the application must not, and how many relations of this database it owns.
SELECT r.rolsuper, r.rolbypassrls, pg_has_role(r.oid, current_user, 'MEMBER'),
       (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relowner = r.oid AND n.nspname NOT LIKE 'pg\_%%')
FROM pg_roles r WHERE r.rolname = %(role)s

-- name: may_use_temporary_tables
-- Whether a role may make temporary tables here; chunks are loaded through them.
SELECT has_database_privilege(%(role)s, current_database(), 'TEMPORARY')

-- name: register_contract
-- Publish a contract's document.
INSERT INTO contract_registry (hash, name, version, body) VALUES (%(hash)s, %(name)s, %(version)s, %(body)s)

-- name: columns
-- Column names of a table; none when there is no such table.
SELECT attname FROM pg_attribute
WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped
ORDER BY attnum

-- name: add_column
-- A field that a minor version added; rows of before have none.
ALTER TABLE {table} ADD COLUMN {column}

-- name: column_type
-- Of a column that is there.
SELECT format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = to_regclass(%(table)s) AND attname = %(column)s AND NOT attisdropped

-- name: column_to_text
-- A column that a ciphertext fits in; its values as canonical texts.
ALTER TABLE {table} ALTER COLUMN {column} TYPE text COLLATE "C" USING CAST({text} AS text)

-- name: unguarded
-- What would let tenants meet: tables without forced row-level security, keys that do not begin with the tenant, views
-- and functions that read with their owner's rights, tables without a tenant that the application may write.
-- The queue's four tables are the exception, by name: they hold ids only, and a worker takes the jobs of all tenants.
WITH house AS (
    SELECT c.oid, c.relname, c.relkind, c.relrowsecurity AND c.relforcerowsecurity AS guarded, c.reloptions, t.attnum
    FROM pg_class c LEFT JOIN pg_attribute t ON t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped
    WHERE c.relnamespace IN ('public'::regnamespace, to_regnamespace('headwater_queue'))
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      AND (c.relnamespace = 'public'::regnamespace OR c.relname NOT IN (
          'procrastinate_jobs', 'procrastinate_workers', 'procrastinate_events', 'procrastinate_periodic_defers'))
)
SELECT relname, 'row-level security is not forced' FROM house
WHERE relkind IN ('r', 'p') AND attnum IS NOT NULL AND NOT guarded
UNION ALL
SELECT relname, 'its policies are not exactly the one of tenants' FROM house h
WHERE relkind IN ('r', 'p') AND attnum IS NOT NULL AND (
    SELECT count(*) <> 1 OR NOT coalesce(bool_and(
        p.polcmd = '*' AND p.polroles = '{0}'
        AND pg_get_expr(p.polqual, p.polrelid) LIKE '(tenant_id = ( SELECT %%current_setting(''headwater.tenant''%%'
        AND pg_get_expr(p.polqual, p.polrelid) NOT LIKE '%% OR %%'
        AND (p.polwithcheck IS NULL
             OR pg_get_expr(p.polwithcheck, p.polrelid) = pg_get_expr(p.polqual, p.polrelid))), false)
    FROM pg_policy p WHERE p.polrelid = h.oid AND p.polpermissive)  -- others only narrow what this one lets through
UNION ALL
SELECT relname, format('index %%s is unique and does not begin with tenant_id', i.indexrelid::regclass)
FROM house JOIN pg_index i ON i.indrelid = house.oid
WHERE attnum IS NOT NULL AND i.indisunique AND i.indkey[0] <> attnum
UNION ALL
SELECT relname, format('foreign key %%s does not begin with tenant_id', k.conname)
FROM house JOIN pg_constraint k ON k.conrelid = house.oid
WHERE k.contype = 'f' AND k.conkey[1] IS DISTINCT FROM attnum
UNION ALL
SELECT relname, 'the view reads with the rights of its owner' FROM house
WHERE relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY(reloptions), false)
UNION ALL
SELECT relname, 'a materialized view has no row-level security' FROM house WHERE relkind = 'm'
UNION ALL
SELECT relname, 'it has no tenant, and the application may write it' FROM house
WHERE relkind IN ('r', 'p', 'f') AND attnum IS NULL
  AND has_table_privilege(%(role)s, oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
UNION ALL
SELECT p.proname, 'the function runs with the rights of its owner'
FROM pg_proc p
WHERE p.pronamespace IN ('public'::regnamespace, to_regnamespace('headwater_queue')) AND p.prosecdef
  -- Takes nothing, tells nothing: has tables looked at for the planner, which only their owner may.
  AND p.oid <> 'public.headwater_refresh_statistics()'::regprocedure
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1, 2
