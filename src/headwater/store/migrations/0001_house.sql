-- The house tables: tenants, documents, blobs, runs, chunks, quarantine, findings, audit.
-- Every table with tenant data begins its keys with tenant_id and has row-level security forced.
-- Contract tables are not made here: `db upgrade` makes them from the contract documents.

-- Sum of the counts in {"reason": count}.
CREATE FUNCTION headwater_sum(counts jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT coalesce(sum(value::bigint), 0)::bigint FROM jsonb_each_text(counts) $$;

CREATE TABLE tenants (
    tenant_id   uuid PRIMARY KEY,
    name        text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Tenant-free, read-only for the application: contracts as published with this installation.
CREATE TABLE contract_registry (
    hash        bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    name        text NOT NULL,
    version     text NOT NULL,
    body        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (name, version)
);

-- Mappings, recipes, column lineage: whatever a run rests on, frozen, keyed by the hash of its text.
CREATE TABLE documents (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    hash        bytea NOT NULL CHECK (octet_length(hash) = 32),
    kind        text NOT NULL CHECK (kind IN ('contract', 'mapping', 'recipe', 'column_lineage', 'unit_registry')),
    name        text NOT NULL,
    version     text NOT NULL,
    body        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, hash)
);

-- Raw inputs and factor sets, kept whole in the blob store under tenant/SHA-256.
CREATE TABLE blobs (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    sha256      bytea NOT NULL CHECK (octet_length(sha256) = 32),
    kind        text NOT NULL CHECK (kind IN ('raw', 'utf8', 'factor_set', 'repair')),
    size        bigint NOT NULL CHECK (size >= 0),
    name        text NOT NULL,
    state       text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'erased')),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, sha256)
);

CREATE TABLE runs (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    run_id          uuid NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('import', 'resubmit')),
    state           text NOT NULL CHECK (state IN ('pending', 'running', 'succeeded', 'succeeded_with_quarantine',
                                                   'partial_success', 'failed', 'cancelled')),
    source_id       bytea NOT NULL CHECK (octet_length(source_id) = 32),
    source_name     text NOT NULL,
    contract_hash   bytea NOT NULL,
    mapping_hash    bytea NOT NULL,
    recipe_hash     bytea NOT NULL,
    lineage_hash    bytea,
    factor_set      bytea,
    blob_sha256     bytea NOT NULL,             -- the raw file as it came
    text_sha256     bytea NOT NULL,             -- its UTF-8 form; the same where it came as UTF-8
    encoding        text NOT NULL,
    layout          jsonb NOT NULL,             -- columns, dialect and top of the text, as the plan found them
    chunks_planned  integer NOT NULL CHECK (chunks_planned >= 0),
    records_planned bigint NOT NULL CHECK (records_planned >= 0),
    started_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at     timestamptz,
    error           jsonb,
    PRIMARY KEY (tenant_id, run_id),
    FOREIGN KEY (tenant_id, mapping_hash) REFERENCES documents,
    FOREIGN KEY (tenant_id, recipe_hash) REFERENCES documents,
    FOREIGN KEY (tenant_id, lineage_hash) REFERENCES documents,
    FOREIGN KEY (tenant_id, factor_set) REFERENCES blobs,
    FOREIGN KEY (tenant_id, blob_sha256) REFERENCES blobs,
    FOREIGN KEY (tenant_id, text_sha256) REFERENCES blobs
);
CREATE INDEX runs_by_source ON runs (tenant_id, source_id, started_at DESC);

