-- An import is called by an id of its own name, and names the job that carries its run out.
ALTER TABLE import_jobs RENAME TO imports;
ALTER TABLE imports RENAME COLUMN job_id TO import_id;
ALTER INDEX import_jobs_pkey RENAME TO imports_pkey;
ALTER INDEX import_jobs_by_age RENAME TO imports_by_age;

CREATE OR REPLACE FUNCTION headwater_sees_import(asked uuid) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1 AS
$$ BEGIN RETURN EXISTS (SELECT FROM public.imports WHERE import_id = asked); END $$;

-- Those planned before this was kept, of all organisations: the owner of the tables sees them in this transaction alone.
ALTER TABLE imports ADD COLUMN job_id uuid;
ALTER TABLE imports NO FORCE ROW LEVEL SECURITY;
ALTER TABLE jobs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE job_runs NO FORCE ROW LEVEL SECURITY;
UPDATE imports i SET job_id = coalesce(
    (SELECT r.job_id FROM job_runs r WHERE r.tenant_id = i.tenant_id AND r.run_id = i.run_id ORDER BY r.noted_at LIMIT 1),
    (SELECT j.job_id FROM jobs j WHERE j.tenant_id = i.tenant_id AND j.kind = 'resume'
        AND j.arguments ->> 'run_id' = i.run_id::text ORDER BY j.asked_at LIMIT 1))
WHERE i.run_id IS NOT NULL;
ALTER TABLE imports FORCE ROW LEVEL SECURITY;
ALTER TABLE jobs FORCE ROW LEVEL SECURITY;
ALTER TABLE job_runs FORCE ROW LEVEL SECURITY;

-- Checked when the plan is committed: the job is the last that is written with it.
ALTER TABLE imports ADD FOREIGN KEY (tenant_id, job_id) REFERENCES jobs DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT a_job_has_a_run CHECK (job_id IS NULL OR run_id IS NOT NULL);
