-- name: create_stage
-- A temp table of this transaction that COPY fills: COPY into a table under row-level security is refused.
CREATE TEMP TABLE {stage} ({definition}) ON COMMIT DROP

-- name: copy_stage
-- Binary COPY of Arrow data.
COPY {stage} FROM STDIN (FORMAT BINARY)

-- name: analyze_stage
-- Temp tables have no statistics; without them the planner joins by the wrong method.
ANALYZE {stage} ({keys})

-- name: key_range_is_taken
-- Does any stored row lie in the chunk's key range? Where none does, a plain INSERT is right.
SELECT EXISTS (
    SELECT FROM {target}
    WHERE tenant_id = %(tenant)s AND {first_key} >= %(low)s AND {first_key} <= %(high)s)

-- name: hold_chunk_of_corrected
-- The chunk that the row under the staged key came with. Whoever replaces rows holds their chunks first, so that no two wait
-- for each other.
SELECT FROM chunks c
WHERE c.tenant_id = %(tenant)s
  AND c.chunk_id = (SELECT t.chunk_id FROM {target} t JOIN {stage} s ON {same_key} WHERE t.tenant_id = %(tenant)s)
FOR NO KEY UPDATE OF c

-- name: hold_corrected
-- The row that stands under the staged key, which nobody replaces from now to the commit.
SELECT t.row_hash FROM {target} t JOIN {stage} s ON {same_key} WHERE t.tenant_id = %(tenant)s FOR UPDATE OF t

-- name: insert_all
-- First load of a key range: nothing to compare with.
INSERT INTO {target} (tenant_id, {columns}, chunk_id, unit_id)
SELECT %(tenant)s, {columns}, %(chunk)s, %(unit)s::uuid FROM {stage}

-- name: create_met
-- Where staged keys meet stored ones.
CREATE TEMP TABLE {met} (
    record_no integer, same boolean, ahead smallint, chunk_id uuid, chunk_lost integer, of_this_run boolean, newer boolean,
    stored_record bigint, stored_source text, stored_hash bytea, elsewhere boolean) ON COMMIT DROP

-- name: clear
-- A temp table taken once more in the same transaction.
TRUNCATE {stage}

-- name: fill_met
-- What stands under the staged keys, whether it is equal, which of the two is ahead of the other, and which run put it
-- there. A resubmission counts what was loaded since the run that refused its records as its own: it merges with that or
-- is refused, and never replaces it. Nor does a source of a unit replace what is not that unit's.
INSERT INTO {met}
SELECT s.record_no, t.row_hash = s.row_hash, CASE WHEN {foreign} THEN 0 ELSE {ahead} END, t.chunk_id, c.superseded,
       c.run_id = %(run)s OR r.started_at >= coalesce(%(settled)s::timestamptz, 'infinity') OR {foreign},
       r.started_at > %(started)s, c.first_record + t.record_no,
       CASE WHEN {foreign} THEN 'another unit' ELSE r.source_name END,
       CASE WHEN t.row_hash <> s.row_hash THEN t.row_hash END, r.source_id <> %(source)s
FROM {stage} s
JOIN {target} t ON t.tenant_id = %(tenant)s AND {same_key}
               AND t.{first_key} >= %(low)s AND t.{first_key} <= %(high)s
JOIN chunks c ON c.tenant_id = t.tenant_id AND c.chunk_id = t.chunk_id
JOIN runs r ON r.tenant_id = c.tenant_id AND r.run_id = c.run_id

-- name: met_same
-- Equal rows: how many stood before this run and how many this run brought itself.
SELECT count(*) FILTER (WHERE NOT of_this_run), count(*) FILTER (WHERE of_this_run) FROM {met} WHERE same

-- name: met_relied_on
-- The chunks whose rows were found unchanged, each with the number of rows it had lost at that moment.
SELECT DISTINCT chunk_id, chunk_lost FROM {met} WHERE same AND NOT of_this_run

-- name: met_refused
-- Staged rows whose key stands with other content put there by this run, or by a newer one, where no version decides.
SELECT record_no, stored_record, stored_source, stored_hash, newer FROM {met}
WHERE NOT same AND ahead = 0 AND (of_this_run OR newer OR record_no = ANY(%(repeated)s))
ORDER BY record_no

