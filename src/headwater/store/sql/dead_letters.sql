-- name: waiting
-- Ended runs that refused records which are not copied yet as they were when the run ended, the oldest first; of them
-- those after one, or a certain one. What a resubmission refuses again is what its import refused before.
SELECT {columns} FROM runs r
WHERE {is_waiting}
  AND (%(only)s::uuid IS NULL OR r.run_id = %(only)s)
  AND (%(after_run)s::uuid IS NULL OR (r.started_at, r.run_id) > (%(after)s, %(after_run)s))
ORDER BY r.started_at, r.run_id LIMIT %(most)s

-- name: count_waiting
-- How many there are of them.
SELECT count(*) FROM runs r WHERE {is_waiting}

-- name: is_waiting
-- Condition: the run has ended and what it refused is not copied yet as it was then.
r.tenant_id = %(tenant_id)s AND r.kind IN ('import', 'sync') AND r.finished_at IS NOT NULL
  AND EXISTS (SELECT FROM chunks c WHERE c.tenant_id = r.tenant_id AND c.run_id = r.run_id
                                     AND c.quarantined + c.quarantined_raw > 0)
  AND NOT EXISTS (SELECT FROM dead_letters d WHERE d.tenant_id = r.tenant_id AND d.run_id = r.run_id
                                               AND d.run_finished_at = r.finished_at)

-- name: note
-- What a run refused is copied, as it was when the run ended.
INSERT INTO dead_letters AS d (tenant_id, run_id, object, records, run_finished_at)
VALUES (%(tenant_id)s, %(run_id)s, %(object)s, %(records)s, %(run_finished_at)s)
ON CONFLICT (tenant_id, run_id) DO UPDATE
SET object = EXCLUDED.object, records = EXCLUDED.records, run_finished_at = EXCLUDED.run_finished_at,
    mirrored_at = clock_timestamp()
