-- name: noticed
-- What was noticed about the records of a run, by rule, the most frequent first; chunks it found equal to older ones
-- count with what was noticed then.
SELECT rule_id, count(*) FROM findings
WHERE tenant_id = %(tenant_id)s
  AND chunk_id IN (SELECT coalesce(reused_chunk_id, chunk_id) FROM chunks
                   WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s AND state = 'committed')
GROUP BY 1 ORDER BY 2 DESC, 1

-- name: open
-- What a run refused and is open still: how many records break the same rules. One look at each record, for there may be
-- a million of them; IS TRUE as in `open_of_run` of quarantine.sql.
SELECT jsonb_path_query_array(q.findings, '$[*].rule'), count(*)
FROM quarantine q
WHERE q.tenant_id = %(tenant_id)s AND q.state = 'open'
  AND (q.last_chunk_id IN (SELECT coalesce(reused_chunk_id, chunk_id) FROM chunks
                           WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s AND state = 'committed')) IS TRUE
GROUP BY 1

-- name: not_mended
-- Why repairs of a resubmission were refused: how many break the same rules.
SELECT jsonb_path_query_array(r.findings, '$[*].rule'), count(*)
FROM quarantine_repairs r JOIN chunks c ON c.tenant_id = r.tenant_id AND c.chunk_id = r.chunk_id
WHERE r.tenant_id = %(tenant_id)s AND c.run_id = %(run_id)s AND r.outcome = 'refused'
GROUP BY 1

-- name: of_record
-- What was noticed about one record when it was loaded.
SELECT rule_id, message FROM findings
WHERE tenant_id = %(tenant_id)s AND chunk_id = %(chunk_id)s AND record_no = %(record_no)s ORDER BY rule_id
