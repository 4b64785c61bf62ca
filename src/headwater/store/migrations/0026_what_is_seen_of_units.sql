-- Whoever is bound to units sees, beside the rows of contracts, what belongs to the sources of these units, and nothing of
-- what is the organisation's. For reading alone: inserting asks nothing. Without units the first half of each policy is one
-- scalar, and the second is never looked at; written so that the planner takes nearly every row to pass, as it does.

-- An import belongs to the unit that is said until it is a run, and then to that of the run's source.
ALTER TABLE import_jobs ADD COLUMN unit_id uuid, ADD FOREIGN KEY (tenant_id, unit_id) REFERENCES units;

-- What row-level security lets the asking session see of these tables; functions, so that plans for those who are bound to
-- no unit do not reckon with them.
CREATE FUNCTION headwater_sees_run(asked uuid) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1 AS
$$ BEGIN RETURN EXISTS (SELECT FROM public.runs WHERE run_id = asked); END $$;
CREATE FUNCTION headwater_sees_chunk(asked uuid) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1 AS
$$ BEGIN RETURN EXISTS (SELECT FROM public.chunks WHERE chunk_id = asked); END $$;
CREATE FUNCTION headwater_sees_import(asked uuid) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1 AS
$$ BEGIN RETURN EXISTS (SELECT FROM public.import_jobs WHERE job_id = asked); END $$;

DO $$
DECLARE
    everything constant text := '(SELECT 1 WHERE nullif(current_setting(''headwater.units'', true), '''') IS NULL) IS NOT NULL';
    own_units constant text :=
        'unit_id = ANY ((SELECT nullif(current_setting(''headwater.units'', true), '''')::uuid[])::uuid[])';
    own_sources constant text := 'source_id = ANY ((SELECT array_agg(u.source_id) FROM source_units u)::bytea[])';
    own_runs constant text := 'headwater_sees_run(run_id)';
    own_chunks constant text := 'headwater_sees_chunk(chunk_id)';
    is_id constant text := '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/|$)';
    seen record;
BEGIN
    FOR seen IN SELECT * FROM (VALUES
        ('source_units', own_units),
        ('runs', own_sources),
        ('connector_sync_state', own_sources),
        ('quarantine', own_sources),
        ('chunks', own_runs),
        ('source_chunks', own_runs),
        ('job_runs', own_runs),
        ('findings', own_chunks),
        ('quarantine_repairs', own_chunks),
        ('deleted_records', own_chunks),
        ('import_jobs', 'CASE WHEN run_id IS NULL THEN ' || own_units || ' ELSE ' || own_runs || ' END'),
        -- A job that goes on with a run is of its unit; what a recipe, a connector or a schedule asks for is not.
        ('jobs', 'CASE WHEN kind = ''resume'' THEN headwater_sees_run((arguments ->> ''run_id'')::uuid) ELSE false END'),
        -- What was done with a run or an import. The rest of the chain is the organisation's.
        ('audit_entries',
         'CASE WHEN resource ~ ''^run/' || is_id || ''' THEN headwater_sees_run(split_part(resource, ''/'', 2)::uuid) '
         'WHEN resource ~ ''^import/' || is_id || ''' THEN headwater_sees_import(split_part(resource, ''/'', 2)::uuid) '
         'ELSE false END'),
        ('inventories', 'false'),
        ('inventory_lines', 'false'),
        ('inventory_findings', 'false'),
        ('inventory_publications', 'false'),
        ('scheduled_jobs', 'false'),
        ('schedule_dependencies', 'false'),
        ('schedule_history', 'false'),
        ('update_log', 'false'),
        ('connectors', 'false'),
        ('credentials', 'false'),
        ('source_schema_cache', 'false'),
        ('source_circuits', 'false'),
        ('dead_letters', 'false'),
        ('dataset_offers', 'false'),
        ('notification_channels', 'false'),
        ('notification_secrets', 'false'),
        ('notifications', 'false'),
        ('notification_deliveries', 'false'),
        ('notification_delivery_items', 'false')) AS named (table_name, own)
    LOOP
        EXECUTE format('CREATE POLICY units ON %I AS RESTRICTIVE FOR SELECT USING (%s OR %s)',
                       seen.table_name, everything, seen.own);
    END LOOP;
END $$;
