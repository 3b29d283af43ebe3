-- name: live_lots
-- Lots that run, or open within a day; who may see which is decided outside.
SELECT l.id, l.auction_id, l.no, l.title, l.stage, l.region, l.org_id, l.rules, l.opens_at, l.closes_at, l.practice,
       a.agency_org_id, a.number, o.name AS org_name
FROM lot l JOIN auction a ON a.id = l.auction_id JOIN organisation o ON o.id = l.org_id
WHERE l.stage IN ('running', 'paused') OR (l.stage = 'on_hold' AND l.held_stage IN ('running', 'paused'))
   OR (l.stage = 'signup' AND l.opens_at < now() + interval '1 day')
ORDER BY (l.stage = 'signup'), coalesce(l.closes_at, l.opens_at), l.id LIMIT 2000;
