-- More that waits for a person: money's second persons, contracts to sign, what came back to whoever filed it, differences
-- with a fiscal system, low prices to explain, requests for data elements, records in doubt before the release is asked.

SET LOCAL lock_timeout = '5s';

CREATE VIEW todo_of_money AS
SELECT 'payment:' || p.id AS key, 'payment' AS kind, ARRAY[p.org_id] AS org_ids, '{head}'::text[] AS roles,
       'payment.decide' AS act, NULL::uuid AS person_id, ARRAY[p.filed_by] AS not_persons, p.region, p.id AS object_id,
       n.title, p.number, NULL::timestamptz AS until, '/payments/' || p.id AS path
FROM payment p JOIN plan_use u USING (request_id) JOIN plan n ON n.id = u.plan_id WHERE p.state = 'filed'
UNION ALL
SELECT 'plan_returned:' || p.id || ':' || extract(epoch FROM p.decided_at), 'plan_returned', ARRAY[p.org_id], '{buyer}',
       'plan.file', NULL, '{}', p.region, p.id, p.title, p.number, NULL, '/plans/' || p.id
FROM plan p WHERE p.state = 'returned'
UNION ALL
SELECT 'year_close:' || c.id, 'year_close', '{}', '{supervisor}', 'budget.close', NULL, ARRAY[c.proposed_by],
       rpad(c.place, 6, '0'), c.id, c.year::text, c.place, NULL, '/budget/year-end'
FROM year_close c WHERE c.state = 'proposed'
UNION ALL
SELECT 'reconcile:' || d.peer || ':' || d.day || ':' || d.type, 'reconcile', '{}', '{supervisor}', 'fiscal.reconcile', NULL,
       '{}', rpad(f.region, 6, '0'), NULL, d.peer, d.day::text, NULL,
       '/reconciliation#day-' || d.peer || '-' || d.day || '-' || d.type
FROM fiscal_day d JOIN fiscal_peer f ON f.name = d.peer WHERE d.differences > 0 AND d.settled_at IS NULL;

CREATE VIEW todo_of_deals AS
SELECT 'contract:' || l.id AS key, 'contract' AS kind, ARRAY[l.org_id] AS org_ids, '{buyer,head}'::text[] AS roles,
       'case.award' AS act, NULL::uuid AS person_id, '{}'::uuid[] AS not_persons, l.region, a.id AS object_id, a.title, a.number,
       ((d.body->>'contract_due')::date + 1)::timestamp AT TIME ZONE 'Asia/Shanghai' AS until,
       '/auctions/' || a.id || '#lot-' || l.no AS path
FROM lot l JOIN auction a ON a.id = l.auction_id JOIN deal d ON d.lot_id = l.id WHERE l.stage = 'published' AND NOT l.practice
UNION ALL
SELECT 'explain:' || l.id || ':' || s.signup_id, 'explain', ARRAY[u.org_id], '{supplier}', 'bid.enter', NULL, '{}', l.region,
       a.id, a.title, a.number, r.settled_at + coalesce((a.rule_set->>'lowprice.answer_minutes')::int, 30) * interval '1 minute',
       '/auctions/' || a.id || '#lot-' || l.no
FROM lot l JOIN auction a ON a.id = l.auction_id JOIN standing s ON s.lot_id = l.id JOIN signup u ON u.id = s.signup_id
JOIN result r ON r.lot_id = l.id
WHERE l.stage = 'abnormal_review' AND s.low_price = 'flagged' AND NOT s.low_price_note ? 'explanation';

CREATE VIEW todo_of_standards AS
SELECT 'element:' || e.id AS key, 'element' AS kind, '{}'::uuid[] AS org_ids, '{operator}'::text[] AS roles,
       'standards.set' AS act, NULL::uuid AS person_id, ARRAY[e.asked_by] AS not_persons, e.region, e.id AS object_id,
       e.name AS title, e.code AS number, NULL::timestamptz AS until, '/standards/elements' AS path
FROM element_request e WHERE e.stage = 'asked';

CREATE VIEW todo_of_records AS
SELECT 'record_ask:' || c.id AS key, 'record_ask' AS kind, '{}'::uuid[] AS org_ids, '{operator}'::text[] AS roles,
       'record.release' AS act, NULL::uuid AS person_id, '{}'::uuid[] AS not_persons, l.region, a.id AS object_id, a.title,
       a.number, NULL::timestamptz AS until, '/recovery' AS path
FROM lot_contradiction c JOIN lot l ON l.id = c.lot_id JOIN auction a ON a.id = l.auction_id
WHERE c.asked_at IS NULL AND c.released_at IS NULL;

-- All that waits: the union of the views named todo_of_*. Whoever adds one calls this.
CREATE FUNCTION gather_todo() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW todo_waiting AS ' || (
        SELECT string_agg('SELECT * FROM ' || relname, ' UNION ALL ' ORDER BY relname) FROM pg_class
        WHERE relkind = 'v' AND relname LIKE 'todo\_of\_%' AND relnamespace = current_schema()::regnamespace);
END $$;
SELECT gather_todo();

CREATE TRIGGER todo_told AFTER INSERT OR UPDATE ON payment FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT OR UPDATE ON year_close FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT OR UPDATE ON fiscal_day FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT OR UPDATE ON element_request FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER UPDATE OF low_price, low_price_note ON standing
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE INDEX lot_published ON lot (region) WHERE stage = 'published';
CREATE INDEX standing_flagged ON standing (lot_id) WHERE low_price = 'flagged';
CREATE INDEX payment_filed ON payment (org_id) WHERE state = 'filed';
