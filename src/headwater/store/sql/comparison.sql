-- name: origins
-- Where rows of a contract came from, by their hashes: file, number of the record in it, and the mapping that read it.
SELECT encode(r.row_hash, 'hex'), encode(n.blob_sha256, 'hex'), c.first_record + r.record_no,
       encode(n.mapping_hash, 'hex')
FROM (SELECT row_hash, chunk_id, record_no FROM {table}
      WHERE tenant_id = %(tenant_id)s AND row_hash = ANY(%(hashes)s)
      UNION ALL
      SELECT row_hash, chunk_id, record_no FROM {history}
      WHERE tenant_id = %(tenant_id)s AND row_hash = ANY(%(hashes)s)) AS r
JOIN chunks c ON c.tenant_id = %(tenant_id)s AND c.chunk_id = r.chunk_id
JOIN runs n ON n.tenant_id = %(tenant_id)s AND n.run_id = c.run_id
