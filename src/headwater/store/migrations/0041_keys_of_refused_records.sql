-- A full load deletes no row that a settled record stands for: each knows the key it was read under, or was mended to.

ALTER TABLE quarantine ADD COLUMN key_hash bytea CHECK (octet_length(key_hash) IN (0, 8));
COMMENT ON COLUMN quarantine.key_hash IS
    'As in chunks.key_hashes; empty where no key could be read; null of what was refused before this was kept';
