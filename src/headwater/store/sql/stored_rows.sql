-- name: copy_rows
-- Rows as canonical text; an empty text is quoted, a missing value is not.
COPY (SELECT {columns} FROM {tables} ORDER BY {order}) TO STDOUT (FORMAT csv, HEADER true, FORCE_QUOTE *)
