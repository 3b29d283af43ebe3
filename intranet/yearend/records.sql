-- name: open_indicators
-- What a close would take, place and year.
SELECT i.*, o.name AS org_name FROM indicator i JOIN organisation o ON o.id = i.org_id
WHERE i.year = $1 AND starts_with(i.region, $2) AND i.closed_at IS NULL ORDER BY o.name, i.number;

-- name: proposals
SELECT c.*, p.name AS proposed_name, d.name AS decided_name FROM year_close c JOIN person p ON p.id = c.proposed_by
LEFT JOIN person d ON d.id = c.decided_by WHERE c.place = $1 ORDER BY c.proposed_at DESC LIMIT 20;

-- name: propose
INSERT INTO year_close (place, year, carry, proposed_by, proposed_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (place, year) WHERE state = 'proposed' DO NOTHING RETURNING id;

-- name: locked
SELECT * FROM year_close WHERE id = $1 FOR UPDATE;

-- name: decide
UPDATE year_close SET state = $2, decided_by = $3, decided_at = $4, indicators = $5 WHERE id = $1;