-- name: set_older
-- Staged rows that a later chunk of this run has read again, and found as an older run had left them.
UPDATE {met} SET ahead = -1 WHERE record_no = ANY(%(read_later)s)

-- name: met_changed
-- Staged rows that would replace a row of an older run, where no version decides.
SELECT coalesce(array_agg(record_no), '{{}}') FROM {met} WHERE NOT same AND ahead = 0 AND NOT of_this_run AND NOT newer

-- name: met_older
-- Staged rows of a lower version than the one that stands, and where that came from.
SELECT record_no, stored_record, stored_source, stored_hash, newer FROM {met} WHERE NOT same AND ahead < 0
ORDER BY record_no

-- name: met_replaced
-- Staged rows that take the place of one of another source, where no version decides.
SELECT m.record_no, m.stored_record, m.stored_source FROM {met} m JOIN {stage} s USING (record_no)
WHERE NOT m.same AND m.ahead = 0 AND m.elsewhere
ORDER BY 1

-- name: met_higher
-- How many staged rows have a higher version than the one that stands.
SELECT count(*) FROM {met} WHERE NOT same AND ahead > 0

-- name: drop_refused
-- Refused rows do not reach the table.
DELETE FROM {stage} WHERE record_no = ANY(%(refused)s)

-- name: unit_of_source
-- The unit that the records of a source belong to. Nobody changes it while a run of the source is at work.
SELECT unit_id FROM source_units WHERE tenant_id = %(tenant)s AND source_id = %(source)s

-- name: any_deleted
-- Whether any record of the contract was deleted by hand: seldom, and then only are staged keys looked at.
SELECT EXISTS (SELECT FROM deleted_records WHERE tenant_id = %(tenant)s AND contract = %(contract)s)

-- name: left_out
-- Staged rows whose keys were deleted by hand. Nobody restores or admits one before this chunk is in.
SELECT s.record_no FROM {stage} s
JOIN deleted_records d ON d.tenant_id = %(tenant)s AND d.contract = %(contract)s AND d.key_hash = {key_hash}
ORDER BY s.record_no
FOR SHARE OF d

-- name: count_superseded
-- Each chunk counts the rows it has lost, so that "its rows stand" is one comparison.
UPDATE chunks c SET superseded = c.superseded + lost.n
FROM (SELECT m.chunk_id, count(*) AS n FROM {met} m JOIN {stage} s USING (record_no)
      WHERE NOT m.same GROUP BY m.chunk_id) lost
WHERE c.tenant_id = %(tenant)s AND c.chunk_id = lost.chunk_id

-- name: keep_history
-- The old row goes to history before it is replaced, locked in the order of keys, so that two runs cannot wait for each
-- other. A row that was replaced since it was met is left out: the count shows it.
INSERT INTO {history} (tenant_id, {columns}, chunk_id, unit_id, superseded_by, operation)
SELECT t.tenant_id, {target_columns}, t.chunk_id, t.unit_id, %(chunk)s, 'update'
FROM {target} t JOIN {stage} s ON {same_key} JOIN {met} m ON m.record_no = s.record_no
WHERE t.tenant_id = %(tenant)s AND t.{first_key} >= %(low)s AND t.{first_key} <= %(high)s
  AND NOT m.same AND t.chunk_id = m.chunk_id
ORDER BY {target_keys}
FOR UPDATE OF t

-- name: update_changed
-- An update writes every field.
UPDATE {target} t SET {assignments}, chunk_id = %(chunk)s, unit_id = %(unit)s::uuid
FROM {stage} s JOIN {met} m ON m.record_no = s.record_no AND NOT m.same
WHERE t.tenant_id = %(tenant)s AND {same_key}
  AND t.{first_key} >= %(low)s AND t.{first_key} <= %(high)s

-- name: insert_new
-- What no stored key meets.
INSERT INTO {target} (tenant_id, {columns}, chunk_id, unit_id)
SELECT %(tenant)s, {columns}, %(chunk)s, %(unit)s::uuid FROM {stage} s
WHERE NOT EXISTS (SELECT FROM {met} m WHERE m.record_no = s.record_no)

