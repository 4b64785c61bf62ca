-- name: copy_rows
-- Rows as canonical text; an empty text is quoted, a missing value is not.
COPY (SELECT {columns} FROM {tables} ORDER BY {order}) TO STDOUT (FORMAT csv, HEADER true, FORCE_QUOTE *)

-- name: followed
-- The row that a field holds the key of, beside the row that has the field.
LEFT JOIN {table} AS {alias} ON {alias}.tenant_id = record.tenant_id AND {alias}.{key} = record.{field}

-- name: codes
-- The texts that stand in a field of a contract. Sorted by bytes, so that equal codes give equal files on every server.
SELECT {reference} COLLATE "C" AS reference, CAST(code AS text) COLLATE "C" AS code
FROM (SELECT {column} FROM {table}) AS stands (code) WHERE code IS NOT NULL

-- name: by_key
-- Rows of a contract by some or all of its key, as they stand.
SELECT {columns}, unit_id FROM {table}
WHERE tenant_id = %(tenant_id)s AND {condition}
  AND (%(of_units)s::uuid[] IS NULL OR unit_id = ANY(%(of_units)s::uuid[]))
ORDER BY {order} LIMIT 50

-- name: past
-- A version of a row that was replaced or deleted, by its hash; of several that were equal, any.
SELECT {columns}, unit_id FROM {table}
WHERE tenant_id = %(tenant_id)s AND row_hash = %(row_hash)s AND {condition} LIMIT 1
