-- name: lock_chunks
-- The chunks that rows with these keys came with, locked in the order in which a load locks them, and before the rows.
SELECT c.chunk_id FROM chunks c
WHERE c.tenant_id = %(tenant)s AND c.chunk_id IN (
    SELECT t.chunk_id FROM unnest({arrays}) AS k({keys}) JOIN {target} t ON t.tenant_id = %(tenant)s AND {same_key})
ORDER BY c.chunk_id
FOR NO KEY UPDATE

-- name: standing
-- Rows with these keys as they stand, locked in the order of keys.
SELECT {key_text}, t.chunk_id, t.record_no, t.row_hash
FROM unnest({arrays}) AS k({keys}) JOIN {target} t ON t.tenant_id = %(tenant)s AND {same_key}
ORDER BY {target_keys}
FOR UPDATE OF t

-- name: marked
-- Which of these keys were deleted by hand, and by what; locked.
SELECT {key_text}, d.deletion_id, d.destroyed, d.chunk_id, d.record_no
FROM unnest({arrays}) AS k({keys})
JOIN deleted_records d ON d.tenant_id = %(tenant)s AND d.contract = %(contract)s AND d.key_hash = {key_hash}
ORDER BY d.key_hash
FOR UPDATE OF d

-- name: mark
-- Keys that no load brings in again.
INSERT INTO deleted_records AS d (tenant_id, contract, key_hash, record_key, chunk_id, record_no, deletion_id, destroyed,
                                  reason, deleted_by)
SELECT %(tenant)s, %(contract)s, {key_hash}, CASE WHEN NOT %(destroyed)s THEN {key_text} END, k._chunk, k._number,
       %(deletion)s, %(destroyed)s, %(reason)s, %(actor)s
FROM unnest({arrays}, %(chunks)s::uuid[], %(numbers)s::integer[]) AS k({keys}, _chunk, _number)
ON CONFLICT (tenant_id, contract, key_hash) DO UPDATE
SET record_key = EXCLUDED.record_key, deletion_id = EXCLUDED.deletion_id, destroyed = EXCLUDED.destroyed,
    reason = EXCLUDED.reason, deleted_by = EXCLUDED.deleted_by, deleted_at = EXCLUDED.deleted_at

-- name: unmark
-- Keys that may come in again.
DELETE FROM deleted_records d USING unnest({arrays}) AS k({keys})
WHERE d.tenant_id = %(tenant)s AND d.contract = %(contract)s AND d.key_hash = {key_hash}

-- name: put_back
-- Rows that a deletion put into the history stand again, as they were.
WITH back AS (
    DELETE FROM {history} t USING unnest({arrays}) AS k({keys})
    WHERE t.tenant_id = %(tenant)s AND t.superseded_by = %(deletion)s AND {same_key}
    RETURNING t.*),
put AS (
    INSERT INTO {target} (tenant_id, {columns}, chunk_id, unit_id)
    SELECT t.tenant_id, {target_columns}, t.chunk_id, t.unit_id FROM back t)
SELECT chunk_id, record_no FROM back

-- name: in_history
-- How many older versions rows with these keys have.
SELECT count(*) FROM {history} t JOIN unnest({arrays}) AS k({keys}) ON {same_key} WHERE t.tenant_id = %(tenant)s

-- name: now_there
-- How many rows with these keys stand.
SELECT count(*) FROM {target} t JOIN unnest({arrays}) AS k({keys}) ON {same_key} WHERE t.tenant_id = %(tenant)s

-- name: versions
-- Where every version of the rows with these keys came from.
SELECT t.chunk_id, t.record_no FROM {target} t JOIN unnest({arrays}) AS k({keys}) ON {same_key}
WHERE t.tenant_id = %(tenant)s
UNION ALL
SELECT t.chunk_id, t.record_no FROM {history} t JOIN unnest({arrays}) AS k({keys}) ON {same_key}
WHERE t.tenant_id = %(tenant)s

