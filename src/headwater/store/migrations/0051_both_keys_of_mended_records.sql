-- A mended record is sent under one key and may stand under another: it knows both, and a full load deletes neither row.

ALTER TABLE quarantine DROP CONSTRAINT quarantine_key_hash_check;
ALTER TABLE quarantine ADD CONSTRAINT quarantine_key_hash_check CHECK (octet_length(key_hash) IN (0, 8, 16));
COMMENT ON COLUMN quarantine.key_hash IS
    'As in chunks.key_hashes; empty where no key could be read; of what was mended the key it was mended to, and the one it was read under last (the first again where none could be read); null of what was refused before this was kept';