-- name: drop_without_source
-- Rows calculated from a record of this chunk that its new calculation no longer gives: kept in history, then deleted.
-- What a newer run has calculated stays: a late retry knows older factors, unless its record is the higher version.
WITH gone AS (
    DELETE FROM {target} t USING {parent} p
    WHERE t.tenant_id = %(tenant)s AND {parent_key}
      AND t.{parent_first_key} >= %(low)s AND t.{parent_first_key} <= %(high)s
      AND NOT EXISTS (SELECT FROM {stage} s WHERE {same_key})
      AND (EXISTS (SELECT FROM {parent_met} m WHERE m.record_no = p.record_no AND m.ahead > 0)
           OR NOT EXISTS (SELECT FROM chunks c JOIN runs r ON r.tenant_id = c.tenant_id AND r.run_id = c.run_id
                          WHERE c.tenant_id = t.tenant_id AND c.chunk_id = t.chunk_id AND r.started_at > %(started)s))
    RETURNING t.*),
kept AS (
    INSERT INTO {history} (tenant_id, {columns}, chunk_id, unit_id, superseded_by, operation)
    SELECT t.tenant_id, {target_columns}, t.chunk_id, t.unit_id, %(chunk)s, 'delete' FROM gone t)
SELECT chunk_id, count(*) FROM gone GROUP BY chunk_id

-- name: add_superseded
-- Rows a chunk has lost.
UPDATE chunks SET superseded = superseded + %(lost)s WHERE tenant_id = %(tenant)s AND chunk_id = %(lost_chunk)s

-- name: create_offsets
-- How far the numbering of equal bad records has come in this run.
CREATE TEMP TABLE {offsets} (quarantine_id uuid PRIMARY KEY, offset_by integer) ON COMMIT DROP

-- name: fill_offsets
-- Bad records of this chunk that equal ones which earlier chunks of this run refused. Each is looked up by itself, once
-- (OFFSET 0, MATERIALIZED): without statistics of the stage the planner would read all of quarantine for every chunk.
INSERT INTO {offsets}
WITH met AS MATERIALIZED (
    SELECT q.quarantine_id, q.occurrence, q.last_chunk_id
    FROM (SELECT quarantine_id::uuid FROM {stage} WHERE n = 1) s
    CROSS JOIN LATERAL (SELECT * FROM quarantine
                        WHERE tenant_id = %(tenant)s AND quarantine_id = s.quarantine_id OFFSET 0) q)
SELECT met.quarantine_id, max(met.occurrence)
FROM met JOIN chunks c ON c.tenant_id = %(tenant)s AND c.run_id = %(run)s
                      AND met.last_chunk_id IN (c.chunk_id, c.reused_chunk_id)
GROUP BY met.quarantine_id

-- name: insert_quarantine
-- New bad records go in, in the order of their key; those known from an earlier run are marked as seen. One that was gone
-- is open again.
INSERT INTO quarantine AS q (tenant_id, quarantine_id, occurrence, source_id, raw_hash, contract, chunk_id, record_no,
                             line, last_chunk_id, raw, findings, key_hash)
SELECT %(tenant)s, s.quarantine_id::uuid,
       s.n + coalesce((SELECT offset_by FROM {offsets} o WHERE o.quarantine_id = s.quarantine_id::uuid), 0),
       %(source)s, s.raw_hash, %(contract)s, %(chunk)s, s.record_no, s.line, %(chunk)s, s.raw::jsonb, s.findings::jsonb,
       s.key_hash
FROM {stage} s
ON CONFLICT (tenant_id, quarantine_id, occurrence) DO UPDATE
SET last_chunk_id = EXCLUDED.last_chunk_id,
    findings = CASE WHEN q.state IN ('open', 'expired') THEN EXCLUDED.findings ELSE q.findings END,
    key_hash = CASE WHEN q.state <> 'resubmitted' THEN EXCLUDED.key_hash
                    ELSE substr(q.key_hash, 1, 8) || CASE WHEN octet_length(EXCLUDED.key_hash) = 0 THEN '\x0000000000000000'::bytea
                                                          ELSE EXCLUDED.key_hash END END,
    state = CASE WHEN q.state = 'expired' THEN 'open' ELSE q.state END,
    state_reason = CASE WHEN q.state = 'expired' THEN NULL ELSE q.state_reason END,
    updated_at = CASE WHEN q.state = 'expired' THEN clock_timestamp() ELSE q.updated_at END

