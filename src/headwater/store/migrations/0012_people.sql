-- People of an organisation: its units, who belongs where with which role, how they sign in, and the keys that their personal
-- data is encrypted by. A person belongs to one organisation; who works for two has an account in each, and neither knows.

-- Divisions, departments, laboratories, sites, of any depth. The organisation itself is the unit that is not named.
CREATE TABLE units (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    unit_id     uuid NOT NULL,
    parent_id   uuid,
    kind        text NOT NULL CHECK (kind IN ('division', 'department', 'laboratory', 'site')),
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    version     integer NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, unit_id),
    FOREIGN KEY (tenant_id, parent_id) REFERENCES units,
    CONSTRAINT a_unit_is_not_its_own_parent CHECK (parent_id <> unit_id)
);
CREATE UNIQUE INDEX units_by_name ON units (tenant_id, parent_id, name) NULLS NOT DISTINCT WHERE archived_at IS NULL;

-- The organisation's key, encrypted by a key of the installation: the newest encrypts, all decrypt.
CREATE TABLE organisation_keys (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    key_no      integer NOT NULL CHECK (key_no >= 1),
    wrapped_by  text NOT NULL,                  -- id of the installation's key
    nonce       bytea NOT NULL CHECK (octet_length(nonce) = 12),
    wrapped     bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, key_no)
);

-- What is personal is ciphertext by the person's own key; found again by a keyed hash.
CREATE TABLE people (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    person_id   uuid NOT NULL,
    state       text NOT NULL CHECK (state IN ('invited', 'active', 'suspended', 'erased')),
    email_index bytea CHECK (octet_length(email_index) = 32),
    email       bytea,                          -- nonce and ciphertext
    name        bytea,
    version     integer NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, person_id),
    CONSTRAINT the_erased_have_nothing_left CHECK (state <> 'erased' OR num_nonnulls(email_index, email, name) = 0)
);
CREATE UNIQUE INDEX people_by_email ON people (tenant_id, email_index) WHERE email_index IS NOT NULL;

-- A person's data key, encrypted by the organisation's. To erase a person is to delete it.
CREATE TABLE person_keys (
    tenant_id   uuid NOT NULL,
    person_id   uuid NOT NULL,
    wrapped_by  integer NOT NULL,               -- key_no of the organisation's key
    nonce       bytea NOT NULL CHECK (octet_length(nonce) = 12),
    wrapped     bytea NOT NULL,
    PRIMARY KEY (tenant_id, person_id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES people,
    FOREIGN KEY (tenant_id, wrapped_by) REFERENCES organisation_keys
);

-- A role in the organisation (no unit) or in a unit and all below it.
CREATE TABLE memberships (
    tenant_id   uuid NOT NULL,
    person_id   uuid NOT NULL,
    membership_id uuid NOT NULL,
    role        text NOT NULL CHECK (role IN ('admin', 'data_engineer', 'data_analyst', 'viewer', 'reviewer')),
    unit_id     uuid,
    given_by    text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, membership_id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES people,
    FOREIGN KEY (tenant_id, unit_id) REFERENCES units
);
CREATE UNIQUE INDEX memberships_once ON memberships (tenant_id, person_id, role, unit_id) NULLS NOT DISTINCT;

-- One right more than the role gives, in a unit and all below it, for a while if so said: also how work is delegated.
CREATE TABLE grants (
    tenant_id   uuid NOT NULL,
    grant_id    uuid NOT NULL,
    person_id   uuid NOT NULL,
    right_name  text NOT NULL CHECK (right_name IN ('read', 'query', 'write', 'transform', 'delete', 'manage_users')),
    unit_id     uuid,
    given_by    text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at  timestamptz,
    PRIMARY KEY (tenant_id, grant_id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES people,
    FOREIGN KEY (tenant_id, unit_id) REFERENCES units
);
CREATE INDEX grants_by_person ON grants (tenant_id, person_id);

CREATE TABLE passwords (
    tenant_id   uuid NOT NULL,
    person_id   uuid NOT NULL,
    hash        text NOT NULL CHECK (starts_with(hash, '$argon2id$')),
    changed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, person_id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES people
);

-- Who signs in with OpenID Connect: issuer and subject, as a keyed hash, stand for the person.
CREATE TABLE sign_in_identities (
    tenant_id   uuid NOT NULL,
    issuer      text NOT NULL,
    subject_index bytea NOT NULL CHECK (octet_length(subject_index) = 32),
    person_id   uuid NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, issuer, subject_index),
    FOREIGN KEY (tenant_id, person_id) REFERENCES people
);

-- Failures to sign in, by address hash, known or not: what is not there must not look different.
CREATE TABLE sign_in_failures (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    email_index bytea NOT NULL CHECK (octet_length(email_index) = 32),
    failures    integer NOT NULL CHECK (failures >= 0),
    last_at     timestamptz NOT NULL,
    locked_until timestamptz,
    PRIMARY KEY (tenant_id, email_index)
);

-- Links that work once: to accept an invitation, to reset a password.
CREATE TABLE one_time_links (
    tenant_id   uuid NOT NULL,
    link_id     uuid NOT NULL,
    person_id   uuid NOT NULL,
    purpose     text NOT NULL CHECK (purpose IN ('invitation', 'password_reset')),
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    PRIMARY KEY (tenant_id, link_id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES people
);

CREATE TABLE sessions (
    tenant_id   uuid NOT NULL,
    session_id  uuid NOT NULL,
    person_id   uuid NOT NULL,
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    method      text NOT NULL CHECK (method IN ('password', 'oidc', 'invitation')),
    address     bytea,                          -- ciphertext by the person's key
    agent       bytea,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    PRIMARY KEY (tenant_id, session_id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES people
);
CREATE INDEX sessions_by_person ON sessions (tenant_id, person_id);

-- A person's, which can do no more than the person; or a service's, which has a role of its own.
CREATE TABLE api_tokens (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    token_id    uuid NOT NULL,
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    person_id   uuid,
    role        text CHECK (role IN ('admin', 'data_engineer', 'data_analyst', 'viewer', 'reviewer')),
    unit_id     uuid,
    scopes      text[] NOT NULL CHECK (
        scopes <@ ARRAY['read', 'query', 'write', 'transform', 'delete', 'manage_users'] AND cardinality(scopes) > 0),
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at  timestamptz NOT NULL,
    seen_at     timestamptz,
    revoked_at  timestamptz,
    PRIMARY KEY (tenant_id, token_id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES people,
    FOREIGN KEY (tenant_id, unit_id) REFERENCES units,
    CONSTRAINT a_person_or_a_service CHECK (num_nonnulls(person_id, role) = 1 AND (person_id IS NULL OR unit_id IS NULL))
);

DO $$
DECLARE
    guarded regclass;
BEGIN
    FOREACH guarded IN ARRAY ARRAY[
        'units', 'organisation_keys', 'people', 'person_keys', 'memberships', 'grants', 'passwords', 'sign_in_identities',
        'sign_in_failures', 'one_time_links', 'sessions', 'api_tokens']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY own_tenant ON %s USING '
            '(tenant_id = (SELECT nullif(current_setting(''headwater.tenant'', true), '''')::uuid))', guarded);
    END LOOP;
END $$;
