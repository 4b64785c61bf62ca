-- name: figures
-- Calculated figures of the activities that stand from one source, by all that must not be added across and by month.
SELECT e.gwp_set, e.method, e.scope, e.category, date_trunc('month', a.period_start)::date AS month,
       count(*) AS records, sum(e.co2e_kg) AS co2e_kg
FROM {activity} a
JOIN {emission} e ON e.tenant_id = a.tenant_id AND e.activity_id = a.activity_id
WHERE a.tenant_id = %(tenant_id)s AND a.chunk_id IN (
    SELECT c.chunk_id FROM runs r JOIN chunks c USING (tenant_id, run_id)
    WHERE r.tenant_id = %(tenant_id)s AND r.source_id = %(source_id)s)
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5

-- name: reported
-- Reported figures that stand from one source, by scope, year and GWP set; tonnes as published, brought to kg.
SELECT f.gwp_set, 'reported' AS method, s.scope, NULL::integer AS category, make_date(f.year::integer, 1, 1) AS month,
       count(*) AS records, sum(s.co2e_t) * 1000 AS co2e_kg
FROM {reported} f
CROSS JOIN LATERAL (VALUES (1, f.scope1_co2e_t), (2, f.scope2_co2e_t), (3, f.scope3_co2e_t)) AS s (scope, co2e_t)
WHERE f.tenant_id = %(tenant_id)s AND s.co2e_t IS NOT NULL AND f.chunk_id IN (
    SELECT c.chunk_id FROM runs r JOIN chunks c USING (tenant_id, run_id)
    WHERE r.tenant_id = %(tenant_id)s AND r.source_id = %(source_id)s)
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5

-- name: factors_used
-- Factors behind those figures, each with the pinned set it was taken from, by how much they weigh.
SELECT e.factor_id, calculated.factor_set, count(*) AS records, sum(e.co2e_kg) AS co2e_kg
FROM {activity} a
JOIN {emission} e ON e.tenant_id = a.tenant_id AND e.activity_id = a.activity_id
JOIN chunks c ON c.tenant_id = e.tenant_id AND c.chunk_id = e.chunk_id
JOIN runs calculated ON calculated.tenant_id = c.tenant_id AND calculated.run_id = c.run_id
WHERE a.tenant_id = %(tenant_id)s AND a.chunk_id IN (
    SELECT o.chunk_id FROM runs r JOIN chunks o USING (tenant_id, run_id)
    WHERE r.tenant_id = %(tenant_id)s AND r.source_id = %(source_id)s)
GROUP BY 1, 2 ORDER BY 4 DESC, 1

-- name: refused
-- Records that a run refused, by rule, with the first few of each; chunks found equal to older ones count with those.
WITH refused AS (
    SELECT q.line, q.state, f ->> 'rule' AS rule_id, f ->> 'field' AS field, f ->> 'value' AS value,
           f ->> 'message' AS message, f ->> 'valid' AS valid, f ->> 'mend' AS mend, q.quarantine_id, q.occurrence
    FROM quarantine q, jsonb_array_elements(q.findings) AS f
    WHERE q.tenant_id = %(tenant_id)s AND q.last_chunk_id IN (
        SELECT coalesce(reused_chunk_id, chunk_id) FROM chunks
        WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s AND state = 'committed'))
SELECT rule_id, field, message, valid, mend, line, value, state, total, still_open FROM (
    SELECT *, count(*) OVER (PARTITION BY rule_id) AS total,
           count(*) FILTER (WHERE state = 'open') OVER (PARTITION BY rule_id) AS still_open,
           row_number() OVER (PARTITION BY rule_id ORDER BY line, quarantine_id, occurrence) AS place
    FROM refused) numbered
WHERE place <= %(samples)s ORDER BY total DESC, rule_id, place

-- name: noticed
-- What a run noticed about records that were loaded all the same, by rule, with the first few of each.
SELECT rule_id, field, message, '' AS valid, '' AS mend, record_no AS line, value, 'loaded' AS state, total,
       0::bigint AS still_open
FROM (
    SELECT *, count(*) OVER (PARTITION BY rule_id) AS total,
           row_number() OVER (PARTITION BY rule_id ORDER BY record_no) AS place
    FROM findings
    WHERE tenant_id = %(tenant_id)s AND chunk_id IN (
        SELECT coalesce(reused_chunk_id, chunk_id) FROM chunks
        WHERE tenant_id = %(tenant_id)s AND run_id = %(run_id)s AND state = 'committed')) numbered
WHERE place <= %(samples)s ORDER BY total DESC, rule_id, place
