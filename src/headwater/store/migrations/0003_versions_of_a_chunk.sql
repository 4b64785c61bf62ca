-- Where a source declares a version, one chunk may replace its own row of a key, several times: a past row is known by
-- what replaced it and by where it came from itself. Tables made from now on have this key from the start.

DO $$
DECLARE
    history record;
BEGIN
    FOR history IN
        SELECT pk.conrelid::regclass AS name, pk.conname,
               (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.place)
                FROM unnest(pk.conkey) WITH ORDINALITY AS k (attnum, place)
                JOIN pg_attribute a ON a.attrelid = pk.conrelid AND a.attnum = k.attnum) AS columns
        FROM pg_constraint pk JOIN pg_class c ON c.oid = pk.conrelid
        WHERE pk.contype = 'p' AND c.relnamespace = 'public'::regnamespace AND c.relname ~ '_v[0-9]+_history$'
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I, ADD PRIMARY KEY (%s, chunk_id, record_no)',
                       history.name, history.conname, history.columns);
    END LOOP;
END $$;
