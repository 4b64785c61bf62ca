-- A row of a table that was refused is known again by its key and by the cells that its mapping reads, whatever else its source
-- says of it. Where a mapping reads other cells by now, or where the row was refused before this was so, the record keeps its
-- id and is known by this from then on.

ALTER TABLE quarantine ADD COLUMN known_by uuid;
COMMENT ON COLUMN quarantine.known_by IS
    'What the record is known by when its source sends it again: hash of source and cells; null where that is its quarantine_id';
CREATE INDEX quarantine_known_by ON quarantine (tenant_id, known_by) WHERE known_by IS NOT NULL;