-- One row a planned chunk: its place in the text, its ledger, its checkpoint and what it left behind.
CREATE TABLE chunks (
    tenant_id       uuid NOT NULL,
    run_id          uuid NOT NULL,
    chunk_no        integer NOT NULL CHECK (chunk_no >= 1),
    chunk_id        uuid NOT NULL,
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'committed', 'failed')),
    byte_start      bigint NOT NULL,
    byte_end        bigint NOT NULL,
    first_record    bigint NOT NULL,            -- 1 for the first data record of the file
    first_line      bigint NOT NULL,            -- 1 for the first line of the file
    records         integer NOT NULL,           -- as counted by the plan
    raw_sha256      bytea,                      -- of the slice
    logic_hash      bytea,                      -- of contract, mapping, recipe, factor set, units and code
    reused_chunk_id uuid,                       -- the committed chunk this one found itself equal to
    read            integer,
    mapped          integer,
    skipped         jsonb NOT NULL DEFAULT '{}',    -- reason -> count
    quarantined_raw integer,                    -- refused before a record could be made of it
    produced        integer,
    inserted        integer,
    updated         integer,
    unchanged       integer,
    merged          integer,
    quarantined     integer,                    -- refused after: rules broken, key in conflict
    calculation     jsonb,                      -- its own ledger: calculated, inserted, updated, unchanged, missing…
    rows_sha256     bytea,                      -- over the row hashes of what this chunk inserted and updated, by key
    raw_hashes      bytea,                      -- 16 bytes a record that stands, in record order
    key_hashes      bytea,                      -- 8 bytes a record that stands, in the same order
    relies_on       jsonb NOT NULL DEFAULT '[]',    -- [[chunk_id, superseded]] of older chunks whose rows it found unchanged
    superseded      integer NOT NULL DEFAULT 0, -- how many of its rows later chunks replaced or deleted
    attempts        integer NOT NULL DEFAULT 0,
    error           jsonb,
    committed_at    timestamptz,
    PRIMARY KEY (tenant_id, run_id, chunk_no),
    UNIQUE (tenant_id, chunk_id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs,
    -- Law 2: no record vanishes.
    CONSTRAINT every_record_read_is_accounted_for CHECK (
        state <> 'committed'
        OR read = mapped + quarantined_raw + headwater_sum(skipped)),
    CONSTRAINT every_record_produced_is_accounted_for CHECK (
        state <> 'committed'
        OR produced = inserted + updated + unchanged + merged + quarantined),
    CONSTRAINT a_committed_chunk_is_complete CHECK (
        state <> 'committed'
        OR (num_nulls(read, mapped, quarantined_raw, produced, inserted, updated, unchanged, merged, quarantined,
                      raw_sha256, logic_hash, rows_sha256, committed_at) = 0)),
    -- Else a negative count could make the books balance.
    CONSTRAINT counts_are_not_negative CHECK (
        least(read, mapped, quarantined_raw, produced, inserted, updated, unchanged, merged, quarantined,
              superseded, attempts) >= 0
        AND NOT jsonb_path_exists(skipped, '$.* ? (@ < 0)')),
    CONSTRAINT the_span_is_a_span CHECK (
        0 <= byte_start AND byte_start <= byte_end AND first_record >= 1 AND first_line >= 1 AND records >= 0)
);
CREATE INDEX chunks_by_fingerprint ON chunks (tenant_id, raw_sha256, logic_hash) WHERE state = 'committed';

-- The checkpoint of a source: contiguous, with gaps.
CREATE TABLE connector_sync_state (
    tenant_id           uuid NOT NULL REFERENCES tenants,
    source_id           bytea NOT NULL CHECK (octet_length(source_id) = 32),
    run_id              uuid NOT NULL,
    last_chunk_no       integer NOT NULL CHECK (last_chunk_no >= 0),    -- every chunk up to here is committed
    gaps                integer[] NOT NULL DEFAULT '{}',
    updated_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, source_id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES runs
);

