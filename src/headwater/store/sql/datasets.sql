-- name: offer
-- A copy that another organisation may take.
INSERT INTO dataset_offers (tenant_id, offer_id, name, receiver, contract, licence, records, content, sha256, secret_hash,
                            offered_by, expires_at)
VALUES (%(tenant)s, %(offer)s, %(name)s, %(receiver)s, %(contract)s, %(licence)s, %(records)s, %(content)s, %(sha256)s,
        %(secret_hash)s, %(actor)s, clock_timestamp() + make_interval(days => %(days)s))

-- name: offers
-- The latest offers of an organisation, without what is in them.
SELECT offer_id, name, receiver, contract, licence, records, encode(sha256, 'hex') AS sha256, offered_by, offered_at,
       expires_at, taken_at, withdrawn_at
FROM dataset_offers WHERE tenant_id = %(tenant)s ORDER BY offered_at DESC, offer_id LIMIT %(limit)s

-- name: open_offer
-- An offer that may still be taken; locked.
SELECT name, receiver, contract, licence, records, content, sha256, secret_hash FROM dataset_offers
WHERE tenant_id = %(tenant)s AND offer_id = %(offer)s AND withdrawn_at IS NULL AND expires_at > clock_timestamp()
FOR UPDATE

-- name: clear
-- Of what nobody can take any more the copy is not kept.
UPDATE dataset_offers SET content = ''
WHERE tenant_id = %(tenant)s AND content <> '' AND expires_at <= clock_timestamp()

-- name: open_offers
-- How many may be taken.
SELECT count(*) FROM dataset_offers
WHERE tenant_id = %(tenant)s AND withdrawn_at IS NULL AND expires_at > clock_timestamp()

-- name: taken
-- An offer was taken; it may be again, which changes nothing.
UPDATE dataset_offers SET taken_at = coalesce(taken_at, clock_timestamp())
WHERE tenant_id = %(tenant)s AND offer_id = %(offer)s

-- name: withdraw
-- Nobody takes an offer from now on, and its copy is not kept.
UPDATE dataset_offers SET withdrawn_at = clock_timestamp(), content = ''
WHERE tenant_id = %(tenant)s AND offer_id = %(offer)s AND withdrawn_at IS NULL

-- name: publish
-- A copy for all organisations, under the next number of its name.
INSERT INTO public_datasets (name, version, publisher, contract, licence, records, content, sha256)
SELECT %(name)s, coalesce(max(version), 0) + 1, %(publisher)s, %(contract)s, %(licence)s, %(records)s, %(content)s, %(sha256)s
FROM public_datasets WHERE name = %(name)s
RETURNING version

-- name: publisher
-- Who had a name published first: the name is theirs.
SELECT publisher FROM public_datasets WHERE name = %(name)s ORDER BY version LIMIT 1

-- name: lock_names
-- One publication at a time.
SELECT pg_advisory_xact_lock(hashtextextended('headwater public datasets', 0))

-- name: take_back
-- A public dataset is not shown any more; what was taken stays with who took it.
UPDATE public_datasets SET withdrawn_at = clock_timestamp()
WHERE name = %(name)s AND withdrawn_at IS NULL AND publisher IS NOT DISTINCT FROM %(publisher)s

-- name: public
-- The newest version of each public dataset, without what is in it.
SELECT DISTINCT ON (name) name, version, publisher, contract, licence, records, encode(sha256, 'hex') AS sha256, published_at
FROM public_datasets WHERE withdrawn_at IS NULL ORDER BY name, version DESC

-- name: content
-- A public dataset, the newest version where none is said.
SELECT name, version, publisher, contract, licence, records, content, sha256 FROM public_datasets
WHERE name = %(name)s AND withdrawn_at IS NULL AND (%(version)s::integer IS NULL OR version = %(version)s)
ORDER BY version DESC LIMIT 1
