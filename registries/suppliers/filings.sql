-- name: secret
SELECT sealed FROM supplier_secret;

-- name: keep_secret
INSERT INTO supplier_secret (sealed) VALUES ($1) ON CONFLICT (one) DO NOTHING;

-- name: reseal_secret
UPDATE supplier_secret SET sealed = $2 WHERE sealed = $1;

-- name: kin
-- Other suppliers that share with $1 the body code, the head, part of the name, an account or the telephone.
WITH newest AS (
    SELECT DISTINCT ON (f.org_id) f.org_id, f.content FROM supplier_filing f ORDER BY f.org_id, f.no DESC
), judged AS (
    SELECT s.org_id, o.name, coalesce(o.uscc, '') AS uscc,
           $2 <> '' AND substr(o.uscc, 9, 9) = $2 IS TRUE AS same_body,
           $3 <> '' AND encode(s.head_key, 'hex') = $3 IS TRUE AS same_head,
           o.name_key LIKE '%' || $4 || '%' IS TRUE AS near,
           EXISTS (SELECT FROM jsonb_array_elements(n.content->'accounts') a WHERE a->>'number' = ANY($5::text[])) AS same_account,
           $6 <> '' AND n.content->>'phone' = $6 IS TRUE AS same_phone
    FROM supplier s JOIN organisation o ON o.id = s.org_id LEFT JOIN newest n ON n.org_id = s.org_id WHERE s.org_id <> $1
)
SELECT * FROM judged WHERE same_body OR same_head OR near OR same_account OR same_phone
ORDER BY same_body DESC, same_head DESC, same_account DESC, name LIMIT 200;
