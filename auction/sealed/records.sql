-- ── keys and seats ───────────────────────────────────────────────────────────────────────────────────────────────

-- name: add_key
INSERT INTO sealing_key (fingerprint, person_id, public_key) VALUES ($1, $2, $3)
ON CONFLICT (fingerprint) DO NOTHING;

-- name: key_owner
SELECT person_id FROM sealing_key WHERE fingerprint = $1;

-- name: key_of
SELECT fingerprint, public_key, made_at FROM sealing_key WHERE person_id = $1 ORDER BY made_at DESC LIMIT 1;

-- name: seats_of
-- Who sits in which office of a case; with the pinned key, and the one in use now.
SELECT s.office, s.deputy, s.person_id, s.fingerprint AS pinned, k.public_key, c.fingerprint AS current, p.name, p.login,
       o.name AS org_name
FROM sealing_seat s JOIN person p ON p.id = s.person_id JOIN organisation o ON o.id = p.org_id
LEFT JOIN sealing_key k ON k.fingerprint = s.fingerprint
LEFT JOIN LATERAL (SELECT fingerprint FROM sealing_key WHERE person_id = s.person_id ORDER BY made_at DESC LIMIT 1) c ON true
WHERE s.auction_id = $1 ORDER BY array_position('{purchaser,agency,group}', s.office), s.deputy, p.name;

-- name: seat_of
SELECT office, fingerprint FROM sealing_seat WHERE auction_id = $1 AND person_id = $2 AND fingerprint IS NOT NULL;

-- name: put_seat
INSERT INTO sealing_seat (auction_id, person_id, office, deputy) VALUES ($1, $2, $3, $4)
ON CONFLICT (auction_id, person_id) DO UPDATE SET office = $3, deputy = $4;

-- name: drop_seat
DELETE FROM sealing_seat WHERE auction_id = $1 AND person_id = $2 RETURNING person_id;

-- name: pin_seats
UPDATE sealing_seat s SET fingerprint =
    (SELECT k.fingerprint FROM sealing_key k WHERE k.person_id = s.person_id ORDER BY k.made_at DESC LIMIT 1)
WHERE s.auction_id = $1;

-- name: copy_seats
INSERT INTO sealing_seat (auction_id, person_id, office, deputy)
SELECT $2, person_id, office, deputy FROM sealing_seat WHERE auction_id = $1;

-- name: person_to_seat
SELECT p.id, p.name, p.org_id, o.kind, coalesce(array_agg(g.role) FILTER (WHERE g.valid @> now()), '{}') AS roles
FROM person p JOIN organisation o ON o.id = p.org_id LEFT JOIN role_grant g ON g.person_id = p.id
WHERE lower(p.login) = lower($1) AND p.active GROUP BY p.id, o.kind;

-- ── quotes ───────────────────────────────────────────────────────────────────────────────────────────────────────

-- name: add_quote
INSERT INTO sealed_quote (lot_id, signup_id, body, digest, sent_by, received_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: same_quote
SELECT received_at FROM sealed_quote WHERE lot_id = $1 AND signup_id = $2 AND digest = $3 ORDER BY n LIMIT 1;

-- name: last_quote
SELECT digest, received_at, body IS NULL AS withdrawn FROM sealed_quote
WHERE lot_id = $1 AND signup_id = $2 ORDER BY n DESC LIMIT 1;

-- name: withdraw_quotes
INSERT INTO sealed_quote (lot_id, signup_id, digest, sent_by, received_at)
SELECT DISTINCT lot_id, signup_id, '', $2::uuid, $3::timestamptz FROM sealed_quote WHERE signup_id = $1;

-- name: last_quotes
-- The quotes that count, in the order they came; with what has been opened of them.
SELECT q.id, q.body::text AS body, q.digest, q.received_at, s.alias, s.deduction_bp, p.price, p.salt, p.opened_at,
       coalesce((SELECT array_agg(h.office) FROM sealed_share h WHERE h.quote_id = q.id), '{}') AS offices
FROM (SELECT DISTINCT ON (signup_id) * FROM sealed_quote WHERE lot_id = $1 ORDER BY signup_id, n DESC) q
JOIN signup s ON s.id = q.signup_id AND s.status = 'admitted' LEFT JOIN sealed_opening p ON p.quote_id = q.id
WHERE q.body IS NOT NULL ORDER BY q.n;

-- ── opening ──────────────────────────────────────────────────────────────────────────────────────────────────────

-- name: add_share
INSERT INTO sealed_share (quote_id, office, share, given_by, given_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING;

-- name: shares_of
SELECT office, share FROM sealed_share WHERE quote_id = $1 ORDER BY office;

-- name: add_opening
INSERT INTO sealed_opening (quote_id, price, salt, opened_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING;

-- name: has_offer
SELECT EXISTS (SELECT FROM offer WHERE lot_id = $1 AND signup_id = $2);

-- ── on the case ──────────────────────────────────────────────────────────────────────────────────────────────────

-- name: opening_entrants
UPDATE lot SET entrants = $2, closes_at = opens_at WHERE id = $1;

-- name: set_agency
UPDATE auction SET agency_org_id = $2, version = version + 1 WHERE id = $1;
