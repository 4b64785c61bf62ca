-- name: roles
-- Roles that exist on the server.
SELECT rolname FROM pg_roles

-- name: create_owner
-- The role that owns the schema and upgrades it.
CREATE ROLE headwater_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS

-- name: create_app
-- The role that works: it owns nothing, and row-level security binds it.
CREATE ROLE headwater_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS

-- name: databases
-- Databases that exist on the server.
SELECT datname FROM pg_database

-- name: create_database
-- Headwater's database; text sorts by code point, the same on every machine.
CREATE DATABASE headwater OWNER headwater_owner

-- name: data_directory
-- Which cluster answers.
SELECT current_setting('data_directory')
