-- name: add_registration
INSERT INTO registration (org_id, person_id, kind, region, uscc, needs_proof, phone, filed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id;

-- name: set_waiting
UPDATE organisation SET state = 'waiting' WHERE id = $1;

-- name: registration_locked
SELECT r.*, o.name AS org_name, p.name AS person_name, p.login FROM registration r
JOIN organisation o ON o.id = r.org_id JOIN person p ON p.id = r.person_id WHERE r.id = $1 FOR UPDATE OF r;

-- name: decide
UPDATE registration SET decided_at = $2, decided_by = $3, approved = $4, remark = $5 WHERE id = $1;

-- name: settle_org
-- Let in, or refused: a refused one gives name and code back, so that it can register again.
UPDATE organisation SET state = CASE WHEN $2 THEN 'active' ELSE 'refused' END, uscc = CASE WHEN $2 THEN uscc END
WHERE id = $1;

-- name: registration_of
SELECT r.*, o.name AS org_name FROM registration r JOIN organisation o ON o.id = r.org_id
WHERE r.person_id = $1 ORDER BY r.filed_at DESC LIMIT 1;

-- name: registrations
SELECT r.*, o.name AS org_name, p.name AS person_name, p.login, decider.name AS decider, count(*) OVER () AS total
FROM registration r JOIN organisation o ON o.id = r.org_id JOIN person p ON p.id = r.person_id
LEFT JOIN person decider ON decider.id = r.decided_by
WHERE EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(r.region, place))
  AND ($2 = '' OR o.name ILIKE '%' || $2 || '%' OR r.uscc = upper($2)) AND ($3 = '' OR r.kind = $3)
ORDER BY r.decided_at IS NOT NULL, r.filed_at DESC LIMIT $4 OFFSET $5;
