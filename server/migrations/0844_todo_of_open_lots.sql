-- What is over waits for nobody: the list looks at open lots alone, however many there have been.

CREATE OR REPLACE VIEW todo_of_cases AS
WITH host AS (
    SELECT l.*, a.title AS case_title, a.number, a.submission, a.created_by,
           array_remove(ARRAY[l.org_id, a.agency_org_id], NULL) AS org_ids, '/auctions/' || a.id || '#lot-' || l.no AS path
    FROM lot l JOIN auction a ON a.id = l.auction_id
    WHERE NOT l.practice AND l.stage IN ('draft', 'approving', 'scheduled', 'signup', 'opening', 'running', 'paused',
        'closing', 'conformity_review', 'abnormal_review', 'award_pending', 'buyer_confirm', 'on_hold')
)
SELECT 'draft:' || h.auction_id || ':' || h.submission AS key, 'draft' AS kind, h.org_ids,
       '{buyer,agency}'::text[] AS roles, 'case.prepare' AS act, NULL::uuid AS person_id, '{}'::uuid[] AS not_persons, h.region,
       h.auction_id AS object_id, h.case_title AS title, h.number, NULL::timestamptz AS until,
       '/auctions/' || h.auction_id AS path
FROM host h WHERE h.stage = 'draft' AND h.no = (SELECT min(o.no) FROM lot o WHERE o.auction_id = h.auction_id)
UNION ALL
SELECT h.stage || ':' || h.id || ':' || coalesce(h.award_rank, 0), h.stage, h.org_ids, '{buyer,head,agency}',
       CASE WHEN h.stage IN ('buyer_confirm', 'award_pending') THEN 'case.award' ELSE 'case.host' END, NULL, '{}',
       h.region, h.auction_id, h.case_title, h.number, h.due_at, h.path
FROM host h WHERE h.stage IN ('conformity_review', 'abnormal_review', 'buyer_confirm')
   OR (h.stage = 'award_pending' AND h.award_due_at IS NULL)
UNION ALL
SELECT 'conformity:' || h.id, 'conformity', h.org_ids, '{buyer,head,agency}', 'case.host', NULL, '{}', h.region, h.auction_id,
       h.case_title, h.number, h.opens_at, h.path
FROM host h WHERE h.stage = 'signup' AND h.rules->>'conformity' = 'before_start'
  AND EXISTS (SELECT FROM offer f JOIN signup s ON s.id = f.signup_id
              WHERE f.lot_id = h.id AND f.conformity = 'pending' AND s.status = 'admitted')
UNION ALL
SELECT 'question:' || q.id, 'question', h.org_ids, '{buyer,head,agency}', 'case.host', NULL, '{}', h.region, h.auction_id,
       h.case_title, h.number, h.opens_at, h.path
FROM question q JOIN host h ON h.id = q.lot_id WHERE q.answer IS NULL AND h.stage = 'signup'
UNION ALL
SELECT 'second:' || m.id, 'second', ARRAY[h.org_id], '{head}', 'motion.decide', NULL, ARRAY[m.proposed_by], h.region, h.auction_id,
       h.case_title, h.number, NULL, h.path
FROM motion m JOIN host h ON h.id = m.lot_id WHERE m.state = 'open'
UNION ALL
SELECT 'record:' || c.id, 'record', ARRAY[h.org_id], '{buyer,head}', 'record.release', NULL, ARRAY[c.asked_by], h.region, h.auction_id,
       h.case_title, h.number, NULL, '/recovery'
FROM lot_contradiction c JOIN host h ON h.id = c.lot_id WHERE c.asked_at IS NOT NULL AND c.released_at IS NULL
UNION ALL
SELECT 'answer_award:' || w.lot_id || ':' || w.rank, 'answer_award', ARRAY[s.org_id], '{supplier}', 'bid.enter', NULL, '{}',
       h.region, h.auction_id, h.case_title, h.number, w.due_at, h.path
FROM award w JOIN host h ON h.id = w.lot_id AND h.award_rank = w.rank JOIN signup s ON s.id = w.signup_id
WHERE w.answer IS NULL AND h.stage = 'award_pending';

