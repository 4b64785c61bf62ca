-- Rows of a source's table as they were when it was discovered: Parquet, encrypted by the organisation's key of that number.
-- They stand with the columns noted last; the application takes them out again.
ALTER TABLE source_schema_cache
    ADD COLUMN sample        bytea,
    ADD COLUMN sample_key    integer,
    ADD COLUMN sample_nonce  bytea,
    ADD COLUMN sampled_at    timestamptz,
    ADD CHECK (num_nulls(sample, sample_key, sample_nonce, sampled_at) IN (0, 4));
