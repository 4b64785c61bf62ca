-- The codes that stood when a run was planned, for contracts whose fields refer to those of others: kept as a blob that the
-- run cites, as its factors are. Which kinds of blobs there are is for the code to say: `verify` holds each against the run
-- that cites it.

ALTER TABLE blobs DROP CONSTRAINT blobs_kind_check;
ALTER TABLE blobs ADD CONSTRAINT blobs_kind_check CHECK (kind ~ '^[a-z][a-z0-9_]*$');

ALTER TABLE runs ADD COLUMN reference_codes bytea;
ALTER TABLE runs ADD FOREIGN KEY (tenant_id, reference_codes) REFERENCES blobs;
