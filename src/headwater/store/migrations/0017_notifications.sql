-- Notifications: what happened that somebody wants to be told of, through which channel, and whether it got there.
-- Written in the transaction of what they tell of, so that neither is ever there without the other.

-- Where people or programs are told. Its secret (a signing key, a secret address, addresses of people) stands in notification_secrets.
CREATE TABLE notification_channels (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    channel_id      uuid NOT NULL,
    name            text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    kind            text NOT NULL CHECK (kind IN ('email', 'slack', 'webhook')),
    config          jsonb NOT NULL,             -- what of the target may be seen: host, masked addresses
    events          text[] NOT NULL CHECK (cardinality(events) > 0),
    least_severity  text NOT NULL CHECK (least_severity IN ('info', 'warning', 'error', 'critical')),
    quarantine_above double precision NOT NULL CHECK (quarantine_above >= 0 AND quarantine_above < 100),    -- percent
    quiet_from      time,
    quiet_to        time,
    quiet_zone      text,
    urgent_passes   boolean NOT NULL DEFAULT false,     -- what is critical comes in quiet hours too
    group_seconds   integer NOT NULL CHECK (group_seconds BETWEEN 0 AND 86400),
    version         integer NOT NULL DEFAULT 1 CHECK (version >= 1),
    created_by      text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    removed_at      timestamptz,                -- its deliveries stay
    PRIMARY KEY (tenant_id, channel_id),
    CONSTRAINT quiet_hours_begin_and_end_somewhere CHECK (
        num_nonnulls(quiet_from, quiet_to, quiet_zone) IN (0, 3) AND quiet_from <> quiet_to)
);
CREATE UNIQUE INDEX notification_channels_by_name ON notification_channels (tenant_id, name) WHERE removed_at IS NULL;

-- The newest is the one that holds; those before it sign beside it until they expire.
CREATE TABLE notification_secrets (
    tenant_id       uuid NOT NULL,
    channel_id      uuid NOT NULL,
    secret_no       integer NOT NULL CHECK (secret_no >= 1),
    key_id          text NOT NULL,              -- of the installation's keys of credentials
    nonce           bytea NOT NULL CHECK (octet_length(nonce) = 12),
    ciphertext      bytea NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at      timestamptz,
    PRIMARY KEY (tenant_id, channel_id, secret_no),
    FOREIGN KEY (tenant_id, channel_id) REFERENCES notification_channels
);

-- What happened, once, where a channel wants to be told.
CREATE TABLE notifications (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    notification_id uuid NOT NULL,
    event           text NOT NULL,
    severity        text NOT NULL CHECK (severity IN ('info', 'warning', 'error', 'critical')),
    resource        text NOT NULL,              -- as the audit chain names it: run/<id>, job/<id>, schedule/<id>, import/<id>
    occurrence      text NOT NULL,              -- tells when a thing comes to the same state again
    correlation_id  text NOT NULL,              -- of the job, or of a run without one: as log entries have it
    summary         text NOT NULL,
    data            jsonb NOT NULL,
    happened_at     timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, notification_id)
);
CREATE UNIQUE INDEX notifications_once ON notifications (tenant_id, event, resource, occurrence);
CREATE INDEX notifications_by_age ON notifications (tenant_id, happened_at, notification_id);

-- One message to one channel: what is of one event and comes within its time of grouping goes together.
CREATE TABLE notification_deliveries (
    tenant_id       uuid NOT NULL,
    delivery_id     uuid NOT NULL,
    channel_id      uuid NOT NULL,
    event           text NOT NULL,
    severity        text NOT NULL CHECK (severity IN ('info', 'warning', 'error', 'critical')),
    state           text NOT NULL CHECK (state IN ('pending', 'held', 'sent', 'failed', 'dropped')),
    told            integer NOT NULL CHECK (told >= 0),     -- notifications in it
    attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    opened_at       timestamptz NOT NULL,
    next_at         timestamptz,                -- when it is tried next
    closed_at       timestamptz,                -- its first attempt: nothing more comes into it
    sent_at         timestamptz,
    response_status integer,                    -- of its last attempt, where the receiver has answered
    last_error      text,
    PRIMARY KEY (tenant_id, delivery_id),
    FOREIGN KEY (tenant_id, channel_id) REFERENCES notification_channels
);
CREATE INDEX notification_deliveries_by_age ON notification_deliveries (tenant_id, opened_at, delivery_id);
CREATE UNIQUE INDEX notification_deliveries_open ON notification_deliveries (tenant_id, channel_id, event)
    WHERE closed_at IS NULL AND state IN ('pending', 'held');

CREATE TABLE notification_delivery_items (
    tenant_id       uuid NOT NULL,
    delivery_id     uuid NOT NULL,
    notification_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, delivery_id, notification_id),
    FOREIGN KEY (tenant_id, delivery_id) REFERENCES notification_deliveries,
    FOREIGN KEY (tenant_id, notification_id) REFERENCES notifications
);

DO $$
DECLARE
    guarded regclass;
BEGIN
    FOREACH guarded IN ARRAY ARRAY[
        'notification_channels', 'notification_secrets', 'notifications', 'notification_deliveries',
        'notification_delivery_items']::regclass[]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY own_tenant ON %s USING '
            '(tenant_id = (SELECT nullif(current_setting(''headwater.tenant'', true), '''')::uuid))', guarded);
    END LOOP;
END $$;
