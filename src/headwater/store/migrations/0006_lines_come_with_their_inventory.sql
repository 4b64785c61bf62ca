-- Lines and findings come in the transaction that adds their inventory, and never after it: a right to INSERT alone would
-- let the application add to an inventory that was shown, or published, already.
-- While a transaction goes on, its own rows bear its id as xmin; rows of a savepoint bear another, and are refused.

CREATE FUNCTION come_with_their_inventory() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT tenant_id, inventory_id FROM added) AS theirs
        LEFT JOIN public.inventories AS i USING (tenant_id, inventory_id)
        WHERE i.xmin IS DISTINCT FROM pg_current_xact_id()::xid)
    THEN
        RAISE EXCEPTION 'rows of % come with their inventory, and none is added later', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER inventory_lines_stand_still AFTER INSERT ON inventory_lines
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION come_with_their_inventory();

CREATE TRIGGER inventory_findings_stand_still AFTER INSERT ON inventory_findings
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION come_with_their_inventory();
