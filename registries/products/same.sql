-- name: unlooked
-- Goods that the matcher has not looked at since they were changed, of some places.
SELECT p.id, p.brand, p.model, p.name, p.category, p.price_fen FROM product p
WHERE p.kind = 'good' AND p.stage = 'listed' AND p.standard_id IS NULL AND (p.looked_at IS NULL OR p.looked_at < p.changed_at)
  AND EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(p.region, place))
ORDER BY p.id LIMIT $2 FOR UPDATE SKIP LOCKED;

-- name: unlooked_count
SELECT count(*) FROM product p
WHERE p.kind = 'good' AND p.stage = 'listed' AND p.standard_id IS NULL AND (p.looked_at IS NULL OR p.looked_at < p.changed_at)
  AND EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(p.region, place));

-- name: candidates
-- For each question the standard products that share a number of the maker, or brand and category.
SELECT asked.at, s.id, s.brand, s.model, s.name, s.price_fen
FROM unnest($1::text[]) WITH ORDINALITY AS asked (query, at) CROSS JOIN LATERAL (
    SELECT * FROM product p WHERE p.words @@ asked.query::tsquery AND p.kind = 'standard' AND p.stage = 'listed'
    LIMIT 100) AS s
ORDER BY asked.at, s.id;

-- name: heard
SELECT word, heard FROM product_word WHERE word = ANY($1::text[]);

-- name: about_all
SELECT greatest(reltuples, (SELECT max(heard) FROM product_word), 1)::float8 FROM pg_class WHERE oid = 'product'::regclass;

-- name: suggest
-- What was decided stays decided.
INSERT INTO product_same (good_id, standard_id, score) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[])
ON CONFLICT (good_id, standard_id) DO UPDATE SET score = excluded.score WHERE product_same.stage = 'open';

-- name: looked
UPDATE product SET looked_at = greatest(changed_at, now()) WHERE id = ANY($1::uuid[]);

-- name: look_again
-- Goods that may be a standard product which has just been listed.
UPDATE product SET looked_at = NULL
WHERE kind = 'good' AND stage = 'listed' AND standard_id IS NULL AND looked_at IS NOT NULL AND words @@ $1::text::tsquery;

-- name: suggestions
SELECT m.good_id, m.standard_id, m.score, m.stage, m.decided_at, by.name AS person, g.name AS good_name, g.brand AS good_brand,
       g.model AS good_model, g.price_fen AS good_fen, seller.name AS seller, s.name AS standard_name, s.brand, s.model,
       s.price_fen AS standard_fen, owner.name AS owner, count(*) OVER () AS total
FROM product_same m JOIN product g ON g.id = m.good_id JOIN product s ON s.id = m.standard_id
JOIN organisation seller ON seller.id = g.org_id JOIN organisation owner ON owner.id = s.org_id
LEFT JOIN person by ON by.id = m.decided_by
WHERE CASE WHEN $2 THEN m.stage <> 'open'
           ELSE m.stage = 'open' AND g.standard_id IS NULL AND g.stage = 'listed' AND s.stage = 'listed' END
  AND EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(g.region, place))
ORDER BY m.decided_at DESC NULLS FIRST, m.score DESC, m.good_id, m.standard_id LIMIT $3 OFFSET $4;

-- name: suggestion
SELECT m.stage, g.region FROM product_same m JOIN product g ON g.id = m.good_id
WHERE m.good_id = $1 AND m.standard_id = $2 FOR UPDATE OF m, g;

-- name: decide_same
UPDATE product_same SET stage = $3, decided_by = $4, decided_at = to_timestamp($5::bigint / 1000.0)
WHERE good_id = $1 AND standard_id = $2;

-- name: join_standard
UPDATE product SET standard_id = $2, changed_at = to_timestamp($3::bigint / 1000.0), changed_by = $4
WHERE id = $1 AND standard_id IS NULL AND kind = 'good' RETURNING id;

-- name: part_standard
UPDATE product SET standard_id = NULL, changed_at = to_timestamp($3::bigint / 1000.0), changed_by = $4
WHERE id = $1 AND standard_id = $2 RETURNING id;
