-- name: all
-- The sources that belong to units.
SELECT source_id, unit_id FROM source_units WHERE tenant_id = %(tenant)s

-- name: misplaced
-- Rows whose unit is not that of the source they came from.
SELECT {key}, t.unit_id, u.unit_id
FROM {table} t
JOIN chunks c ON c.tenant_id = t.tenant_id AND c.chunk_id = t.chunk_id
JOIN runs r ON r.tenant_id = c.tenant_id AND r.run_id = c.run_id
LEFT JOIN source_units u ON u.tenant_id = r.tenant_id AND u.source_id = r.source_id
WHERE t.tenant_id = %(tenant)s AND t.unit_id IS DISTINCT FROM u.unit_id
ORDER BY 1

-- name: sources
-- Sources by name, each with its unit and the newest run that read it; what mended its records bears a name of its own.
SELECT DISTINCT ON (r.source_name, r.source_id) r.source_id, r.source_name, u.unit_id, r.run_id, r.started_at
FROM runs r LEFT JOIN source_units u USING (tenant_id, source_id)
WHERE r.tenant_id = %(tenant)s AND r.kind <> 'resubmit' AND (%(text)s::text IS NULL OR r.source_name = %(text)s
                                                             OR encode(r.source_id, 'hex') = %(text)s)
  AND (%(units)s::uuid[] IS NULL OR u.unit_id = ANY(%(units)s::uuid[]))
ORDER BY r.source_name, r.source_id, r.started_at DESC

-- name: loads
-- The contracts that runs of a source have loaded.
SELECT DISTINCT k.name, split_part(k.version, '.', 1)::integer
FROM runs r JOIN contract_registry k ON k.hash = r.contract_hash
WHERE r.tenant_id = %(tenant)s AND r.source_id = %(source)s

-- name: unit_of
-- The unit of a source.
SELECT unit_id FROM source_units WHERE tenant_id = %(tenant)s AND source_id = %(source)s

-- name: assign
-- A source belongs to a unit.
INSERT INTO source_units (tenant_id, source_id, unit_id) VALUES (%(tenant)s, %(source)s, %(unit)s)
ON CONFLICT (tenant_id, source_id) DO UPDATE SET unit_id = EXCLUDED.unit_id

-- name: unassign
-- A source belongs to no unit.
DELETE FROM source_units WHERE tenant_id = %(tenant)s AND source_id = %(source)s

-- name: move_rows
-- Rows that came from a source go to its unit.
UPDATE {table} t SET unit_id = %(unit)s
WHERE t.tenant_id = %(tenant)s AND t.unit_id IS DISTINCT FROM %(unit)s AND t.chunk_id IN (
    SELECT c.chunk_id FROM chunks c JOIN runs r ON r.tenant_id = c.tenant_id AND r.run_id = c.run_id
    WHERE r.tenant_id = %(tenant)s AND r.source_id = %(source)s)

-- name: hold
-- Nobody loads from a source while this transaction lasts; false where a run of it is at work.
SELECT pg_try_advisory_xact_lock(hashtextextended(%(name)s, 0))
