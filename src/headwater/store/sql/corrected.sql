-- name: open_keys
-- Open records of a source that runs before this one refused, and where `own` names it, itself so far; 28 bytes each: key,
-- id, number. Where no key was read, none can be met.
SELECT string_agg(q.key_hash || uuid_send(q.quarantine_id) || int4send(q.occurrence), '')
FROM quarantine q
WHERE q.tenant_id = %(tenant)s AND q.source_id = %(source)s AND q.state = 'open' AND octet_length(q.key_hash) = 8
  AND q.contract ^@ %(contract)s
  AND q.last_chunk_id IN (
    SELECT c.chunk_id FROM runs r JOIN chunks c ON c.tenant_id = r.tenant_id AND c.run_id = r.run_id
    WHERE r.tenant_id = %(tenant)s AND r.source_id = %(source)s
      AND (r.started_at < %(started)s OR r.run_id = %(own)s::uuid) AND c.quarantined + c.quarantined_raw > 0)

-- name: open_keys_of
-- The same of what some chunks of the run refused since.
SELECT string_agg(q.key_hash || uuid_send(q.quarantine_id) || int4send(q.occurrence), '')
FROM quarantine q
WHERE q.tenant_id = %(tenant)s AND q.last_chunk_id = ANY(%(chunks)s::uuid[]) AND q.state = 'open'
  AND octet_length(q.key_hash) = 8 AND q.contract ^@ %(contract)s

-- name: cells
-- The cells of records.
SELECT q.quarantine_id, q.occurrence, q.raw
FROM unnest(%(ids)s::uuid[], %(occurrences)s::integer[]) AS named (quarantine_id, occurrence)
JOIN quarantine q ON q.tenant_id = %(tenant)s AND q.quarantine_id = named.quarantine_id
                 AND q.occurrence = named.occurrence

-- name: expire_corrected
-- Those whose row this chunk has loaded, unless this run or a newer one has refused them again. Where `own` names the run,
-- what its lower chunks refused was read before.
WITH refusing AS (
    SELECT coalesce(c.reused_chunk_id, c.chunk_id) AS chunk_id
    FROM runs r JOIN chunks c ON c.tenant_id = r.tenant_id AND c.run_id = r.run_id
    WHERE r.tenant_id = %(tenant)s AND r.source_id = %(source)s AND r.started_at >= %(started)s
      AND c.quarantined + c.quarantined_raw > 0
      AND (r.run_id = %(own)s::uuid AND c.chunk_no < %(chunk_no)s) IS NOT TRUE),
corrected AS (
    SELECT q.quarantine_id, q.occurrence
    FROM unnest(%(ids)s::uuid[], %(occurrences)s::integer[]) AS named (quarantine_id, occurrence)
    JOIN quarantine q ON q.tenant_id = %(tenant)s AND q.quarantine_id = named.quarantine_id
                     AND q.occurrence = named.occurrence
    WHERE q.state = 'open' AND q.last_chunk_id <> %(chunk)s AND q.last_chunk_id NOT IN (SELECT chunk_id FROM refusing)
    ORDER BY q.quarantine_id, q.occurrence
    FOR UPDATE OF q)
UPDATE quarantine q SET state = 'expired', state_reason = %(reason)s, updated_at = clock_timestamp()
FROM corrected c WHERE q.tenant_id = %(tenant)s AND q.quarantine_id = c.quarantine_id AND q.occurrence = c.occurrence
