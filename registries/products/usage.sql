-- name: count
INSERT INTO product_day (product_id, day, views, compares)
SELECT g.id, g.day, g.views, g.compares FROM unnest($1::uuid[], $2::date[], $3::int[], $4::int[]) AS g (id, day, views, compares)
JOIN product p ON p.id = g.id ORDER BY 1, 2
ON CONFLICT (product_id, day) DO UPDATE
SET views = product_day.views + excluded.views, compares = product_day.compares + excluded.compares;

-- name: months
-- How often a product was looked at and compared in each of the twelve months to $2.
SELECT to_char(m, 'YYYY-MM') AS month, coalesce(sum(d.views), 0)::bigint AS views, coalesce(sum(d.compares), 0)::bigint AS compares
FROM generate_series(date_trunc('month', $2::timestamp) - interval '11 months', date_trunc('month', $2::timestamp), '1 month') AS m
LEFT JOIN product_day d ON d.product_id = $1 AND date_trunc('month', d.day::timestamp) = m GROUP BY m ORDER BY m;

-- name: awards
-- Awards of the last two years whose offer named this brand and model.
SELECT count(*) AS many, coalesce(sum(a.amount_fen), 0)::bigint AS fen, max(a.made_at) AS last
FROM product_award a WHERE $2 <> '' AND a.brand = lower(btrim($1)) AND a.model = lower(btrim($2)) AND a.made_at > now() - interval '2 years';

-- name: stars
-- How many gave how many stars; hidden ones are not counted.
SELECT s AS stars, count(r.stars) AS many FROM generate_series(5, 1, -1) AS s
LEFT JOIN product_review r ON r.product_id = $1 AND r.stars = s AND r.hidden_by IS NULL GROUP BY s ORDER BY s DESC;

-- name: reviews
-- What purchasers say, one's own ($3) and the newest first; hidden ones for whoever reviews ($2), and for their author.
SELECT r.*, o.name AS org_name, p.name AS author, h.name AS hider FROM product_review r
JOIN organisation o ON o.id = r.org_id JOIN person p ON p.id = r.person_id LEFT JOIN person h ON h.id = r.hidden_by
WHERE r.product_id = $1 AND (r.hidden_by IS NULL OR $2 OR r.person_id = $3) ORDER BY r.person_id = $3 DESC NULLS LAST, r.changed_at DESC LIMIT 50;

-- name: give
-- Given again it is changed, and what the firm answered to the former one is gone; a hidden one stays hidden.
INSERT INTO product_review (product_id, person_id, org_id, stars, words, given_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $6)
ON CONFLICT (product_id, person_id) DO UPDATE
SET stars = excluded.stars, words = excluded.words, changed_at = excluded.changed_at, org_id = excluded.org_id, answer = '', answered_at = NULL;

-- name: take_back
DELETE FROM product_review WHERE product_id = $1 AND person_id = $2 AND hidden_by IS NULL RETURNING true;

-- name: answer
UPDATE product_review SET answer = $3, answered_at = $4 WHERE product_id = $1 AND person_id = $2 AND hidden_by IS NULL RETURNING true;

-- name: hide
UPDATE product_review SET hidden_by = $3, hidden_why = $4 WHERE product_id = $1 AND person_id = $2 AND hidden_by IS NULL RETURNING true;

-- name: show_again
UPDATE product_review SET hidden_by = NULL, hidden_why = '' WHERE product_id = $1 AND person_id = $2 AND hidden_by IS NOT NULL
RETURNING true;

-- name: statistics
-- Products of the firm $1 or the places $2 by how often they were looked at in the thirty days before $3.
WITH looked AS (
    SELECT d.product_id, sum(d.views) AS views, sum(d.compares) AS compares FROM product_day d WHERE d.day > $3::date - 30 GROUP BY 1
), said AS (
    SELECT r.product_id, count(*) AS reviews, round(avg(r.stars), 1)::float8 AS mean FROM product_review r WHERE r.hidden_by IS NULL GROUP BY 1
)
SELECT p.id, p.name, p.brand, p.model, o.name AS org_name, coalesce(l.views, 0)::bigint AS views, coalesce(l.compares, 0)::bigint AS compares,
       coalesce(s.reviews, 0)::bigint AS reviews, s.mean, count(*) OVER () AS total, max(coalesce(l.views, 0)) OVER ()::bigint AS most
FROM product p JOIN organisation o ON o.id = p.org_id LEFT JOIN looked l ON l.product_id = p.id LEFT JOIN said s ON s.product_id = p.id
WHERE p.stage = 'listed' AND (l.product_id IS NOT NULL OR s.product_id IS NOT NULL)
  AND (p.org_id = $1 OR EXISTS (SELECT FROM unnest($2::text[]) AS place WHERE starts_with(p.region, place)))
ORDER BY coalesce(l.views, 0) DESC, s.reviews DESC NULLS LAST, p.id LIMIT $4 OFFSET $5;
