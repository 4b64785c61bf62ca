-- name: house
-- What the application's role may do: never own, create or truncate; add to the audit chain, never change it.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {app};
GRANT SELECT ON schema_migrations, contract_registry, tenants, connector_sync_logs TO {app};
GRANT SELECT, INSERT ON inventories, inventory_lines, inventory_findings, inventory_publications TO {app};
GRANT SELECT, INSERT ON source_chunks, source_schema_cache TO {app};
GRANT SELECT, INSERT, DELETE ON refused_syncs TO {app};
GRANT UPDATE (sample, sample_key, sample_nonce, sampled_at) ON source_schema_cache TO {app};
GRANT SELECT, INSERT, UPDATE ON connectors, source_circuits, source_turns, source_requests, dead_letters TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON credentials TO {app};
GRANT SELECT, INSERT, UPDATE ON units, people, organisation_keys, one_time_links, sessions, api_tokens TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON subject_keys TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON person_keys, memberships, grants, passwords TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_identities, sign_in_failures TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON api_requests TO {app};
GRANT SELECT, INSERT, UPDATE ON imports TO {app};
GRANT SELECT, INSERT, UPDATE ON notification_channels TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON notification_deliveries TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON notification_secrets TO {app};
GRANT SELECT, INSERT, DELETE ON notifications, notification_delivery_items TO {app};
GRANT UPDATE (summary, data) ON notifications TO {app};
GRANT SELECT, INSERT ON documents, quarantine_repairs, audit_entries TO {app};
GRANT SELECT, INSERT, DELETE ON findings TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON deleted_records, source_units TO {app};
GRANT SELECT, INSERT, UPDATE ON dataset_offers, emission_sums TO {app};
GRANT SELECT ON public_datasets TO {app};
GRANT SELECT, INSERT, UPDATE ON blobs, runs, chunks, connector_sync_state, quarantine, audit_heads TO {app};

-- name: jobs
-- Jobs are asked for, worked on and ended; their history stays.
GRANT SELECT, INSERT, UPDATE ON jobs, scheduled_jobs, update_log TO {app};
GRANT SELECT, INSERT ON job_runs, schedule_history TO {app};
GRANT SELECT, INSERT, DELETE ON schedule_dependencies TO {app};

-- name: queue
-- What asking for jobs and working on them needs. Procrastinate's own periodic tasks are not used.
REVOKE CREATE ON SCHEMA headwater_queue FROM PUBLIC;
GRANT USAGE ON SCHEMA headwater_queue TO {app};
GRANT SELECT ON headwater_queue.applied_migrations TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON headwater_queue.procrastinate_jobs, headwater_queue.procrastinate_workers TO {app};
GRANT SELECT, INSERT ON headwater_queue.procrastinate_events TO {app};
GRANT SELECT, UPDATE ON headwater_queue.procrastinate_periodic_defers TO {app};
GRANT USAGE ON headwater_queue.procrastinate_jobs_id_seq, headwater_queue.procrastinate_events_id_seq TO {app};

-- name: database
-- Let the application connect and make temporary tables.
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {app};

-- name: contract_table
-- Rows of a contract come, change and go. What they were is added to, and taken away only by who restores or destroys a
-- record by hand, as the chain tells; of its columns those that are personal are encrypted anew.
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {app};
GRANT SELECT, INSERT, DELETE, UPDATE (unit_id{sealed}) ON {history} TO {app};
