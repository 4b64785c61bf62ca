-- Inventories: what they were made of, their lines and findings, and which of them were published under a number.
-- The application may add rows and never change or delete one: what was calculated stands, and later runs, factors and
-- calculations leave it as it is. A publication only adds a number to it.

CREATE TABLE inventories (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    inventory_id    uuid NOT NULL,              -- hash of everything it was made of: the same again is the same inventory
    name            text NOT NULL,
    document        bytea NOT NULL,             -- what the rest refers to by SHA-256: a document, and blobs
    activities      bytea NOT NULL,
    factors         bytea NOT NULL,
    instruments     bytea NOT NULL,
    potentials      bytea NOT NULL,
    rates           bytea,
    lines           bytea NOT NULL,             -- the lines as one canonical file
    logic           text NOT NULL,              -- formula and versions of the code that made the lines
    activity_count  bigint NOT NULL CHECK (activity_count >= 0),
    line_count      bigint NOT NULL CHECK (line_count >= 0),
    calculated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, inventory_id),
    FOREIGN KEY (tenant_id, document) REFERENCES documents,
    FOREIGN KEY (tenant_id, activities) REFERENCES blobs,
    FOREIGN KEY (tenant_id, factors) REFERENCES blobs,
    FOREIGN KEY (tenant_id, instruments) REFERENCES blobs,
    FOREIGN KEY (tenant_id, potentials) REFERENCES blobs,
    FOREIGN KEY (tenant_id, rates) REFERENCES blobs,
    FOREIGN KEY (tenant_id, lines) REFERENCES blobs
);

-- The columns are those of accounting/inventory/lines.py, where each is explained.
CREATE TABLE inventory_lines (
    tenant_id                       uuid NOT NULL,
    inventory_id                    uuid NOT NULL,
    activity_id                     text NOT NULL,
    method                          text NOT NULL,
    gwp_set                         text NOT NULL,
    stage                           text NOT NULL,
    part                            bigint NOT NULL CHECK (part >= 0),
    scope                           bigint CHECK (scope BETWEEN 1 AND 3),
    category                        bigint CHECK (category BETWEEN 1 AND 15),
    activity_type                   text NOT NULL,
    facility_code                   text,
    region                          text NOT NULL,
    period_start                    date NOT NULL,
    period_end                      date,
    quantity                        numeric(18,6) NOT NULL,
    unit                            text NOT NULL,
    share                           numeric(7,6) CHECK (share BETWEEN 0 AND 1),
    tier                            text,
    part_kwh                        numeric(18,6),
    factor_id                       text,
    instrument_id                   text,
    renewable                       boolean,
    factor_source                   text,
    factor_unit                     text,
    converted_quantity              numeric(18,6),
    basis                           text NOT NULL CHECK (basis IN ('published', 'derived', 'reported')),
    co2e_kg                         numeric(18,6) NOT NULL CHECK (co2e_kg >= 0),
    co2_kg                          numeric(18,6),
    ch4_fossil_kg                   numeric(18,6),
    ch4_non_fossil_kg               numeric(18,6),
    ch4_kg                          numeric(18,6),
    n2o_kg                          numeric(18,6),
    gas                             text,
    gas_kg                          numeric(18,6),
    biogenic_co2_kg                 numeric(18,6),
    missing_sets                    text,
    substitutions                   text,
    data_quality                    text,
    quantity_uncertainty_percent    numeric(9,4),
    factor_uncertainty_percent      numeric(9,4),
    activity_pedigree               text,
    factor_pedigree                 text,
    activity_row_hash               text NOT NULL,
    factor_row_hash                 text,
    row_hash                        text NOT NULL CHECK (length(row_hash) = 64),
    PRIMARY KEY (tenant_id, inventory_id, activity_id, method, gwp_set, stage, part),
    FOREIGN KEY (tenant_id, inventory_id) REFERENCES inventories,
    CONSTRAINT outside_the_scopes_is_no_co2e CHECK (scope IS NOT NULL OR co2e_kg = 0),
    CONSTRAINT a_category_is_of_scope_3 CHECK (category IS NULL OR scope = 3)
);

CREATE TABLE inventory_findings (
    tenant_id       uuid NOT NULL,
    inventory_id    uuid NOT NULL,
    finding_no      bigint NOT NULL CHECK (finding_no >= 1),
    rule_id         text NOT NULL,
    subject         text NOT NULL,
    method          text,
    stage           text,
    activities      bigint NOT NULL,
    quantity        numeric(38,6),
    unit            text,
    co2e_kg         numeric(38,6),
    message         text NOT NULL,
    PRIMARY KEY (tenant_id, inventory_id, finding_no),
    FOREIGN KEY (tenant_id, inventory_id) REFERENCES inventories
);

CREATE TABLE inventory_publications (
    tenant_id       uuid NOT NULL,
    number          bigint NOT NULL CHECK (number >= 1),
    inventory_id    uuid NOT NULL,
    name            text NOT NULL,
    published_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, number),
    UNIQUE (tenant_id, inventory_id),
    FOREIGN KEY (tenant_id, inventory_id) REFERENCES inventories
);

-- Which kinds of documents and blobs there are is for the code to say: `verify` holds each against who cites it.
ALTER TABLE blobs DROP CONSTRAINT blobs_kind_check;
ALTER TABLE blobs ADD CONSTRAINT blobs_kind_check CHECK (kind ~ '^[a-z][a-z0-9_]*$');
ALTER TABLE documents DROP CONSTRAINT documents_kind_check;
ALTER TABLE documents ADD CONSTRAINT documents_kind_check CHECK (kind ~ '^[a-z][a-z0-9_]*$');

DO $$
DECLARE
    guarded regclass;
BEGIN
    FOREACH guarded IN ARRAY ARRAY[
        'inventories', 'inventory_lines', 'inventory_findings', 'inventory_publications']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY own_tenant ON %s USING '
            '(tenant_id = (SELECT nullif(current_setting(''headwater.tenant'', true), '''')::uuid))', guarded);
    END LOOP;
END $$;
