-- name: noticed
-- What was noticed about the records of a run, by rule, the most frequent first; chunks it found equal to older ones
-- count with what was noticed then.
SELECT rule_id, count(*) FROM findings
WHERE tenant_id = %(tenant_id)s
  AND chunk_id IN (SELECT coalesce(reused_chunk_id, chunk_id) FROM chunks
                   WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s AND state = 'committed')
GROUP BY 1 ORDER BY 2 DESC, 1

-- name: open
-- What a run refused and is open still, by rule, the most frequent first; a record that breaks two rules counts for both.
SELECT found ->> 'rule', count(*)
FROM quarantine q, jsonb_array_elements(q.findings) AS found
WHERE q.tenant_id = %(tenant_id)s AND q.state = 'open'
  AND q.last_chunk_id IN (SELECT coalesce(reused_chunk_id, chunk_id) FROM chunks
                          WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s AND state = 'committed')
GROUP BY 1 ORDER BY 2 DESC, 1

-- name: not_mended
-- Why repairs of a resubmission were refused, by rule, the most frequent first.
SELECT found ->> 'rule', count(*)
FROM quarantine_repairs r JOIN chunks c ON c.tenant_id = r.tenant_id AND c.chunk_id = r.chunk_id,
     jsonb_array_elements(r.findings) AS found
WHERE r.tenant_id = %(tenant_id)s AND c.run_id = %(run_id)s AND r.outcome = 'refused'
GROUP BY 1 ORDER BY 2 DESC, 1

-- name: of_record
-- What was noticed about one record when it was loaded.
SELECT rule_id, message FROM findings
WHERE tenant_id = %(tenant_id)s AND chunk_id = %(chunk_id)s AND record_no = %(record_no)s ORDER BY rule_id
