-- An inventory is made by a job, which is no run: what it came to stands beside it.
ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check;
ALTER TABLE jobs ADD CONSTRAINT jobs_kind_check CHECK (kind IN ('import', 'sync', 'resume', 'retry_failed', 'inventory'));
ALTER TABLE jobs ADD COLUMN result jsonb;
