-- name: as_they_stand
-- Which of these rows, by their numbers, stand with the very content that their hash is of.
SELECT k._number
FROM unnest({arrays}, %(hashes)s::bytea[], %(numbers)s::integer[]) AS k({keys}, _hash, _number)
JOIN {table} t ON t.tenant_id = %(tenant_id)s AND {same_key} AND t.row_hash = k._hash

-- name: of_unit
-- The rows of a table that are of a unit, as a table.
(SELECT * FROM {table} WHERE unit_id = {unit}::uuid) AS of_unit
