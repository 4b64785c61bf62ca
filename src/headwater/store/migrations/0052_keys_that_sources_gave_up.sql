-- A file is read again when another, which had taken the place of one of its records, holds that record no longer.

ALTER TABLE chunks ADD COLUMN given_up bytea;
COMMENT ON COLUMN chunks.given_up IS 'Those of key_hashes that the source holds no longer; all of them where a file is gone';
CREATE INDEX chunks_given_up ON chunks (tenant_id, run_id) WHERE given_up IS NOT NULL;
