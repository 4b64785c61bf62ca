-- What an installation is watched by: the correlation id of a request goes with its job and its runs; and which connectors were
-- made or changed over HTTP, so that where they lead is looked at each time they are opened.

ALTER TABLE jobs ADD COLUMN correlation_id text CHECK (correlation_id ~ '^[A-Za-z0-9._-]{1,64}$');
ALTER TABLE runs ADD COLUMN correlation_id text CHECK (correlation_id ~ '^[A-Za-z0-9._-]{1,64}$');
ALTER TABLE connectors ADD COLUMN from_outside boolean NOT NULL DEFAULT false;
