-- What is known of a table that has just been filled, before autovacuum comes by: nothing, and the planner takes 9 rows for a
-- million. A second load of a table of 990,000 rows joined it with itself 24 times, for 34 seconds of 40. Only the owner may
-- look at a table for the planner, so this is done in the owner's name: tables of 1 MB and more, where half was added since.
CREATE FUNCTION headwater_refresh_statistics() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    grown record;
    page constant integer := current_setting('block_size')::integer;
BEGIN
    FOR grown IN
        SELECT c.oid::regclass AS name FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relowner = current_user::regrole
          AND pg_relation_size(c.oid) > greatest(1.5 * c.relpages, 128) * page
    LOOP
        -- Whoever holds it vacuums it, or is another run that ends: then it is looked at there.
        EXECUTE format('ANALYZE (SKIP_LOCKED) %s', grown.name);
    END LOOP;
END $$;
