-- Payments go through the approval flows too; a province pack may bring flows, which nobody in person made.

SET LOCAL lock_timeout = '5s';

ALTER TABLE approval_flow DROP CONSTRAINT approval_flow_kind_check, ADD CHECK (kind IN ('plan', 'case', 'payment')),
    ALTER COLUMN made_by DROP NOT NULL;
ALTER TABLE approval_case DROP CONSTRAINT approval_case_kind_check, ADD CHECK (kind IN ('plan', 'case', 'payment'));

INSERT INTO approval_case (kind, object_id, round, steps, region, org_id, title, number, path, facts, filed_by, filed_at)
SELECT 'payment', y.id, 1, '[{"posts": ["head"]}]', y.region, y.org_id, p.title, y.number, '/payments/' || y.id,
       jsonb_build_object('amount_fen', y.fen, 'category', p.category, 'method', p.method, 'region', y.region),
       y.filed_by, y.filed_at
FROM payment y JOIN plan_use u USING (request_id) JOIN plan p ON p.id = u.plan_id WHERE y.state = 'filed';
INSERT INTO approval_wait (case_id, post, role, act, of_unit)
SELECT c.id, 'head', 'head', 'payment.decide', true FROM approval_case c WHERE c.kind = 'payment' AND c.state = 'running';

CREATE OR REPLACE VIEW todo_of_money AS
SELECT 'plan_returned:' || p.id || ':' || extract(epoch FROM p.decided_at) AS key, 'plan_returned' AS kind,
       ARRAY[p.org_id] AS org_ids, '{buyer}'::text[] AS roles, 'plan.file' AS act, NULL::uuid AS person_id,
       '{}'::uuid[] AS not_persons, p.region, p.id AS object_id, p.title, p.number, NULL::timestamptz AS until,
       '/plans/' || p.id AS path
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

DROP TRIGGER todo_told ON payment;
