-- name: of_runs
-- Of why runs failed no value stays.
UPDATE runs SET error = jsonb_set(error, '{message}', to_jsonb(regexp_replace(error ->> 'message', %(quoted)s, '')))
WHERE tenant_id = %(tenant_id)s AND error ->> 'message' ~ %(quoted)s

-- name: of_chunks
-- Nor of why chunks did.
UPDATE chunks SET error = jsonb_set(error, '{message}', to_jsonb(regexp_replace(error ->> 'message', %(quoted)s, '')))
    - 'whole'
WHERE tenant_id = %(tenant_id)s AND state = 'failed' AND (error ? 'whole' OR error ->> 'message' ~ %(quoted)s)

-- name: of_updates
-- Nor of what schedules' jobs failed.
UPDATE update_log SET errors = jsonb_strip_nulls(errors || jsonb_build_object(
    'refused', regexp_replace(errors ->> 'refused', %(quoted)s, ''),
    'failed_of', (errors -> 'failed_of') - 'value' || jsonb_build_object(
        'message', regexp_replace(errors #>> '{failed_of,message}', %(quoted)s, ''))))
WHERE tenant_id = %(tenant_id)s AND (errors ->> 'refused' ~ %(quoted)s OR errors #> '{failed_of,value}' IS NOT NULL
    OR errors #>> '{failed_of,message}' ~ %(quoted)s)

-- name: whole
-- Why chunks failed, with what the errors quote.
SELECT error ->> 'whole' FROM chunks WHERE tenant_id = %(tenant_id)s AND state = 'failed' AND error ? 'whole' FOR UPDATE

-- name: of_sources
-- Nor of what sources answered last.
UPDATE source_circuits SET last_error = regexp_replace(last_error, %(quoted)s, '')
WHERE tenant_id = %(tenant_id)s AND last_error ~ %(quoted)s

-- name: of_notifications
-- Nor of what channels are told, or were.
UPDATE notifications SET summary = regexp_replace(summary, %(quoted)s, ''),
    data = CASE WHEN data ->> 'error' ~ %(quoted)s
        THEN jsonb_set(data, '{error}', to_jsonb(regexp_replace(data ->> 'error', %(quoted)s, ''))) ELSE data END
WHERE tenant_id = %(tenant_id)s AND (summary ~ %(quoted)s OR data ->> 'error' ~ %(quoted)s)
