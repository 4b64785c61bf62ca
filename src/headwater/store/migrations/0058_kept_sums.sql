-- Emissions summed up over all units, kept after the entry of the audit chain that they were worked out at: they stand until the
-- chain tells of something that may have changed a record. Made anew whenever they are missing; `verify` holds them against the rows.
CREATE TABLE emission_sums (
    tenant_id   uuid PRIMARY KEY REFERENCES tenants,
    seq         bigint NOT NULL CHECK (seq >= 0),
    made_by     bytea NOT NULL CHECK (octet_length(made_by) = 32),  -- the hash of the statement that sums up
    sums        jsonb NOT NULL
);

ALTER TABLE emission_sums ENABLE ROW LEVEL SECURITY;
ALTER TABLE emission_sums FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON emission_sums USING
    (tenant_id = (SELECT nullif(current_setting('headwater.tenant', true), '')::uuid));
-- Whoever is bound to units neither sees nor keeps what is summed over all.
CREATE POLICY units ON emission_sums AS RESTRICTIVE USING
    ((SELECT 1 WHERE nullif(current_setting('headwater.units', true), '') IS NULL) IS NOT NULL);