-- name: refused_again
-- How many records that an earlier chunk refused keep their number among equal ones when this run refuses them in the same
-- place.
WITH refused AS (
    SELECT quarantine_id, occurrence, row_number() OVER (PARTITION BY quarantine_id ORDER BY occurrence) AS n
    FROM quarantine
    WHERE tenant_id = %(tenant)s AND last_chunk_id = %(root)s AND state <> 'expired'),
before AS (
    SELECT q.quarantine_id, max(q.occurrence) AS n FROM quarantine q
    WHERE q.tenant_id = %(tenant)s AND q.quarantine_id IN (SELECT quarantine_id FROM refused)
      AND q.last_chunk_id IN (SELECT coalesce(reused_chunk_id, chunk_id) FROM chunks
                              WHERE tenant_id = %(tenant)s AND run_id = %(run)s AND state = 'committed')
    GROUP BY q.quarantine_id)
SELECT count(*) FROM refused LEFT JOIN before USING (quarantine_id) WHERE occurrence = refused.n + coalesce(before.n, 0)

-- name: lock_mended
-- The records that repairs stand for, locked; how many of them are open still.
WITH locked AS (
    SELECT q.state FROM {stage} s
    JOIN quarantine q ON q.tenant_id = %(tenant)s AND q.quarantine_id = split_part(s.mends, '.', 1)::uuid
                     AND q.occurrence = split_part(s.mends, '.', 2)::integer
    ORDER BY q.quarantine_id, q.occurrence
    FOR UPDATE OF q)
SELECT count(*) FROM locked WHERE state = 'open'

-- name: insert_repairs
-- What was sent in place of refused records becomes part of their history, numbered on from what was sent before.
INSERT INTO quarantine_repairs (tenant_id, quarantine_id, occurrence, repair_no, chunk_id, record_no, outcome, findings,
                                actor)
SELECT %(tenant)s, r.quarantine_id, r.occurrence,
       1 + (SELECT count(*) FROM quarantine_repairs e
            WHERE e.tenant_id = %(tenant)s AND e.quarantine_id = r.quarantine_id AND e.occurrence = r.occurrence),
       %(chunk)s, r.record_no, r.outcome, r.findings, %(actor)s
FROM (SELECT split_part(mends, '.', 1)::uuid AS quarantine_id, split_part(mends, '.', 2)::integer AS occurrence,
             record_no, outcome, findings::jsonb AS findings FROM {stage}) r

-- name: settle_mended
-- Refused records whose repair was loaded, from now on under its key too; those whose repair was refused stay open.
UPDATE quarantine q SET state = 'resubmitted', state_reason = %(reason)s, updated_at = clock_timestamp(),
    key_hash = s.key_hash || CASE WHEN octet_length(q.key_hash) = 0 THEN '\x0000000000000000'::bytea ELSE q.key_hash END
FROM {stage} s
WHERE s.outcome = 'loaded' AND q.tenant_id = %(tenant)s AND q.quarantine_id = split_part(s.mends, '.', 1)::uuid
  AND q.occurrence = split_part(s.mends, '.', 2)::integer

-- name: insert_findings
-- What was noticed about loaded records.
INSERT INTO findings (tenant_id, chunk_id, record_no, rule_id, field, value, message)
SELECT %(tenant)s, %(chunk)s, record_no, rule_id, field, value, message FROM {stage}

-- name: lock_chunk
-- The planned chunk, locked; a chunk that is committed already is left alone.
SELECT state FROM chunks WHERE tenant_id = %(tenant)s AND run_id = %(run)s AND chunk_no = %(chunk_no)s FOR UPDATE

-- name: lost_so_far
-- Rows each chunk has lost; held until the end of the transaction, so that the count is still true when it is written.
SELECT chunk_id, superseded FROM chunks
WHERE tenant_id = %(tenant)s AND chunk_id = ANY(%(chunks)s)
ORDER BY chunk_id
FOR NO KEY UPDATE

