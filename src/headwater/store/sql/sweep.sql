-- name: older_rows
-- Rows of a contract that stand and came from earlier runs of one source.
(SELECT t.* FROM {target} t
 JOIN chunks c ON c.tenant_id = t.tenant_id AND c.chunk_id = t.chunk_id
 JOIN runs r ON r.tenant_id = c.tenant_id AND r.run_id = c.run_id
 WHERE t.tenant_id = {tenant} AND r.source_id = {source} AND r.started_at < {started}) AS older

-- name: delete_rows
-- Rows with these keys go to history as deleted; how many each chunk has lost by it.
WITH gone AS (
    DELETE FROM {target} t USING unnest({arrays}) AS k({keys})
    WHERE t.tenant_id = %(tenant)s AND {same_key}
    RETURNING t.*),
kept AS (
    INSERT INTO {history} (tenant_id, {columns}, chunk_id, superseded_by, operation)
    SELECT g.tenant_id, {gone_columns}, g.chunk_id, %(chunk)s, 'delete' FROM gone g)
SELECT chunk_id, count(*) FROM gone GROUP BY chunk_id

-- name: count_lost
-- Each chunk counts the rows it has lost.
UPDATE chunks SET superseded = superseded + %(lost)s WHERE tenant_id = %(tenant)s AND chunk_id = %(chunk)s
