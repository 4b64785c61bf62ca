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

-- name: registered
-- Contracts of this database with the hash of their document.
SELECT name, version, hash FROM contract_registry ORDER BY name, version

-- name: register_contract
-- Publish a contract's document; one published already stays as it is.
INSERT INTO contract_registry (hash, name, version, body) VALUES (%(hash)s, %(name)s, %(version)s, %(body)s)
ON CONFLICT (name, version) DO NOTHING

-- name: columns
-- Column names of a table; none when there is no such table.
SELECT attname FROM pg_attribute
WHERE attrelid = to_regclass(%(table)s) AND attnum > 0 AND NOT attisdropped
ORDER BY attnum

-- name: add_column
-- A field that a minor version added; rows of before have none.
ALTER TABLE {table} ADD COLUMN {column}
