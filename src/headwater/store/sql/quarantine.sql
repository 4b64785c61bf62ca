-- name: list
-- Refused records in source order.
SELECT {columns} FROM quarantine q WHERE {which} ORDER BY source_id, record_no, quarantine_id, occurrence LIMIT %(limit)s

-- name: count
-- How many there are of them, so that a shortened list can say so.
SELECT count(*) FROM quarantine q WHERE {which}

-- name: of_tenant
-- Condition: refused records of the tenant.
tenant_id = %(tenant_id)s

-- name: in_state
-- Condition: in one state.
state = %(state)s

-- name: of_run
-- Condition: first or last refused by a chunk of the run, or by the older chunk that one found itself equal to; or mended,
-- well or not, by a chunk of the run.
(q.chunk_id IN (SELECT chunk_id FROM chunks WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s)
 OR q.last_chunk_id IN (SELECT coalesce(reused_chunk_id, chunk_id) FROM chunks
                        WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s)
 OR (q.quarantine_id, q.occurrence) IN (SELECT r.quarantine_id, r.occurrence
                                        FROM quarantine_repairs r JOIN chunks c USING (tenant_id, chunk_id)
                                        WHERE tenant_id = %(tenant_id)s AND c.run_id = %(run_id)s))

-- name: by_rule
-- Condition: refused for a rule, perhaps among others.
findings @> jsonb_build_array(jsonb_build_object('rule', %(rule)s::text))

-- name: for_longer
-- Condition: in its state for longer than so long, and refused by no run since: neither by a chunk that read it, nor by one
-- that found itself equal to that.
q.updated_at < clock_timestamp() - %(older_than)s
AND (q.last_chunk_id IN (SELECT coalesce(reused_chunk_id, chunk_id) FROM chunks
                         WHERE tenant_id = %(tenant_id)s AND state = 'committed'
                           AND committed_at >= clock_timestamp() - %(older_than)s)) IS NOT TRUE

-- name: lock_some
-- Some of the records chosen, locked in the order in which an import takes them: by another each might wait for the other.
SELECT quarantine_id, occurrence FROM quarantine q WHERE {which}
ORDER BY quarantine_id, occurrence LIMIT %(limit)s FOR UPDATE

-- name: last_runs
-- The runs that refused the records chosen last.
SELECT DISTINCT c.run_id
FROM (SELECT DISTINCT q.last_chunk_id FROM quarantine q WHERE {which}) refused
JOIN chunks c ON c.tenant_id = %(tenant_id)s AND c.chunk_id = refused.last_chunk_id
ORDER BY 1

-- name: last_run_of_each
-- The run that refused each of these records last.
SELECT q.quarantine_id, q.occurrence, c.run_id
FROM unnest(%(ids)s::uuid[], %(occurrences)s::integer[]) AS named (quarantine_id, occurrence)
JOIN quarantine q ON q.tenant_id = %(tenant_id)s AND q.quarantine_id = named.quarantine_id
                 AND q.occurrence = named.occurrence
JOIN chunks c ON c.tenant_id = q.tenant_id AND c.chunk_id = q.last_chunk_id

-- name: has_uncut
-- Whether any of the records chosen could not be cut into columns; jsonb calls its whole text "".
SELECT EXISTS (SELECT FROM quarantine q WHERE {which} AND q.raw ? '')

-- name: get
-- One refused record.
SELECT {columns} FROM quarantine
WHERE tenant_id = %(tenant_id)s AND quarantine_id = %(quarantine_id)s AND occurrence = %(occurrence)s

-- name: repairs
-- What was sent in place of a refused record, in order.
SELECT {columns} FROM quarantine_repairs
WHERE tenant_id = %(tenant_id)s AND quarantine_id = %(quarantine_id)s AND occurrence = %(occurrence)s
ORDER BY repair_no

-- name: last_repairs
-- The last repair of each of these records.
SELECT DISTINCT ON (r.quarantine_id, r.occurrence) r.quarantine_id, r.occurrence, r.outcome, r.findings
FROM unnest(%(ids)s::uuid[], %(occurrences)s::integer[]) AS named (quarantine_id, occurrence)
JOIN quarantine_repairs r ON r.tenant_id = %(tenant_id)s AND r.quarantine_id = named.quarantine_id
                         AND r.occurrence = named.occurrence
ORDER BY r.quarantine_id, r.occurrence, r.repair_no DESC

-- name: key_taken
-- Records that a resubmission sent and was refused, since another stands under their key, the first of them; how many.
SELECT r.quarantine_id, r.occurrence, f ->> 'field', f ->> 'value', f ->> 'message', count(*) OVER ()
FROM quarantine_repairs r JOIN chunks c ON c.tenant_id = r.tenant_id AND c.chunk_id = r.chunk_id,
     jsonb_array_elements(r.findings) AS f
WHERE r.tenant_id = %(tenant_id)s AND c.run_id = %(run_id)s AND r.outcome = 'refused' AND f ->> 'rule' LIKE '%%.key.conflict'
ORDER BY r.record_no LIMIT %(limit)s

-- name: refused_repairs
-- What a resubmission sent and was refused again.
SELECT r.record_no, r.findings
FROM quarantine_repairs r JOIN chunks c ON c.tenant_id = r.tenant_id AND c.chunk_id = r.chunk_id
WHERE r.tenant_id = %(tenant_id)s AND c.run_id = %(run_id)s AND r.outcome = 'refused'
ORDER BY r.record_no

-- name: change_state
-- Move records on from one state; those in another are left as they are.
UPDATE quarantine q SET state = %(state)s, state_reason = %(reason)s, updated_at = clock_timestamp()
FROM unnest(%(ids)s::uuid[], %(occurrences)s::integer[]) AS named (quarantine_id, occurrence)
WHERE q.tenant_id = %(tenant_id)s AND q.quarantine_id = named.quarantine_id AND q.occurrence = named.occurrence
  AND q.state = ANY(%(from_states)s)
