-- name: person_of
SELECT p.id, p.login, audit_bar(p.id) AS bar FROM identity i JOIN person p ON p.id = i.person_id AND p.active
WHERE i.issuer = $1 AND i.subject = $2;

-- name: linked
SELECT created_at FROM identity WHERE person_id = $1 AND issuer = $2;

-- name: link
INSERT INTO identity (issuer, subject, person_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1;

-- name: unlink
DELETE FROM identity WHERE person_id = $1 AND issuer = $2 RETURNING 1;
