-- Of a mended record the second half tells whether a key could be read of it: an auditor holds that against the chain.

COMMENT ON COLUMN quarantine.key_hash IS
    'As in chunks.key_hashes; empty where no key could be read; of what was mended the key it was mended to, and the one it was read under last (zeros where none could be read); null of what was refused before this was kept';
