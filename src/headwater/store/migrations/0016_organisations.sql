-- Names of organisations, for the owner of the tables only: the application sees its own row of tenants, and no table in
-- which it could count the others.
CREATE TABLE organisation_names (
    name        text PRIMARY KEY,
    added_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Those there are already; row-level security, which binds the owner too, is back before anybody else can look.
ALTER TABLE tenants NO FORCE ROW LEVEL SECURITY;
INSERT INTO organisation_names (name) SELECT name FROM tenants;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
