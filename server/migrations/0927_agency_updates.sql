-- An agency's change says since when it holds, and how many working days too late it was filed; a case that is over waits for
-- the purchaser's appraisal of its agency.

SET LOCAL lock_timeout = '5s';
ALTER TABLE agency_filing
    ADD COLUMN changed_on date,
    ADD COLUMN late_workdays integer NOT NULL DEFAULT 0 CHECK (late_workdays >= 0 AND (late_workdays = 0 OR changed_on IS NOT NULL));
CREATE INDEX agency_filing_late ON agency_filing (org_id, filed_at) WHERE late_workdays > 0;

CREATE VIEW todo_of_appraisals AS
SELECT 'agency_appraise:' || c.auction_id AS key, 'agency_appraise' AS kind, ARRAY[c.buyer_org_id] AS org_ids, '{buyer}'::text[] AS roles,
       'agency.appraise' AS act, NULL::uuid AS person_id, '{}'::uuid[] AS not_persons, max(a.region) AS region,
       c.auction_id AS object_id, max(o.name) || ' · ' || max(a.title) AS title, max(c.number) AS number, NULL::timestamptz AS until,
       '/agencies/' || c.org_id || '?case=' || c.auction_id || '#appraise' AS path
FROM agency_activity c JOIN auction a ON a.id = c.auction_id JOIN organisation o ON o.id = c.org_id
WHERE coalesce(c.closed_at, a.created_at) > now() - interval '90 days' AND c.stage IN ('contracted', 'failed')
  AND NOT EXISTS (SELECT FROM agency_appraisal p WHERE p.auction_id = c.auction_id)
  AND NOT EXISTS (SELECT FROM lot l WHERE l.auction_id = c.auction_id AND l.stage NOT IN ('contracted', 'failed', 'cancelled'))
GROUP BY c.auction_id, c.org_id, c.buyer_org_id;
SELECT gather_todo();
CREATE TRIGGER todo_told AFTER INSERT ON agency_appraisal FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
