-- name: file
-- Filed again it waits again, whatever was said of it before.
INSERT INTO product_flag (product_id, flag, evidence, until, stage, filed_by) VALUES ($1, $2, $3, $4, 'waiting', $5)
ON CONFLICT (product_id, flag) DO UPDATE
SET evidence = excluded.evidence, until = excluded.until, stage = 'waiting', filed_by = excluded.filed_by, decided_by = NULL;

-- name: decide
UPDATE product_flag SET stage = $3, decided_by = $4 WHERE product_id = $1 AND flag = $2 AND stage = 'waiting'
RETURNING evidence;

-- name: mark
-- Until when one of its distinctions holds: what a list reads.
UPDATE product SET flagged_until = (
    SELECT max(until) FROM product_flag WHERE product_id = $1 AND stage = 'confirmed') WHERE id = $1;

-- name: waiting
SELECT f.product_id, f.flag, f.evidence, f.until, p.name, o.name AS org_name
FROM product_flag f JOIN product p ON p.id = f.product_id JOIN organisation o ON o.id = p.org_id
WHERE f.stage = 'waiting' AND p.stage <> 'withdrawn'
  AND EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(p.region, place))
ORDER BY p.name, f.product_id, f.flag LIMIT 50;
