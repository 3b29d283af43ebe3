-- name: add_key
INSERT INTO api_key (org_id, person_id, name, secret_sha256, acts, per_minute, made_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id;

-- name: key_by_secret
SELECT id, person_id, org_id, acts, per_minute, last_used_at, expires_at FROM api_key
WHERE secret_sha256 = $1 AND revoked_at IS NULL AND expires_at > $2;

-- name: used
UPDATE api_key SET last_used_at = $2, last_address = $3
WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2::timestamptz - interval '1 minute');

-- name: keys_of
-- Those of person $1; of the whole organisation $2 for its administrator ($3).
SELECT k.*, p.name AS person_name FROM api_key k JOIN person p ON p.id = k.person_id
WHERE k.person_id = $1 OR ($3 AND k.org_id = $2)
ORDER BY k.revoked_at IS NOT NULL, k.made_at DESC LIMIT $4 OFFSET $5;

-- name: live_keys_of
SELECT count(*) FROM api_key WHERE person_id = $1 AND revoked_at IS NULL AND expires_at > $2;

-- name: one_at_a_time
SELECT id FROM person WHERE id = $1 FOR UPDATE;

-- name: revoke
UPDATE api_key SET revoked_at = $4, revoked_by = $2
WHERE id = $1 AND revoked_at IS NULL AND (person_id = $2 OR ($5 AND org_id = $3)) RETURNING name;