-- name: commit_chunk
-- Ledger and checkpoint of the chunk.
UPDATE chunks SET state = 'committed', raw_sha256 = %(raw_sha256)s, logic_hash = %(logic_hash)s,
    reused_chunk_id = %(reused_chunk_id)s, read = %(read)s, mapped = %(mapped)s, skipped = %(skipped)s,
    quarantined_raw = %(quarantined_raw)s, produced = %(produced)s, inserted = %(inserted)s, updated = %(updated)s,
    unchanged = %(unchanged)s, merged = %(merged)s, quarantined = %(quarantined)s, calculation = %(calculation)s,
    rows_sha256 = %(rows_sha256)s, raw_hashes = %(raw_hashes)s, key_hashes = %(key_hashes)s,
    relies_on = %(relies_on)s, attempts = attempts + 1, error = NULL, committed_at = clock_timestamp(),
    byte_start = %(byte_start)s, byte_end = %(byte_end)s, records = %(records)s, extract_sha256 = %(extract_sha256)s,
    last_row_id = %(last_row_id)s
WHERE tenant_id = %(tenant)s AND run_id = %(run)s AND chunk_no = %(chunk_no)s

-- name: advance_checkpoint
-- The checkpoint is contiguous: it stands before the first chunk that is not committed; later ones not committed are gaps.
-- A sync that has not got anywhere yet leaves the cursor where it was, if the run that brought it there read the same table
-- by the same column: how far another column was read says nothing of this one. A resubmission reads nothing of its source,
-- and leaves all of it as it was: whoever asks what the run before of a source had read asks here, or by kind.
WITH reached AS (
    SELECT coalesce(min(chunk_no) FILTER (WHERE state <> 'committed') - 1, max(chunk_no)) AS chunk_no,
           coalesce(array_agg(chunk_no ORDER BY chunk_no) FILTER (WHERE state = 'failed'), '{{}}') AS gaps
    FROM chunks WHERE tenant_id = %(tenant)s AND run_id = %(run)s),
before AS (
    SELECT s.* FROM connector_sync_state s
    JOIN runs was ON was.tenant_id = s.tenant_id AND was.run_id = s.run_id
    JOIN runs this ON this.tenant_id = s.tenant_id AND this.run_id = %(run)s
    WHERE s.tenant_id = %(tenant)s AND s.source_id = %(source)s
      AND (was.layout -> 'selection' ->> 'cursor', was.layout -> 'selection' ->> 'table')
          IS NOT DISTINCT FROM (this.layout -> 'selection' ->> 'cursor', this.layout -> 'selection' ->> 'table'))
INSERT INTO connector_sync_state (tenant_id, source_id, run_id, last_chunk_no, gaps, last_cursor, last_row_id,
                                  last_window_start, last_window_end)
SELECT %(tenant)s, %(source)s, %(run)s, reached.chunk_no, reached.gaps, coalesce(p.cursor_to, b.last_cursor),
       coalesce(c.last_row_id, b.last_row_id), coalesce(p.window_start, b.last_window_start),
       coalesce(p.window_end, b.last_window_end)
FROM reached
JOIN runs reading ON reading.tenant_id = %(tenant)s AND reading.run_id = %(run)s AND reading.kind <> 'resubmit'
LEFT JOIN before b ON true
LEFT JOIN chunks c ON c.tenant_id = %(tenant)s AND c.run_id = %(run)s AND c.chunk_no = reached.chunk_no
LEFT JOIN source_chunks p ON p.tenant_id = %(tenant)s AND p.run_id = %(run)s AND p.chunk_no = reached.chunk_no
ON CONFLICT (tenant_id, source_id) DO UPDATE
SET run_id = EXCLUDED.run_id, last_chunk_no = EXCLUDED.last_chunk_no, gaps = EXCLUDED.gaps,
    last_cursor = EXCLUDED.last_cursor, last_row_id = EXCLUDED.last_row_id,
    last_window_start = EXCLUDED.last_window_start, last_window_end = EXCLUDED.last_window_end,
    updated_at = clock_timestamp()

-- name: cite_extract
-- The file with what was read of a source for this chunk.
INSERT INTO blobs (tenant_id, sha256, kind, size, name)
VALUES (%(tenant)s, %(sha256)s, 'extract', %(size)s, %(name)s) ON CONFLICT DO NOTHING
