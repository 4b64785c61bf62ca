-- The codes that stood when a run was planned, for contracts whose fields refer to those of others: kept as a blob that the
-- run cites, as its factors are.

ALTER TABLE runs ADD COLUMN reference_codes bytea;
ALTER TABLE runs ADD FOREIGN KEY (tenant_id, reference_codes) REFERENCES blobs;
