-- A blob whose content was replaced by a copy without what was personal of somebody keeps the hash it is cited by; that
-- of the copy stands beside it, so that a copy that was changed shows. One that is erased wholly has no copy.
ALTER TABLE blobs ADD COLUMN copy_sha256 bytea CHECK (octet_length(copy_sha256) = 32);
ALTER TABLE blobs ADD CONSTRAINT blobs_copy_check CHECK (copy_sha256 IS NULL OR state = 'held');
