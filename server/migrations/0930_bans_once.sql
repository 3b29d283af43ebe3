-- A ban or mark that was ended twice held for all the past: its first day was lost with the first ending. Such rows hold on no day.
-- A case is appraised once all its lots are over, and one of them was not cancelled.

SET LOCAL lock_timeout = '5s';
UPDATE supplier_ban SET during = 'empty' WHERE lower_inf(during) AND ended_by IS NOT NULL;
UPDATE agency_mark SET during = 'empty' WHERE lower_inf(during) AND ended_by IS NOT NULL;

CREATE VIEW agency_over AS
SELECT c.auction_id, c.org_id, c.buyer_org_id, max(c.number) AS number, max(coalesce(c.closed_at, a.created_at)) AS over_at
FROM agency_activity c JOIN auction a ON a.id = c.auction_id
WHERE c.stage IN ('contracted', 'failed')
  AND NOT EXISTS (SELECT FROM lot l WHERE l.auction_id = c.auction_id AND l.stage NOT IN ('contracted', 'failed', 'cancelled'))
  AND NOT EXISTS (SELECT FROM agency_appraisal p WHERE p.auction_id = c.auction_id)
GROUP BY c.auction_id, c.org_id, c.buyer_org_id;

CREATE OR REPLACE VIEW todo_of_appraisals AS
SELECT 'agency_appraise:' || c.auction_id AS key, 'agency_appraise' AS kind, ARRAY[c.buyer_org_id] AS org_ids, '{buyer}'::text[] AS roles,
       'agency.appraise' AS act, NULL::uuid AS person_id, '{}'::uuid[] AS not_persons, a.region,
       c.auction_id AS object_id, o.name || ' · ' || a.title AS title, c.number, NULL::timestamptz AS until,
       '/agencies/' || c.org_id || '?case=' || c.auction_id || '#appraise' AS path
FROM agency_over c JOIN auction a ON a.id = c.auction_id JOIN organisation o ON o.id = c.org_id
WHERE c.over_at > now() - interval '90 days';
