-- What was done to one thing is found without reading the whole chain: a trace asks for the entry of a chunk, a list of
-- inventories for those that were discarded. Texts are compared by their bytes, so that what begins alike stands together.

CREATE INDEX audit_entries_by_resource ON audit_entries (tenant_id, resource COLLATE "C", seq);

-- Hardly any entry is of these; the index is as small as they are few, and the list asks for nothing else.
CREATE INDEX audit_entries_of_discarding ON audit_entries (tenant_id, resource, seq DESC)
    WHERE action IN ('inventory.discarded', 'inventory.restored');
