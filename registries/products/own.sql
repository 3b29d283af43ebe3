-- name: put
-- A product as it is filed; what is there already is changed only where it differs (no row: nothing did), and stays down if it
-- was taken down.
INSERT INTO product (kind, org_id, region, sku, category, brand, model, name, attributes, price_fen, stage, words, sounds,
                     identity, changed_at, changed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, CASE $1 WHEN 'standard' THEN 'waiting' ELSE 'listed' END,
        array_to_tsvector($11::text[]), $12, $13, to_timestamp($14::bigint / 1000.0), $15)
ON CONFLICT (org_id, kind, sku) DO UPDATE
SET category = excluded.category, brand = excluded.brand, model = excluded.model, name = excluded.name,
    attributes = excluded.attributes, price_fen = excluded.price_fen,
    stage = CASE product.stage WHEN 'withdrawn' THEN 'withdrawn' ELSE excluded.stage END, words = excluded.words,
    sounds = excluded.sounds, identity = excluded.identity, changed_at = excluded.changed_at,
    changed_by = excluded.changed_by
WHERE product.stage = 'returned' OR (product.name, product.category, product.brand, product.model, product.attributes, product.price_fen)
    IS DISTINCT FROM (excluded.name, excluded.category, excluded.brand, excluded.model, excluded.attributes, excluded.price_fen)
RETURNING id;

-- name: by_number
SELECT id FROM product WHERE org_id = $1 AND kind = $2 AND sku = $3;

-- name: withdraw
UPDATE product SET stage = 'withdrawn', changed_at = to_timestamp($3::bigint / 1000.0), changed_by = $4
WHERE id = $1 AND org_id = $2 AND stage <> 'withdrawn' RETURNING id;

-- name: restore
UPDATE product SET stage = CASE kind WHEN 'standard' THEN 'waiting' ELSE 'listed' END,
    changed_at = to_timestamp($3::bigint / 1000.0), changed_by = $4
WHERE id = $1 AND org_id = $2 AND stage = 'withdrawn' RETURNING id;
