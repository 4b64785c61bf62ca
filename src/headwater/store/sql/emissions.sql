-- name: by_activity_type
-- What stands, summed up by everything that must not be added across, then by activity type.
SELECT e.gwp_set, e.method, e.scope, a.activity_type, count(*) AS records, sum(e.co2e_kg) AS co2e_kg
FROM {emission} e JOIN {activity} a USING (tenant_id, activity_id)
WHERE e.tenant_id = %(tenant_id)s
GROUP BY 1, 2, 3, 4 ORDER BY 3, 6 DESC, 4, 1, 2

-- name: without_figure
-- Records that runs loaded without a figure, by reason; in chunks found equal to older ones, those noticed then.
SELECT r.source_name, f.rule_id, f.message, count(DISTINCT f.record_no) AS records
FROM runs r
JOIN chunks c ON c.tenant_id = r.tenant_id AND c.run_id = r.run_id AND c.state = 'committed'
JOIN findings f ON f.tenant_id = r.tenant_id AND f.chunk_id = coalesce(c.reused_chunk_id, c.chunk_id)
WHERE r.tenant_id = %(tenant_id)s AND r.run_id = ANY(%(runs)s) AND f.rule_id LIKE 'calculation.%%'
GROUP BY 1, 2, 3 ORDER BY min(r.started_at), min(f.record_no)

-- name: kept
-- The sums as they were kept, while nothing is told since that may have changed a record, and how many entries ago.
SELECT k.sums, h.seq - k.seq
FROM emission_sums k JOIN audit_heads h USING (tenant_id)
WHERE k.tenant_id = %(tenant_id)s AND k.made_by = %(made_by)s AND k.seq <= h.seq AND NOT EXISTS (
    SELECT FROM audit_entries e
    WHERE e.tenant_id = k.tenant_id AND e.seq > k.seq AND e.action <> ALL(%(change_no_record)s)
)

-- name: keep
-- Keep them. Whoever keeps older ones over later ones does no harm: these are looked at from where they were made.
INSERT INTO emission_sums AS k (tenant_id, seq, made_by, sums) VALUES (%(tenant_id)s, %(seq)s, %(made_by)s, %(sums)s)
ON CONFLICT (tenant_id) DO UPDATE SET seq = excluded.seq, made_by = excluded.made_by, sums = excluded.sums
