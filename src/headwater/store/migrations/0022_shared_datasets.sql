-- Copies of records that an organisation hands to another, which takes them by a text that names both.
CREATE TABLE dataset_offers (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    offer_id    uuid NOT NULL,
    name        text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    receiver    uuid NOT NULL,                  -- the organisation that may take it, known here or not
    contract    text NOT NULL,                  -- name@version
    licence     text NOT NULL CHECK (length(licence) BETWEEN 1 AND 500),
    records     bigint NOT NULL CHECK (records >= 0),
    content     bytea NOT NULL,
    sha256      bytea NOT NULL CHECK (octet_length(sha256) = 32),
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    offered_by  text NOT NULL,
    offered_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at  timestamptz NOT NULL,
    taken_at    timestamptz,
    withdrawn_at timestamptz,
    PRIMARY KEY (tenant_id, offer_id)
);
CREATE INDEX dataset_offers_by_age ON dataset_offers (tenant_id, offered_at, offer_id);

ALTER TABLE dataset_offers ENABLE ROW LEVEL SECURITY;
ALTER TABLE dataset_offers FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON dataset_offers USING
    (tenant_id = (SELECT nullif(current_setting('headwater.tenant', true), '')::uuid));

-- Copies that all organisations of the installation may read: without a tenant, and written by the owner of the tables only.
CREATE TABLE public_datasets (
    name        text COLLATE "C" NOT NULL CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    version     integer NOT NULL CHECK (version >= 1),
    publisher   text,                           -- the organisation that had it published; null: the installation itself
    contract    text NOT NULL,
    licence     text NOT NULL CHECK (length(licence) BETWEEN 1 AND 500),
    records     bigint NOT NULL CHECK (records >= 0),
    content     bytea NOT NULL,
    sha256      bytea NOT NULL CHECK (octet_length(sha256) = 32),
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    withdrawn_at timestamptz,
    PRIMARY KEY (name, version)
);
