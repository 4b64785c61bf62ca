-- How many sources a job has, once its worker has listed them, and how many of these came to their end.
ALTER TABLE jobs ADD COLUMN sources_planned integer,
    ADD COLUMN sources_done integer NOT NULL DEFAULT 0;
