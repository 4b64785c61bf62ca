-- What the catalogue of a source says of a table beside its columns: its key and its foreign keys, null until it was
-- discovered, for a sync does not ask for them; and whether it was there when last the source was discovered.
ALTER TABLE source_schema_cache
    ADD COLUMN key_columns   jsonb,             -- [name]
    ADD COLUMN foreign_keys  jsonb,             -- [{columns, table, to}]
    ADD COLUMN is_gone       boolean NOT NULL DEFAULT false;
