-- name: suppliers_by_id
SELECT s.org_id, o.name, coalesce(o.uscc, '') AS uscc, s.region, s.status, s.size_class, s.prison, s.welfare,
       s.head_name, coalesce(encode(s.head_key, 'hex'), '') AS head_key, s.controllers, s.categories,
       s.certificate_until,
       coalesce((SELECT jsonb_agg(jsonb_build_object(
           'begins', lower(b.during), 'ends', upper(b.during), 'reason', b.reason, 'authority', b.authority)
           ORDER BY b.id) FROM supplier_ban b WHERE b.org_id = s.org_id AND NOT isempty(b.during)), '[]') AS bans
FROM supplier s JOIN organisation o ON o.id = s.org_id
WHERE s.org_id = ANY($1::uuid[]);

-- name: put_supplier
INSERT INTO supplier (org_id, region, status, size_class, prison, welfare, head_name, head_key, controllers, categories,
                      certificate_until)
SELECT o.id, o.region, $2, $3, $4, $5, $6, decode($7, 'hex'), $8, $9, $10
FROM organisation o WHERE o.id = $1 AND o.kind = 'supplier'
ON CONFLICT (org_id) DO UPDATE
SET region = excluded.region, status = excluded.status, size_class = excluded.size_class, prison = excluded.prison, welfare = excluded.welfare,
    head_name = excluded.head_name, head_key = excluded.head_key, controllers = excluded.controllers,
    categories = excluded.categories, certificate_until = excluded.certificate_until, changed_at = now()
RETURNING org_id;

-- name: add_ban
INSERT INTO supplier_ban (org_id, during, reason, authority, set_by) VALUES ($1, daterange($2, $3), $4, $5, $6)
RETURNING id;

-- name: home_of
SELECT region FROM supplier WHERE org_id = $1;

-- name: ban
SELECT b.id, b.org_id, b.during, s.region FROM supplier_ban b JOIN supplier s ON s.org_id = b.org_id WHERE b.id = $1
FOR UPDATE OF b;

-- name: lift_ban
-- From that day on it holds no more; one that has not begun never holds.
UPDATE supplier_ban SET during = daterange(lower(during), greatest($2, lower(during))), ended_by = $3, ended_why = $4
WHERE id = $1 AND NOT isempty(during) AND ended_by IS NULL AND (upper_inf(during) OR upper(during) > $2) RETURNING true;

-- name: same_ban
-- Whether the same ban stands already: its days, its reason, its authority.
SELECT EXISTS (SELECT FROM supplier_ban WHERE org_id = $1 AND during = daterange($2, $3) AND reason = $4 AND authority = $5);

-- name: bans
-- Bans that hold on $1 or later, and those of the three years before: their publicity 公示.
SELECT b.id, b.org_id, lower(b.during) AS begins, upper(b.during) AS ends, b.reason, b.authority, b.ended_why, o.name,
       o.uscc, s.region, b.during @> $1::date AS holds, count(*) OVER () AS total
FROM supplier_ban b JOIN supplier s ON s.org_id = b.org_id JOIN organisation o ON o.id = b.org_id
WHERE NOT isempty(b.during) AND (upper_inf(b.during) OR upper(b.during) > ($1::date - interval '3 years')::date)
  AND ($2 = '' OR o.name ILIKE '%' || $2 || '%' OR o.uscc = upper($2))
  AND ($3 = '' OR ($3 = 'holding') = (b.during @> $1::date))
ORDER BY b.during @> $1::date DESC, lower(b.during) DESC NULLS LAST, b.id DESC LIMIT $4 OFFSET $5;

-- name: bans_of
SELECT b.id, lower(b.during) AS begins, upper(b.during) AS ends, b.reason, b.authority, b.ended_why,
       b.during @> $2::date AS holds
FROM supplier_ban b WHERE b.org_id = $1 AND NOT isempty(b.during) ORDER BY lower(b.during) DESC NULLS LAST, b.id DESC;

-- name: matching
-- Suppliers in good standing one of whose scopes covers the category: those a framework invites.
SELECT s.org_id FROM supplier s
WHERE s.status IN ('active', 'provisional')
  AND EXISTS (SELECT 1 FROM unnest(s.categories) AS scope
              WHERE starts_with($1, regexp_replace(scope, '(00)+$', '')))
ORDER BY s.org_id;

-- name: search
-- Suppliers with their standing on $1: words in name, code or scope, a place, a standing, a category, a size.
WITH found AS (
    SELECT s.org_id, o.name, coalesce(o.uscc, '') AS uscc, s.region, s.size_class, s.categories, s.registered_at,
           supplier_standing(s, $1::date) AS standing
    FROM supplier s JOIN organisation o ON o.id = s.org_id
    WHERE starts_with(s.region, $2) AND ($3 = '' OR o.name ILIKE '%' || $3 || '%' OR o.name_key LIKE '%' || $4 || '%'
                                         OR o.uscc = upper($3))
      AND ($5 = '' OR EXISTS (SELECT FROM unnest(s.categories) AS scope
                              WHERE starts_with($5, regexp_replace(scope, '(00)+$', ''))))
      AND ($6 = '' OR s.size_class = $6)
)
SELECT *, count(*) OVER () AS total FROM found WHERE $7 = '' OR standing = $7
ORDER BY name, org_id LIMIT $8 OFFSET $9;

-- name: activity
-- What it did in cases that are over, the latest first; $2: only what it won, which is public.
SELECT * FROM supplier_activity WHERE org_id = $1 AND (NOT $2 OR (amount_fen IS NOT NULL AND stage <> 'failed'))
ORDER BY closed_at DESC, lot_id LIMIT 50;

-- name: statistics
SELECT count(*) AS taken_part, count(*) FILTER (WHERE valid) AS valid, count(*) FILTER (WHERE amount_fen IS NOT NULL) AS won,
       count(*) FILTER (WHERE contracted_at IS NOT NULL) AS contracted,
       count(*) FILTER (WHERE answer IN ('refused', 'expired')) AS let_go,
       count(*) FILTER (WHERE conformity = 'fail') AS unfit, coalesce(sum(amount_fen), 0)::bigint AS amount_fen,
       count(DISTINCT buyer_name) FILTER (WHERE amount_fen IS NOT NULL) AS buyers
FROM supplier_activity WHERE org_id = $1;

-- name: by_quarter
-- What it was awarded in each of the last eight quarters before $2.
SELECT to_char(q, 'YYYY"Q"Q') AS quarter, count(a.lot_id) AS many, coalesce(sum(a.amount_fen), 0)::bigint AS fen
FROM generate_series(date_trunc('quarter', $2::timestamp) - interval '21 months', date_trunc('quarter', $2::timestamp), '3 months') AS q
LEFT JOIN supplier_activity a ON a.org_id = $1 AND a.amount_fen IS NOT NULL AND a.stage <> 'failed'
     AND date_trunc('quarter', a.closed_at AT TIME ZONE 'Asia/Shanghai') = q
GROUP BY q ORDER BY q DESC;
