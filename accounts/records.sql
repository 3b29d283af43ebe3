-- name: add_organisation
INSERT INTO organisation (name, kind, uscc, region, name_key) VALUES ($1, $2, $3, $4, $5) RETURNING id;

-- name: add_person
INSERT INTO person (org_id, region, login, name, password_hash)
SELECT o.id, o.region, $2, $3, $4 FROM organisation o WHERE o.id = $1
RETURNING id;

-- name: add_grant
INSERT INTO role_grant (person_id, role, region, org_id, object_id, valid, granted_by)
VALUES ($1, $2, $3, $4, $5, tstzrange($6, $7), $8) RETURNING id;

-- name: organisation_named
SELECT id FROM organisation WHERE name = $1 AND kind = $2 ORDER BY created_at LIMIT 1;

-- name: organisation_by_id
SELECT id, name, kind, uscc, region FROM organisation WHERE id = $1;

-- name: person_by_login
SELECT id, login, password_hash, audit_bar(id) AS bar FROM person WHERE lower(login) = lower($1) AND active
  AND NOT EXISTS (SELECT FROM organisation o WHERE o.id = org_id AND o.state = 'closed');

-- name: add_session
INSERT INTO login_session (token_sha256, person_id, created_at, seen_at, expires_at, address, user_agent, how, proved_at,
                           idle_s)
VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9) RETURNING id;

-- name: sessions_by_token
-- The sessions and, unless barred or switched off, their persons with the grants valid at $2, in one question.
SELECT s.token_sha256, s.id AS session, s.seen_at, s.expires_at, s.proved_at, s.idle_s, p.*
FROM login_session s LEFT JOIN LATERAL person_with_grants(s.person_id, $2) AS p ON true
WHERE s.token_sha256 = ANY ($1::bytea[]);

-- name: session_by_id
SELECT s.id AS session, s.seen_at, s.expires_at, s.proved_at, s.idle_s, p.*
FROM login_session s LEFT JOIN LATERAL person_with_grants(s.person_id, $2) AS p ON true WHERE s.id = $1;

-- name: prove_session
UPDATE login_session SET proved_at = $2 WHERE id = $1;

-- name: touch_sessions
UPDATE login_session SET seen_at = $2 WHERE id = ANY ($1::uuid[]) AND seen_at < $2;

-- name: end_session
DELETE FROM login_session WHERE id = $1;

-- name: end_session_of
DELETE FROM login_session WHERE id = $1 AND person_id = $2 RETURNING 1;

-- name: sessions_of
SELECT id, created_at, seen_at, address, user_agent, how FROM login_session WHERE person_id = $1 ORDER BY seen_at DESC LIMIT 100;

-- name: end_other_sessions
-- All sessions of the person but one; none is spared when $2 is NULL.
DELETE FROM login_session WHERE person_id = $1 AND id IS DISTINCT FROM $2;

-- name: password_of
SELECT password_hash FROM person WHERE id = $1;

-- name: set_password
UPDATE person SET password_hash = $2 WHERE id = $1;

-- name: end_old_sessions
DELETE FROM login_session WHERE expires_at <= $1;

-- name: person_with_grants
SELECT * FROM person_with_grants($1, $2);
