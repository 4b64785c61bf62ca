-- Who took a job before another worker did can write no more about it; a write says in its own transaction that it was done.

ALTER TABLE jobs ADD COLUMN fence bigint NOT NULL DEFAULT 0 CHECK (fence >= 0);    -- how often a worker has taken it
ALTER TABLE jobs ADD CONSTRAINT jobs_are_no_times_of_schedules CHECK (queue <> 'schedules');
ALTER TABLE scheduled_jobs ADD CONSTRAINT scheduled_jobs_queue_check
    CHECK (queue ~ '^[a-z][a-z0-9_]{0,62}$' AND queue <> 'schedules');

ALTER TABLE api_requests ADD COLUMN wrote text;    -- what was written, in the transaction that wrote it; none where nothing was yet
