-- name: file
-- Filed again it waits again; what was confirmed before holds until then.
INSERT INTO product_flag (product_id, flag, evidence, until, stage, filed_by, file) VALUES ($1, $2, $3, $4, 'waiting', $5, $6)
ON CONFLICT (product_id, flag) DO UPDATE
SET evidence = excluded.evidence, until = excluded.until, stage = 'waiting', filed_by = excluded.filed_by, decided_by = NULL,
    file = excluded.file;

-- name: decide
UPDATE product_flag SET stage = $3, decided_by = $4,
    held_evidence = CASE WHEN $3 = 'confirmed' THEN evidence ELSE held_evidence END,
    held_until = CASE WHEN $3 = 'confirmed' THEN until ELSE held_until END
WHERE product_id = $1 AND flag = $2 AND stage = 'waiting' RETURNING evidence;

-- name: revoke
-- What was confirmed holds no more, whatever waits.
UPDATE product_flag f SET held_evidence = NULL, held_until = NULL, decided_by = $3,
    stage = CASE f.stage WHEN 'confirmed' THEN 'refused' ELSE f.stage END
FROM product_flag old WHERE f.product_id = $1 AND f.flag = $2 AND f.held_until IS NOT NULL
  AND old.product_id = f.product_id AND old.flag = f.flag RETURNING old.held_evidence;

-- name: mark
-- Until when one of its distinctions holds: what a list reads.
UPDATE product SET flagged_until = (
    SELECT max(held_until) FROM product_flag WHERE product_id = $1) WHERE id = $1;

-- name: waiting
SELECT f.product_id, f.flag, f.evidence, f.until, p.name, o.name AS org_name
FROM product_flag f JOIN product p ON p.id = f.product_id JOIN organisation o ON o.id = p.org_id
WHERE f.stage = 'waiting' AND p.stage <> 'withdrawn'
  AND EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(p.region, place))
ORDER BY p.name, f.product_id, f.flag LIMIT 50;
