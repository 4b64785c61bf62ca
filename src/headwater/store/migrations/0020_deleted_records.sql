-- Records deleted by hand. The row itself and its figures stand in the history of their tables, superseded by the deletion;
-- here stands which keys no load brings in again. Of a record that was destroyed only the hash of its key is left.
CREATE TABLE deleted_records (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    contract    text COLLATE "C" NOT NULL,      -- name@major
    key_hash    bytea NOT NULL CHECK (octet_length(key_hash) = 32),
    record_key  text,                           -- as people write it; null once the record is destroyed
    chunk_id    uuid NOT NULL,                  -- where the row came from that was deleted
    record_no   integer NOT NULL,
    deletion_id uuid NOT NULL,
    destroyed   boolean NOT NULL DEFAULT false,
    reason      text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    deleted_by  text NOT NULL,
    deleted_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, contract, key_hash),
    CONSTRAINT of_the_destroyed_no_key_is_left CHECK (destroyed = (record_key IS NULL))
);
CREATE INDEX deleted_records_by_age ON deleted_records (tenant_id, contract, deleted_at, key_hash);

ALTER TABLE deleted_records ENABLE ROW LEVEL SECURITY;
ALTER TABLE deleted_records FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON deleted_records USING
    (tenant_id = (SELECT nullif(current_setting('headwater.tenant', true), '')::uuid));
