-- How often a source is asked a minute, by all processes together. Each request takes a turn; of as many as a minute may have,
-- each stands in a place, and the next to take that place is sent a minute after it.

CREATE TABLE source_turns (
    tenant_id           uuid NOT NULL REFERENCES tenants,
    origin              text NOT NULL,              -- scheme, host and port
    requests_a_minute   integer NOT NULL CHECK (requests_a_minute >= 1),
    turns               bigint NOT NULL CHECK (turns >= 1),
    PRIMARY KEY (tenant_id, origin, requests_a_minute)
);

CREATE TABLE source_requests (
    tenant_id           uuid NOT NULL,
    origin              text NOT NULL,
    requests_a_minute   integer NOT NULL,
    place               integer NOT NULL CHECK (place >= 0),
    sent_at             timestamptz NOT NULL,       -- or will be
    PRIMARY KEY (tenant_id, origin, requests_a_minute, place),
    FOREIGN KEY (tenant_id, origin, requests_a_minute) REFERENCES source_turns
);

DO $$
DECLARE
    guarded regclass;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['source_turns', 'source_requests']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY own_tenant ON %s USING '
            '(tenant_id = (SELECT nullif(current_setting(''headwater.tenant'', true), '''')::uuid))', guarded);
    END LOOP;
END $$;
