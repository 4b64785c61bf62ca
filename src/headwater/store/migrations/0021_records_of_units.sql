-- A record belongs to the unit of the source it came from; one of a source without a unit is the organisation's.
CREATE TABLE source_units (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    source_id   bytea NOT NULL CHECK (octet_length(source_id) = 32),
    unit_id     uuid NOT NULL,
    PRIMARY KEY (tenant_id, source_id),
    FOREIGN KEY (tenant_id, unit_id) REFERENCES units
);
CREATE INDEX source_units_by_unit ON source_units (tenant_id, unit_id);

ALTER TABLE source_units ENABLE ROW LEVEL SECURITY;
ALTER TABLE source_units FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON source_units USING
    (tenant_id = (SELECT nullif(current_setting('headwater.tenant', true), '')::uuid));

-- Tables of contracts made from now on have the column, the index and the policy from the start. Who is bound to units sees
-- their rows only; who is not sees all. The index holds the rows of units only: others cost nothing.
DO $$
DECLARE
    made record;
BEGIN
    FOR made IN
        SELECT c.oid::regclass AS name, c.relname,
               (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.place)
                FROM unnest(pk.conkey) WITH ORDINALITY AS k (attnum, place)
                JOIN pg_attribute a ON a.attrelid = pk.conrelid AND a.attnum = k.attnum
                WHERE k.place > 1) AS columns
        FROM pg_constraint pk JOIN pg_class c ON c.oid = pk.conrelid
        WHERE pk.contype = 'p' AND c.relnamespace = 'public'::regnamespace AND c.relname ~ '_v[0-9]+(_history)?$'
    LOOP
        EXECUTE format('ALTER TABLE %s ADD COLUMN unit_id uuid', made.name);
        EXECUTE format('CREATE INDEX %I ON %s (tenant_id, unit_id, %s) WHERE unit_id IS NOT NULL',
                       made.relname || '_unit', made.name, made.columns);
        EXECUTE format(
            'CREATE POLICY units ON %s AS RESTRICTIVE FOR SELECT USING '
            '((SELECT nullif(current_setting(''headwater.units'', true), '''')) IS NULL '
            'OR unit_id = ANY ((SELECT nullif(current_setting(''headwater.units'', true), '''')::uuid[])::uuid[]))', made.name);
    END LOOP;
END $$;
