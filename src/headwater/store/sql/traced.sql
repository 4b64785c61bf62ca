-- name: origin
-- A chunk with its run, with what its rows were read from, and with the last that the chain notes of it.
SELECT {chunk}, {run}, {blob}, {entry}
FROM chunks AS chunk
JOIN runs AS run ON run.tenant_id = chunk.tenant_id AND run.run_id = chunk.run_id
LEFT JOIN blobs AS blob
  ON blob.tenant_id = chunk.tenant_id AND blob.sha256 = coalesce(chunk.extract_sha256, run.blob_sha256)
LEFT JOIN LATERAL (
  SELECT * FROM audit_entries AS noted
  WHERE noted.tenant_id = chunk.tenant_id
    AND noted.resource COLLATE "C" = 'run/' || chunk.run_id || '/chunk/' || chunk.chunk_no
  ORDER BY noted.seq DESC LIMIT 1
) AS entry ON true
WHERE chunk.tenant_id = %(tenant_id)s AND chunk.chunk_id = %(chunk_id)s

-- name: about
-- How many versions of a row were replaced or deleted, what was noticed when it was loaded, and the refused record that
-- it stands for.
SELECT (SELECT count(*) FROM {table} WHERE tenant_id = %(tenant_id)s AND {condition}),
       (SELECT jsonb_agg(jsonb_build_array(rule_id, message) ORDER BY rule_id) FROM findings
        WHERE tenant_id = %(tenant_id)s AND chunk_id = %(chunk_id)s AND record_no = %(record_no)s),
       mended.quarantine_id, mended.occurrence
FROM (VALUES (true)) AS one
LEFT JOIN quarantine_repairs AS mended
  ON mended.tenant_id = %(tenant_id)s AND mended.chunk_id = %(chunk_id)s AND mended.record_no = %(record_no)s
