-- name: suppliers_by_id
SELECT s.org_id, o.name, coalesce(o.uscc, '') AS uscc, s.region, s.status, s.size_class, s.prison, s.welfare,
       s.head_name, coalesce(encode(s.head_key, 'hex'), '') AS head_key, s.controllers, s.categories,
       s.certificate_until,
       coalesce((SELECT jsonb_agg(jsonb_build_object(
           'begins', lower(b.during), 'ends', upper(b.during), 'reason', b.reason, 'authority', b.authority)
           ORDER BY b.id) FROM supplier_ban b WHERE b.org_id = s.org_id), '[]') AS bans
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

-- name: lift_bans
UPDATE supplier_ban SET during = daterange(lower(during), $2)
WHERE org_id = $1 AND during @> $2::date AND (lower_inf(during) OR lower(during) < $2);

-- name: matching
-- Suppliers in good standing one of whose scopes covers the category: those a framework invites.
SELECT s.org_id FROM supplier s
WHERE s.status IN ('active', 'provisional')
  AND EXISTS (SELECT 1 FROM unnest(s.categories) AS scope
              WHERE starts_with($1, regexp_replace(scope, '(00)+$', '')))
ORDER BY s.org_id;

-- name: set_status
UPDATE supplier SET status = $2, changed_at = now() WHERE org_id = $1;