RETURNING q.quarantine_id, q.occurrence

-- name: states
-- The state of some records.
SELECT q.quarantine_id, q.occurrence, q.state
FROM unnest(%(ids)s::uuid[], %(occurrences)s::integer[]) AS named (quarantine_id, occurrence)
JOIN quarantine q ON q.tenant_id = %(tenant_id)s AND q.quarantine_id = named.quarantine_id
                 AND q.occurrence = named.occurrence

-- name: held
-- What a resubmission asks of the records it names: state, cells and the rules that refused them, who refused them last,
-- whether a committed chunk of the asking run stands for them already, and the key they are known under.
SELECT q.quarantine_id, q.occurrence, q.state, q.raw,
       ARRAY(SELECT DISTINCT f ->> 'rule' FROM jsonb_array_elements(q.findings) AS f), c.run_id, EXISTS (
    SELECT FROM quarantine_repairs r JOIN chunks sent ON sent.tenant_id = r.tenant_id AND sent.chunk_id = r.chunk_id
    WHERE r.tenant_id = q.tenant_id AND r.quarantine_id = q.quarantine_id AND r.occurrence = q.occurrence
      AND sent.run_id = %(run_id)s), q.key_hash
FROM unnest(%(ids)s::uuid[], %(occurrences)s::integer[]) AS named (quarantine_id, occurrence)
JOIN quarantine q ON q.tenant_id = %(tenant_id)s AND q.quarantine_id = named.quarantine_id
                 AND q.occurrence = named.occurrence
JOIN chunks c ON c.tenant_id = q.tenant_id AND c.chunk_id = q.last_chunk_id
WHERE %(source_id)s::bytea IS NULL OR q.source_id = %(source_id)s

-- name: rules
-- Refused records by rule, the most frequent first; a record that breaks two rules counts for both.
SELECT f ->> 'rule', count(DISTINCT (q.quarantine_id, q.occurrence))
FROM quarantine q, jsonb_array_elements(q.findings) AS f
WHERE {which}
GROUP BY 1 ORDER BY 2 DESC, 1

-- name: expire_unseen
-- Open records of a source that a complete run did not refuse again: they were corrected in the file, or load now. What a
-- newer run has refused is not for this one to close.
WITH refusing AS (
    SELECT coalesce(c.reused_chunk_id, c.chunk_id) AS chunk_id
    FROM runs this JOIN runs r ON r.tenant_id = this.tenant_id AND r.source_id = this.source_id
                              AND r.started_at >= this.started_at
    JOIN chunks c ON c.tenant_id = r.tenant_id AND c.run_id = r.run_id
    WHERE this.tenant_id = %(tenant_id)s AND this.run_id = %(run_id)s)
UPDATE quarantine q SET state = 'expired', state_reason = %(reason)s, updated_at = clock_timestamp()
WHERE q.tenant_id = %(tenant_id)s AND q.source_id = %(source_id)s AND q.state = 'open'
  AND q.last_chunk_id NOT IN (SELECT chunk_id FROM refusing)

-- name: open_of_run
-- Open records that this run refused, or found refused in chunks it found equal to older ones. IS TRUE: the chunks are
-- hashed once; as a join, before there are statistics, each record would be held against each chunk.
SELECT count(*) FROM quarantine q
WHERE q.tenant_id = %(tenant_id)s AND q.state = 'open'
  AND (q.last_chunk_id IN (SELECT coalesce(reused_chunk_id, chunk_id) FROM chunks
                           WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s)) IS TRUE

-- name: settled_of_run
-- Of the records that this run refused those that are not open, by state.
SELECT q.state, count(*) FROM quarantine q
WHERE q.tenant_id = %(tenant_id)s AND q.state <> 'open'
  AND (q.last_chunk_id IN (SELECT coalesce(reused_chunk_id, chunk_id) FROM chunks
                           WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s)) IS TRUE
GROUP BY 1 ORDER BY 1

-- name: open_of_earlier_runs
-- Open records of a source that runs before this one refused and this one did not: which runs, the latest first, and how
-- many of each.
SELECT r.run_id, count(*)
FROM quarantine q
JOIN chunks c ON c.tenant_id = q.tenant_id AND c.chunk_id = q.last_chunk_id
JOIN runs r ON r.tenant_id = c.tenant_id AND r.run_id = c.run_id
JOIN runs this ON this.tenant_id = q.tenant_id AND this.run_id = %(run_id)s
WHERE q.tenant_id = %(tenant_id)s AND q.state = 'open' AND q.source_id = this.source_id
  AND r.started_at < this.started_at
  AND (q.last_chunk_id IN (SELECT reused_chunk_id FROM chunks
                           WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s)) IS NOT TRUE
GROUP BY r.run_id, r.started_at ORDER BY r.started_at DESC

-- name: layout_refusing
-- How the run was laid out that refused records of a source last, as far as rows are known again by it.
SELECT jsonb_strip_nulls(jsonb_build_object('columns', r.layout -> 'columns', 'known_by', r.layout -> 'known_by',
                                            'known_bare', r.layout -> 'known_bare'))
FROM runs r
WHERE r.tenant_id = %(tenant_id)s AND r.source_id = %(source_id)s AND r.kind = 'sync' AND EXISTS (
    SELECT FROM chunks c
    WHERE c.tenant_id = r.tenant_id AND c.run_id = r.run_id AND c.state = 'committed' AND c.quarantined + c.quarantined_raw > 0)
ORDER BY r.started_at DESC, r.run_id LIMIT 1
