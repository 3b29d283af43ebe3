-- name: unwatched
-- Goods whose price was not looked at since they were changed, and with each those that are the same product.
WITH due AS (
    SELECT id, standard_id FROM product
    WHERE kind = 'good' AND stage = 'listed' AND (watched_at IS NULL OR watched_at < changed_at)
    ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED),
every AS (SELECT id FROM due UNION
          SELECT p.id FROM product p WHERE p.standard_id IN (SELECT standard_id FROM due) AND p.stage = 'listed')
SELECT p.id, p.price_fen, p.id IN (SELECT id FROM due) AS due, s.price_fen AS reference_fen,
       (SELECT b.price_fen FROM product_price b WHERE b.product_id = p.id AND b.price_fen <> p.price_fen
        ORDER BY b.at DESC LIMIT 1) AS before_fen,
       ARRAY(SELECT min(q.price_fen) FROM product q
             WHERE q.standard_id = p.standard_id AND q.org_id <> p.org_id AND q.stage = 'listed' GROUP BY q.org_id) AS peers_fen
FROM every JOIN product p USING (id) LEFT JOIN product s ON s.id = p.standard_id ORDER BY p.id;

-- name: tell
-- What a person said of an alert holds for the price it was said of.
INSERT INTO product_alert (product_id, against, price_fen, base_fen, by_bp, made_at)
SELECT g.*, to_timestamp($6::bigint / 1000.0)
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::int[]) AS g (product_id, against, price_fen, base_fen, by_bp)
ON CONFLICT (product_id, against) DO UPDATE
SET price_fen = excluded.price_fen, base_fen = excluded.base_fen, by_bp = excluded.by_bp, made_at = excluded.made_at,
    stage = 'open', said = '', said_at = NULL, remark = '', decided_by = NULL, decided_at = NULL
WHERE product_alert.stage = 'gone'
   OR (product_alert.price_fen, product_alert.base_fen) IS DISTINCT FROM (excluded.price_fen, excluded.base_fen);

-- name: fall_silent
-- Alerts of these products whose price lies too far no more.
UPDATE product_alert SET stage = 'gone' WHERE product_id = ANY($1::uuid[]) AND stage <> 'gone'
  AND NOT EXISTS (SELECT FROM unnest($2::uuid[], $3::text[]) AS told (id, against)
                  WHERE told.id = product_alert.product_id AND told.against = product_alert.against);

-- name: watched
UPDATE product SET watched_at = greatest(changed_at, now()) WHERE id = ANY($1::uuid[]);

-- name: alerts
-- $1 places, or NULL: $2 the firm whose goods they are; $3 which stages.
SELECT a.*, p.name, p.sku, o.name AS org_name, by.name AS person, count(*) OVER () AS total,
       ARRAY(SELECT ROW(extract(epoch FROM b.at)::bigint, b.price_fen) FROM product_price b
             WHERE b.product_id = p.id ORDER BY b.at DESC LIMIT 30) AS prices
FROM product_alert a JOIN product p ON p.id = a.product_id JOIN organisation o ON o.id = p.org_id
LEFT JOIN person by ON by.id = a.decided_by
WHERE a.stage = ANY($3::text[]) AND p.stage = 'listed' AND CASE WHEN $1::text[] IS NULL THEN p.org_id = $2
      ELSE EXISTS (SELECT FROM unnest($1::text[]) AS place WHERE starts_with(p.region, place)) END
ORDER BY a.decided_at DESC NULLS FIRST, abs(a.by_bp) DESC, a.product_id, a.against LIMIT $4 OFFSET $5;

-- name: alert
SELECT a.stage, p.region, p.org_id FROM product_alert a JOIN product p ON p.id = a.product_id
WHERE a.product_id = $1 AND a.against = $2 FOR UPDATE OF a;

-- name: explain
UPDATE product_alert SET stage = 'explained', said = $3, said_at = to_timestamp($4::bigint / 1000.0)
WHERE product_id = $1 AND against = $2;

-- name: dismiss
UPDATE product_alert SET stage = 'dismissed', remark = $3, decided_by = $4, decided_at = to_timestamp($5::bigint / 1000.0)
WHERE product_id = $1 AND against = $2;

-- name: reopen
UPDATE product_alert SET stage = CASE said WHEN '' THEN 'open' ELSE 'explained' END, remark = '', decided_by = NULL,
    decided_at = NULL
WHERE product_id = $1 AND against = $2;
