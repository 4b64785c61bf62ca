-- name: page
-- Some rows of one table after a place in an order.
SELECT {columns} FROM {table} AS q WHERE {which} ORDER BY {order} LIMIT %(limit)s

-- name: page_of_units
-- The same of records of some units: the first rows of each, which the index of units holds in order, and of these the first.
SELECT {columns} FROM unnest(%(units)s::uuid[]) AS u (of_unit)
CROSS JOIN LATERAL (
    SELECT q.* FROM {table} AS q WHERE q.unit_id = u.of_unit AND {which} ORDER BY {order} LIMIT %(limit)s) AS q
ORDER BY {order} LIMIT %(limit)s

-- name: each
-- The same without an end.
SELECT {columns} FROM {table} AS q WHERE {which} ORDER BY {order}

-- name: count
-- How many there are of them, up to a bound.
SELECT count(*) FROM (SELECT 1 FROM {table} AS q WHERE {which} LIMIT %(bound)s) AS counted

-- name: copy
-- The same as text.
COPY (SELECT {columns} FROM {table} AS q WHERE {which} ORDER BY {order}) TO STDOUT (FORMAT csv, HEADER true, DELIMITER {delimiter})
