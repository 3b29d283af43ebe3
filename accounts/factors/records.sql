-- name: factors_of
SELECT EXISTS (SELECT 1 FROM totp WHERE person_id = $1) AS totp,
       (SELECT count(*) FROM passkey WHERE person_id = $1)::int AS passkeys,
       (SELECT count(*) FROM recovery_code WHERE person_id = $1)::int AS recovery_codes;

-- name: totp_of
SELECT secret, last_step FROM totp WHERE person_id = $1;

-- name: set_totp
INSERT INTO totp (person_id, secret, last_step) VALUES ($1, $2, $3)
ON CONFLICT (person_id) DO UPDATE SET secret = $2, last_step = $3, created_at = now();

-- name: use_totp
-- A code is good once: only the first of two who send it finds its row.
UPDATE totp SET last_step = $2 WHERE person_id = $1 AND last_step < $2 RETURNING 1;

-- name: seal_totp_anew
UPDATE totp SET secret = $3 WHERE person_id = $1 AND secret = $2;

-- name: drop_totp
DELETE FROM totp WHERE person_id = $1 RETURNING 1;

-- name: drop_recovery_codes
DELETE FROM recovery_code WHERE person_id = $1;

-- name: add_recovery_code
INSERT INTO recovery_code (person_id, n, hash) VALUES ($1, $2, $3);

-- name: recovery_code
SELECT hash FROM recovery_code WHERE person_id = $1 AND n = $2;

-- name: use_recovery_code
DELETE FROM recovery_code WHERE person_id = $1 AND n = $2 AND hash = $3 RETURNING 1;

-- name: passkeys_of
SELECT id, name, created_at, used_at FROM passkey WHERE person_id = $1 ORDER BY created_at LIMIT 100;

-- name: passkey
SELECT k.id, k.person_id, k.public_key, k.sign_count, p.login, audit_bar(p.id) AS bar
FROM passkey k JOIN person p ON p.id = k.person_id AND p.active WHERE k.id = $1;

-- name: add_passkey
INSERT INTO passkey (id, person_id, name, public_key, sign_count) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING 1;

-- name: use_passkey
-- Its counter grows, where it counts at all: a copy of it that lags behind finds no row.
UPDATE passkey SET sign_count = $2, used_at = $3 WHERE id = $1 AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0)) RETURNING 1;

-- name: drop_passkey
DELETE FROM passkey WHERE person_id = $1 AND id = $2 RETURNING 1;

-- name: drop_passkeys
DELETE FROM passkey WHERE person_id = $1;