-- name: destroy
-- Rows with these keys are gone for good; how many each chunk has lost by it.
WITH gone AS (
    DELETE FROM {target} t USING unnest({arrays}) AS k({keys}) WHERE t.tenant_id = %(tenant)s AND {same_key}
    RETURNING t.chunk_id)
SELECT chunk_id, count(*) FROM gone GROUP BY chunk_id

-- name: destroy_past
-- Their older versions too.
DELETE FROM {history} t USING unnest({arrays}) AS k({keys}) WHERE t.tenant_id = %(tenant)s AND {same_key}

-- name: count_findings
-- What was noticed about versions of records.
SELECT count(*) FROM findings f
JOIN chunks c ON c.tenant_id = f.tenant_id AND c.chunk_id = f.chunk_id
JOIN unnest(%(chunks)s::uuid[], %(numbers)s::integer[]) AS v (chunk_id, record_no)
  ON v.chunk_id = f.chunk_id AND f.record_no = c.first_record + v.record_no
WHERE f.tenant_id = %(tenant)s

-- name: destroy_findings
-- What was noticed about versions of records goes with them.
DELETE FROM findings f
USING chunks c, unnest(%(chunks)s::uuid[], %(numbers)s::integer[]) AS v (chunk_id, record_no)
WHERE f.tenant_id = %(tenant)s AND c.tenant_id = f.tenant_id AND c.chunk_id = f.chunk_id
  AND v.chunk_id = f.chunk_id AND f.record_no = c.first_record + v.record_no

-- name: count_refused
-- Refused records that versions of records were mended from.
SELECT count(*) FROM quarantine_repairs r
JOIN chunks c ON c.tenant_id = r.tenant_id AND c.chunk_id = r.chunk_id
JOIN unnest(%(chunks)s::uuid[], %(numbers)s::integer[]) AS v (chunk_id, record_no)
  ON v.chunk_id = r.chunk_id AND r.record_no = c.first_record + v.record_no
WHERE r.tenant_id = %(tenant)s AND r.outcome = 'loaded'

-- name: lines_of
-- Inventories that were not discarded with lines made of records, and how many; the number of those published.
WITH said AS (
    SELECT DISTINCT ON (resource) resource, action FROM audit_entries
    WHERE tenant_id = %(tenant)s AND action IN ('inventory.discarded', 'inventory.restored')
    ORDER BY resource, seq DESC)
SELECT i.name, p.number, count(*)
FROM inventories i LEFT JOIN inventory_publications p USING (tenant_id, inventory_id)
JOIN inventory_lines l USING (tenant_id, inventory_id)
WHERE i.tenant_id = %(tenant)s AND l.{column} = ANY(%(keys)s) AND (p.number IS NOT NULL OR NOT EXISTS (
    SELECT FROM said WHERE said.resource = 'inventory/' || i.inventory_id AND said.action = 'inventory.discarded'))
GROUP BY i.inventory_id, i.name, p.number ORDER BY p.number NULLS LAST, i.name

-- name: made_of_destroyed
-- Whether lines of an inventory are made of records that were destroyed since.
SELECT EXISTS (
    SELECT FROM inventory_lines l
    JOIN deleted_records d ON d.tenant_id = l.tenant_id AND d.contract = %(contract)s AND d.key_hash = {key_hash}
    WHERE l.tenant_id = %(tenant)s AND l.inventory_id = %(inventory)s AND d.destroyed)

-- name: marks
-- Every key deleted by hand.
SELECT contract, encode(key_hash, 'hex') AS key_hash, record_key, chunk_id, record_no, deletion_id, destroyed, reason,
       deleted_by
FROM deleted_records WHERE tenant_id = %(tenant)s ORDER BY contract, key_hash

-- name: hashes
-- The keys of a contract that were deleted by hand, by their hashes.
SELECT encode(key_hash, 'hex') FROM deleted_records WHERE tenant_id = %(tenant)s AND contract = %(contract)s
