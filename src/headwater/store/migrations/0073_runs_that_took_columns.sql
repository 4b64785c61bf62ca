-- Every import and sync asks for the last run of its mapping that kept no column back. Without this it went through all
-- runs there are, with the layout of each.
CREATE INDEX runs_that_took_columns ON runs (tenant_id, mapping_hash, started_at)
    WHERE coalesce(jsonb_array_length(layout -> 'unwanted'), 0) = 0;
