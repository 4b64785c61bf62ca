-- name: in_clear
-- Some rows with a personal value that was written before values were encrypted; locked.
SELECT t.ctid::text, {columns} FROM {table} t
WHERE t.tenant_id = %(tenant_id)s AND ({in_clear}) LIMIT %(limit)s FOR UPDATE

-- name: any_key
-- Whether a key stands in clear.
SELECT EXISTS (SELECT FROM {table} t WHERE t.tenant_id = %(tenant_id)s AND ({in_clear}))

-- name: seal
-- The same rows with ciphertext in place of what is personal.
UPDATE {table} t SET {assignments}
FROM unnest(%(places)s::text[], {arrays}) AS sealed (place, {fields})
WHERE t.tenant_id = %(tenant_id)s AND t.ctid = sealed.place::tid