-- Records refused, each once however often it is read again: equal bad records of a source are told apart by number.
-- No foreign key: half the rows of a bad file come here, and a key to check costs as much as the row itself.
CREATE TABLE quarantine (
    tenant_id       uuid NOT NULL,
    quarantine_id   uuid NOT NULL,              -- hash of source and raw hash
    occurrence      integer NOT NULL CHECK (occurrence >= 1),
    source_id       bytea NOT NULL CHECK (octet_length(source_id) = 32),
    raw_hash        bytea NOT NULL CHECK (octet_length(raw_hash) = 32),
    contract        text NOT NULL,              -- name@version
    chunk_id        uuid NOT NULL,              -- where it was first refused
    record_no       bigint NOT NULL,            -- in the file, from 1
    line            bigint NOT NULL,            -- in the file, from 1
    last_chunk_id   uuid NOT NULL,              -- where it was refused last
    raw             jsonb NOT NULL,             -- column -> text, or {"": text} where it could not be cut into columns
    findings        jsonb NOT NULL,             -- [{rule, field, value, message, valid, mend}]
    state           text NOT NULL DEFAULT 'open'
                    CHECK (state IN ('open', 'repaired', 'resubmitted', 'dismissed', 'expired')),
    state_reason    text,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, quarantine_id, occurrence)
);
CREATE INDEX quarantine_by_chunk ON quarantine (tenant_id, chunk_id);
CREATE INDEX quarantine_by_last_chunk ON quarantine (tenant_id, last_chunk_id);

-- A repair is part of the record's history: what was sent in its place, by whom, in which run, and how it ended.
CREATE TABLE quarantine_repairs (
    tenant_id       uuid NOT NULL,
    quarantine_id   uuid NOT NULL,
    occurrence      integer NOT NULL,
    repair_no       integer NOT NULL CHECK (repair_no >= 1),
    chunk_id        uuid NOT NULL,              -- the chunk of the resubmit run
    record_no       bigint NOT NULL,            -- in the file that was resubmitted, from 1
    outcome         text NOT NULL CHECK (outcome IN ('loaded', 'refused')),
    findings        jsonb NOT NULL DEFAULT '[]',
    actor           text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, quarantine_id, occurrence, repair_no),
    FOREIGN KEY (tenant_id, quarantine_id, occurrence) REFERENCES quarantine
);

-- What was noticed about records that were loaded all the same: warnings, and what the calculation missed.
-- No foreign key, for the reason given at quarantine.
CREATE TABLE findings (
    tenant_id   uuid NOT NULL,
    chunk_id    uuid NOT NULL,
    record_no   bigint NOT NULL,
    rule_id     text NOT NULL,
    field       text NOT NULL,
    value       text,
    message     text NOT NULL
);
CREATE INDEX findings_by_chunk ON findings (tenant_id, chunk_id);

-- One hash chain a tenant. entry_hash = SHA-256 of the canonical text of the entry and the hash before it.
CREATE TABLE audit_entries (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    seq         bigint NOT NULL CHECK (seq >= 1),
    at          timestamptz NOT NULL,
    actor       text NOT NULL,
    action      text NOT NULL,                  -- run.started, chunk.committed, quarantine.dismissed, …
    resource    text NOT NULL,
    result      text NOT NULL CHECK (result IN ('done', 'refused', 'failed')),
    payload     text NOT NULL,                  -- canonical JSON
    prev_hash   bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
    entry_hash  bytea NOT NULL CHECK (octet_length(entry_hash) = 32),
    PRIMARY KEY (tenant_id, seq)
);

CREATE TABLE audit_heads (
    tenant_id   uuid PRIMARY KEY REFERENCES tenants,
    seq         bigint NOT NULL CHECK (seq >= 0),
    entry_hash  bytea NOT NULL CHECK (octet_length(entry_hash) = 32)
);

-- A sync is a run: this is the same under the name connectors use.
CREATE VIEW connector_sync_logs WITH (security_invoker = true) AS
SELECT r.tenant_id, r.run_id, r.source_name, r.state AS status, r.started_at, r.finished_at,
       coalesce(sum(c.read), 0) AS items_read,
       coalesce(sum(c.inserted + c.updated), 0) AS items_written,
       r.error
FROM runs r LEFT JOIN chunks c USING (tenant_id, run_id)
GROUP BY r.tenant_id, r.run_id;
