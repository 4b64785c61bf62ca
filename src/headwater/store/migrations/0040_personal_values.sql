-- Keys that personal values of records are encrypted by: one for each subject, which is whom a record is about.

-- A subject's data key, encrypted by the organisation's, found by a keyed hash of who it is. To erase a subject is to delete
-- it. The id says nothing: it stands in every ciphertext, and leads nowhere once the key is gone.
CREATE TABLE subject_keys (
    tenant_id      uuid NOT NULL,
    subject_id     uuid NOT NULL,
    subject_index  bytea NOT NULL CHECK (octet_length(subject_index) = 32),
    wrapped_by     integer NOT NULL,            -- key_no of the organisation's key
    nonce          bytea NOT NULL CHECK (octet_length(nonce) = 12),
    wrapped        bytea NOT NULL,
    PRIMARY KEY (tenant_id, subject_id),
    UNIQUE (tenant_id, subject_index),
    FOREIGN KEY (tenant_id, wrapped_by) REFERENCES organisation_keys
);

ALTER TABLE subject_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE subject_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON subject_keys
    USING (tenant_id = (SELECT nullif(current_setting('headwater.tenant', true), '')::uuid));
