-- What hangs on a factor or an instrument was found by going through every line of every inventory. Few kinds are many
-- times in an index, which keeps each once: it is a fiftieth of its table.
CREATE INDEX inventory_lines_by_factor ON inventory_lines (tenant_id, factor_id) WHERE factor_id IS NOT NULL;
CREATE INDEX inventory_lines_by_instrument ON inventory_lines (tenant_id, instrument_id) WHERE instrument_id IS NOT NULL;
