-- How often somebody has begun to look at a file that was sent, since it last got on. Whoever is at it may be taken down by it.
ALTER TABLE import_jobs ADD COLUMN tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0);
