-- name: groups
-- Texts for which several open records of a source were refused by one rule, the most frequent first.
SELECT {columns} FROM (
    SELECT q.source_id, min(r.source_name) AS source_name, f ->> 'rule' AS rule, f ->> 'field' AS field,
           f ->> 'value' AS text, count(DISTINCT (q.quarantine_id, q.occurrence)) AS records,
           min(q.quarantine_id::text || '.' || q.occurrence) AS example
    FROM quarantine q CROSS JOIN LATERAL jsonb_array_elements(q.findings) AS f
    JOIN chunks c ON c.tenant_id = q.tenant_id AND c.chunk_id = q.last_chunk_id
    JOIN runs r ON r.tenant_id = c.tenant_id AND r.run_id = c.run_id
    WHERE q.tenant_id = %(tenant_id)s AND q.state = 'open'
      AND f ->> 'value' IS NOT NULL AND f ->> 'field' NOT LIKE '%%,%%'
      AND (%(run_id)s::uuid IS NULL OR c.run_id = %(run_id)s)
    GROUP BY q.source_id, 3, 4, 5 HAVING count(*) > 1) grouped
ORDER BY records DESC, rule, field, text LIMIT %(limit)s

-- name: like_mended
-- For the rules and fields of which a resubmission has mended a record: how many records are open, the most frequent
-- first. What a mapping mended is left out: it has mended all it can.
SELECT {columns} FROM (
    SELECT mended.*, (SELECT count(*) FROM quarantine o
                      WHERE o.tenant_id = %(tenant_id)s AND o.state = 'open' AND o.source_id = mended.source_id
                        AND o.findings @> jsonb_build_array(jsonb_build_object('rule', mended.rule,
                                                                               'field', mended.field))) AS records
    FROM (SELECT q.source_id, min(r.source_name) AS source_name, f ->> 'rule' AS rule, f ->> 'field' AS field,
                 min(f ->> 'value') AS text, min(q.quarantine_id::text || '.' || q.occurrence) AS example
          FROM runs r JOIN chunks c USING (tenant_id, run_id)
          JOIN quarantine_repairs p ON p.tenant_id = c.tenant_id AND p.chunk_id = c.chunk_id AND p.outcome = 'loaded'
          JOIN quarantine q ON q.tenant_id = p.tenant_id AND q.quarantine_id = p.quarantine_id
                           AND q.occurrence = p.occurrence
          CROSS JOIN LATERAL jsonb_array_elements(q.findings) AS f
          WHERE r.tenant_id = %(tenant_id)s AND r.run_id = %(run_id)s AND NOT (r.layout #> '{{mends}}' ? 'fix')
            AND f ->> 'value' IS NOT NULL AND f ->> 'field' NOT LIKE '%%,%%' AND f ->> 'field' <> ''
          GROUP BY q.source_id, 3, 4) mended) counted
WHERE records > 0
ORDER BY records DESC, rule, field LIMIT %(limit)s

-- name: open_like
-- Open records of a source that a rule refused for one field, in source order, with the run that refused them last.
SELECT q.quarantine_id, q.occurrence, q.raw, q.findings, c.run_id
FROM quarantine q JOIN chunks c ON c.tenant_id = q.tenant_id AND c.chunk_id = q.last_chunk_id
WHERE q.tenant_id = %(tenant_id)s AND q.state = 'open' AND q.source_id = %(source_id)s
  AND q.findings @> jsonb_build_array(jsonb_build_object('rule', %(rule)s::text, 'field', %(field)s::text))
ORDER BY q.record_no, q.quarantine_id, q.occurrence

-- name: origins
-- The runs that refused these records last.
SELECT DISTINCT c.run_id
FROM quarantine q JOIN chunks c ON c.tenant_id = q.tenant_id AND c.chunk_id = q.last_chunk_id
WHERE q.tenant_id = %(tenant_id)s AND q.state = 'open' AND q.source_id = %(source_id)s
  AND q.findings @> jsonb_build_array(jsonb_build_object('rule', %(rule)s::text, 'field', %(field)s::text))

-- name: sources_of_rule
-- The sources of which a rule has refused records that are open.
SELECT DISTINCT q.source_id FROM quarantine q
WHERE q.tenant_id = %(tenant_id)s AND q.state = 'open'
  AND q.findings @> jsonb_build_array(jsonb_build_object('rule', %(rule)s::text))

-- name: runs_of_source
-- The runs of a source, the latest first, with the mapping of each.
SELECT {columns} FROM (
    SELECT r.run_id, r.kind, r.state, r.mapping_hash, d.version AS mapping_version
    FROM runs r JOIN documents d ON d.tenant_id = r.tenant_id AND d.hash = r.mapping_hash
    WHERE r.tenant_id = %(tenant_id)s AND r.source_id = %(source_id)s
    ORDER BY r.started_at DESC, r.run_id) latest_first

-- name: versions
-- The versions in which a mapping is kept.
SELECT DISTINCT version FROM documents WHERE tenant_id = %(tenant_id)s AND kind = 'mapping' AND name = %(name)s

-- name: run_of_chunk
-- The run that a chunk belongs to, and the number of the chunk in it.
SELECT run_id, chunk_no FROM chunks WHERE tenant_id = %(tenant_id)s AND chunk_id = %(chunk_id)s
