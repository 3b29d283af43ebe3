-- ── cases ────────────────────────────────────────────────────────────────────────────────────────────────────────

-- name: next_number
SELECT CASE WHEN $2 THEN 'MN' WHEN left($1, 2) = '33' THEN 'ZJ' ELSE left($1, 2) END
       || '-' || to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYYY') || '-' || lpad(nextval('auction_number')::text, 6, '0');

-- name: add_practice
INSERT INTO auction (number, ocid, region, org_id, title, category, practice, opens_at, published_at, created_by)
VALUES ($1, $2, $3, $4, $5, $6, true, $7, $8, $9) RETURNING id;

-- name: lots_of
SELECT l.* FROM lot l WHERE l.auction_id = $1 ORDER BY l.no;

-- name: lot_with_case
SELECT l.*, a.title AS auction_title, a.number, a.ocid, a.agency_org_id, a.rule_set, a.rule_set_sha256, a.legal_basis,
       a.category, a.kind, a.invitation_only, a.published_at, a.created_by, a.budget_fen
FROM lot l JOIN auction a ON a.id = l.auction_id WHERE l.id = $1;

-- name: lot_for_update
SELECT l.*, a.title AS auction_title, a.number, a.ocid, a.agency_org_id, a.rule_set, a.rule_set_sha256, a.legal_basis,
       a.category, a.kind, a.invitation_only, a.published_at, a.created_by, a.budget_fen
FROM lot l JOIN auction a ON a.id = l.auction_id WHERE l.id = $1 FOR UPDATE OF l;

-- name: lot_to_settle
-- Nobody else may settle it meanwhile: no row when another process is at it.
SELECT l.*, a.title AS auction_title, a.number, a.rule_set, a.budget_fen FROM lot l JOIN auction a ON a.id = l.auction_id
WHERE l.id = $1 FOR UPDATE OF l SKIP LOCKED;

-- name: move_lot
-- A lot that moves is on hold no more; a move that is refused undoes its transaction.
WITH ended AS (UPDATE lot_hold SET ended_at = clock_timestamp() WHERE lot_id = $1 AND ended_at IS NULL)
UPDATE lot SET stage = $3, version = version + 1, due_at = $4, why = $5,
       held_stage = NULL, held_at = NULL, held_due_at = NULL, held_by = NULL, held_paused = false
WHERE id = $1 AND stage = $2 RETURNING version;

-- name: hold_lot
UPDATE lot SET held_stage = stage, held_at = $3, held_due_at = due_at, stage = 'on_hold', due_at = $4, why = $5,
       held_by = $6, held_paused = $7, version = version + 1
WHERE id = $1 AND stage = $2 RETURNING version;

-- name: release_lot
-- The time the lot was held is added to what was due, and to an opening that had not come.
UPDATE lot SET stage = held_stage, why = '', version = version + 1,
       due_at = held_due_at + ($2 - held_at),
       opens_at = CASE WHEN held_stage IN ('scheduled', 'signup') THEN opens_at + ($2 - held_at) ELSE opens_at END,
       award_due_at = CASE WHEN held_stage = 'award_pending' THEN award_due_at + ($2 - held_at) ELSE award_due_at END,
       held_stage = NULL, held_at = NULL, held_due_at = NULL, held_by = NULL, held_paused = false
WHERE id = $1 AND stage = 'on_hold' RETURNING stage;

-- name: add_hold
INSERT INTO lot_hold (lot_id, by, reason, held_at, until) VALUES ($1, $2, $3, $4, $5);

-- name: end_hold
UPDATE lot_hold SET ended_at = $2, ended_by = $3 WHERE lot_id = $1 AND ended_at IS NULL;

-- name: holds_of
SELECT h.*, p.name AS ender FROM lot_hold h LEFT JOIN person p ON p.id = h.ended_by
WHERE h.lot_id = $1 ORDER BY h.held_at DESC;

-- ── dues ─────────────────────────────────────────────────────────────────────────────────────────────────────────

-- name: take_due
SELECT l.id, l.stage, l.held_stage, l.handed_over_at FROM lot l WHERE l.due_at <= $1
ORDER BY l.due_at LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: put_off_due
UPDATE lot SET due_at = $2 WHERE id = $1 AND due_at <= $3;

-- name: due_sooner
UPDATE lot SET due_at = $2 WHERE id = $1 AND due_at > $2;

-- name: next_due
SELECT min(due_at) FROM lot WHERE due_at IS NOT NULL;

-- name: running_to_hand_over
UPDATE lot SET entrants = $3, opens_at = $4, handed_over_at = NULL, due_at = $5 WHERE id = $1 AND stage = $2;

-- name: handed_over
UPDATE lot SET handed_over_at = $2, opens_at = $4, closes_at = $3, due_at = NULL
WHERE id = $1 AND handed_over_at IS NULL;

-- name: handed_over_many
UPDATE lot SET handed_over_at = $2, due_at = NULL WHERE id = ANY($1::uuid[]) AND handed_over_at IS NULL;

-- ── settlement ───────────────────────────────────────────────────────────────────────────────────────────────────

-- name: add_result
INSERT INTO result (lot_id, region, org_id, outcome, why, final_n, log_sha256, log_chain, rules_sha256, closed_at,
                    settled_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING RETURNING lot_id;

-- name: admitted_to_settle
SELECT s.id, s.alias, s.org_id, o.conformity, o.conformity_reason
FROM signup s LEFT JOIN offer o ON o.signup_id = s.id AND o.lot_id = $2
WHERE s.auction_id = $1;

-- name: settled_lot
UPDATE lot SET closes_at = $2 WHERE id = $1;

-- name: result_of
SELECT r.*, l.stage, l.practice FROM lot l LEFT JOIN result r ON r.lot_id = l.id WHERE l.id = $1;

-- name: standings_of
SELECT s.rank, s.alias, s.signup_id, s.price, s.effective, s.n, s.at, s.detail, s.valid, s.why_not, s.low_price,
       s.low_price_note, u.org_id, coalesce(o.name, u.name) AS name, o.uscc
FROM standing s JOIN signup u ON u.id = s.signup_id LEFT JOIN organisation o ON o.id = u.org_id
WHERE s.lot_id = $1 ORDER BY s.rank;

-- name: events_of
SELECT n, body::text AS body FROM lot_event WHERE lot_id = $1 AND n > $2 ORDER BY n;

-- name: add_leftover
INSERT INTO leftover (lot_id, settled_at) VALUES ($1, $2);

-- ── seats ────────────────────────────────────────────────────────────────────────────────────────────────────────

-- name: seat_facts
-- Lots ($1), and where the persons' organisations stand in them ($2), or the practice aliases ($3); by number of the
-- question.
SELECT q.number, l.id, l.auction_id, l.region, l.org_id, l.rules, l.stage, l.practice, l.entrants, a.agency_org_id,
       a.published_at, a.created_by, u.alias, u.status AS signup_status, f.conformity,
       (SELECT key FROM lot_salt WHERE lot_id = l.id) AS salt, supplier_banned(q.org_id) AS banned,
       (extract(epoch FROM now()) * 1000)::bigint AS now_ms
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) WITH ORDINALITY AS q (lot_id, org_id, alias, number)
JOIN lot l ON l.id = q.lot_id JOIN auction a ON a.id = l.auction_id
LEFT JOIN signup u ON u.auction_id = a.id AND (u.org_id = q.org_id OR (a.practice AND u.alias = q.alias))
LEFT JOIN offer f ON f.lot_id = l.id AND f.signup_id = u.id;

-- name: quantities_of
SELECT no, (quantity * 1000)::bigint AS thousandths FROM line WHERE lot_id = $1 ORDER BY no;

-- name: shelf_of
SELECT rules, stage, opens_at, closes_at FROM lot WHERE id = $1;

-- ── practice ─────────────────────────────────────────────────────────────────────────────────────────────────────

-- name: practice_auction
SELECT id, org_id, agency_org_id, region, created_by FROM auction WHERE id = $1 AND practice;

-- name: practice_running
SELECT count(*) FROM lot WHERE org_id = $1 AND practice AND stage IN ('running', 'paused', 'closing');

-- name: practice_to_join
-- Only what a supplier opened himself may be joined by link.
SELECT l.id, l.title, l.stage, l.opens_at, l.rules, o.name AS org_name, l.org_id
FROM lot l JOIN organisation o ON o.id = l.org_id
WHERE l.auction_id = $1 AND l.practice AND o.kind = 'supplier';

-- name: practice_seat_of
SELECT id FROM signup WHERE auction_id = $1 AND org_id = $2;

-- name: take_practice_seat
UPDATE signup SET org_id = $2, name = '', created_by = $3 WHERE id = (
    SELECT id FROM signup WHERE auction_id = $1 AND org_id IS NULL AND name = $4 ORDER BY id LIMIT 1
    FOR UPDATE SKIP LOCKED) RETURNING alias;

-- name: one_at_a_time
SELECT pg_advisory_xact_lock(hashtextextended($1, 0));

-- name: practice_aliases
SELECT name, alias FROM signup WHERE auction_id = $1 AND org_id IS NULL AND name = ANY($2::text[]);

-- ── award and publication ────────────────────────────────────────────────────────────────────────────────────────

-- name: to_closing
UPDATE lot SET stage = 'closing' WHERE id = $1 AND stage IN ('running', 'paused', 'opening');

-- name: offer_award
WITH offered AS (
    INSERT INTO award (lot_id, rank, signup_id, offered_at, due_at)
    SELECT s.lot_id, s.rank, s.signup_id, $3, $4 FROM standing s WHERE s.lot_id = $1 AND s.rank = $2
)
UPDATE lot SET award_rank = $2, award_due_at = $4 WHERE id = $1;

-- name: add_publication
INSERT INTO publication (auction_id, lot_id, region, kind, body, sha256, published_at) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- name: clear_due
UPDATE lot SET due_at = NULL WHERE id = $1;

-- name: people_to_start
-- Who signed up and brought an offer for this lot, in the order of admission.
SELECT s.id, s.alias, s.org_id, s.deduction_bp, s.declarations, o.opening_price, o.conformity
FROM signup s JOIN offer o ON o.signup_id = s.id AND o.lot_id = $2
WHERE s.auction_id = $1 AND s.status = 'admitted' ORDER BY s.created_at, s.id;

-- name: lots_for_update
SELECT l.*, a.title AS auction_title, a.number, a.ocid, a.agency_org_id, a.rule_set, a.rule_set_sha256, a.legal_basis,
       a.category, a.kind, a.notice, a.invitation_only, a.published_at, a.created_by, a.budget_fen, a.signup_from
FROM lot l JOIN auction a ON a.id = l.auction_id WHERE l.auction_id = $1 ORDER BY l.no FOR UPDATE OF l;

-- name: published
UPDATE auction SET published_at = coalesce(published_at, $2), version = version + 1 WHERE id = $1;

-- name: reschedule
WITH lots AS (UPDATE lot SET opens_at = $2 WHERE auction_id = $1)
UPDATE auction SET opens_at = $2, version = version + 1 WHERE id = $1;

-- name: award_now
SELECT w.rank, w.signup_id, w.due_at, w.answer, u.org_id, u.alias, s.price, s.effective, s.detail, o.name, o.uscc
FROM lot l JOIN award w ON w.lot_id = l.id AND w.rank = l.award_rank
JOIN signup u ON u.id = w.signup_id JOIN standing s ON s.lot_id = l.id AND s.rank = w.rank
JOIN organisation o ON o.id = u.org_id WHERE l.id = $1;

-- name: answer_award
UPDATE award SET answer = $3, reason = $4, answered_by = $5, answered_at = $6
WHERE lot_id = $1 AND rank = $2 AND answer IS NULL RETURNING rank;

-- name: await_choice
UPDATE lot SET due_at = NULL, award_due_at = NULL, version = version + 1 WHERE id = $1;

-- name: add_deal
INSERT INTO deal (id, lot_id, region, org_id, supplier_org_id, amount_fen, body, made_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (lot_id) DO NOTHING RETURNING id;

-- name: deal_of
SELECT d.*, o.name AS supplier FROM deal d JOIN organisation o ON o.id = d.supplier_org_id WHERE d.lot_id = $1;

-- name: contracted
UPDATE deal SET contract_no = $2, contracted_at = $3 WHERE lot_id = $1 AND contract_no IS NULL RETURNING body->>'supplier_name';

-- name: lines_of
SELECT no, name, spec, unit, quantity, unit_ceiling_fen, (quantity * 1000)::bigint AS thousandths
FROM line WHERE lot_id = $1 ORDER BY no;

-- ── drafting and approval ────────────────────────────────────────────────────────────────────────────────────────

-- name: add_auction
INSERT INTO auction (number, ocid, region, org_id, agency_org_id, title, category, kind, budget_fen, budget_project,
    plan_no, in_framework, legal_basis, gate, rule_set, rule_set_sha256, notice, invitation_only, posts, signup_from,
    opens_at, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
RETURNING id;

-- name: change_auction
UPDATE auction SET agency_org_id = $2, title = $3, category = $4, kind = $5, budget_fen = $6, budget_project = $7,
    plan_no = $8, in_framework = $9, legal_basis = $10, gate = $11, notice = $12, invitation_only = $13, posts = $14,
    signup_from = $15, opens_at = $16, version = version + 1
WHERE id = $1;

-- name: drop_lots
DELETE FROM lot WHERE auction_id = $1 AND stage = 'draft' AND rerun_of IS NULL;

-- name: change_lot
-- A lot that repeats a failed one keeps its row; its content is replaced.
WITH lines AS (DELETE FROM line WHERE lot_id = $1)
UPDATE lot SET title = $2, rules = $3, opens_at = $4, version = version + 1 WHERE id = $1;

-- name: drop_invitations
DELETE FROM invitation WHERE auction_id = $1;

-- name: add_lot
INSERT INTO lot (auction_id, region, org_id, no, title, rules, opens_at, round_no, rerun_of)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id;

-- name: auction_by_id
SELECT a.*, o.name AS org_name, g.name AS agency_name, (extract(epoch FROM now()) * 1000)::bigint AS now_ms
FROM auction a JOIN organisation o ON o.id = a.org_id LEFT JOIN organisation g ON g.id = a.agency_org_id
WHERE a.id = $1;

-- name: auction_for_update
SELECT a.* FROM auction a WHERE a.id = $1 FOR UPDATE;

-- name: sum_of_year
-- What this organisation buys of the same item under the same budget project in the year (条例 §28), this case aside.
SELECT coalesce(sum(a.budget_fen), 0)::bigint FROM auction a
WHERE a.org_id = $1 AND a.category = $2 AND a.budget_project = $3 AND NOT a.practice AND a.id IS DISTINCT FROM $4
  AND a.created_at >= $5 AND a.created_at < $6
  AND EXISTS (SELECT FROM lot l WHERE l.auction_id = a.id AND l.rerun_of IS NULL
              AND l.stage NOT IN ('draft', 'cancelled', 'failed'));

-- name: submitted
UPDATE auction SET submission = submission + 1, version = version + 1 WHERE id = $1 RETURNING submission;

-- name: approvals_of
SELECT d.post, d.decision, d.remark, d.decided_by, d.decided_at, c.round AS submission, p.name
FROM approval_decision d JOIN approval_case c ON c.id = d.case_id JOIN person p ON p.id = d.decided_by
WHERE c.kind = 'case' AND c.object_id = $1 ORDER BY c.round, d.decided_at;

-- name: is_invited
SELECT EXISTS (SELECT FROM invitation WHERE auction_id = $1 AND org_id = $2);

-- name: signups_of
SELECT s.*, o.name AS org_name, o.uscc FROM signup s LEFT JOIN organisation o ON o.id = s.org_id
WHERE s.auction_id = $1 ORDER BY s.created_at, s.id;

-- name: signup_of
SELECT * FROM signup WHERE auction_id = $1 AND org_id = $2;

-- name: add_signup
INSERT INTO signup (auction_id, org_id, alias, declarations, deduction_bp, created_by)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (auction_id, org_id) DO UPDATE SET status = 'admitted', declarations = $4, deduction_bp = $5
RETURNING id, alias;

-- name: withdraw_signup
UPDATE signup SET status = 'withdrawn' WHERE auction_id = $1 AND org_id = $2 AND status = 'admitted' RETURNING id;

-- name: put_offer
INSERT INTO offer (lot_id, signup_id, brand, model, response, delivery, declarations, opening_price)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (lot_id, signup_id) DO UPDATE SET brand = $3, model = $4, response = $5, delivery = $6, declarations = $7,
    opening_price = $8, conformity = 'pending', conformity_reason = '', conformity_by = NULL, conformity_at = NULL,
    changed_at = clock_timestamp();

-- name: offers_of
SELECT f.*, s.alias, s.org_id, s.status FROM offer f JOIN signup s ON s.id = f.signup_id
WHERE f.lot_id = $1 ORDER BY s.alias;

-- name: decide_conformity
UPDATE offer f SET conformity = $3, conformity_reason = $4, conformity_by = $5, conformity_at = clock_timestamp()
FROM signup s WHERE f.lot_id = $1 AND s.id = f.signup_id AND s.alias = $2 RETURNING f.signup_id;

-- name: conformity_of
SELECT s.alias, coalesce(f.conformity, 'pending') AS conformity
FROM standing t JOIN signup s ON s.id = t.signup_id LEFT JOIN offer f ON f.lot_id = t.lot_id AND f.signup_id = s.id
WHERE t.lot_id = $1;

-- name: update_standing
UPDATE standing SET valid = $3, why_not = $4, low_price = $5, low_price_note = low_price_note || $6
WHERE lot_id = $1 AND alias = $2 RETURNING rank;

-- ── questions and motions ────────────────────────────────────────────────────────────────────────────────────────

-- name: add_question
INSERT INTO question (lot_id, signup_id, text) VALUES ($1, $2, $3) RETURNING id;

-- name: answer_question
UPDATE question SET answer = $2, answered_by = $3, answered_at = clock_timestamp()
WHERE id = $1 AND lot_id = $4 AND answer IS NULL RETURNING id;

-- name: questions_of
-- All of a lot, or ($2) those of one sign-up.
SELECT q.id, q.text, q.asked_at, q.answer, q.answered_at, s.alias
FROM question q JOIN signup s ON s.id = q.signup_id
WHERE q.lot_id = $1 AND ($2::uuid IS NULL OR q.signup_id = $2) ORDER BY q.asked_at;

-- name: add_motion
INSERT INTO motion (lot_id, kind, reason, target, proposed_by) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (lot_id, kind, target) WHERE state = 'open' DO NOTHING RETURNING id;

-- name: motion_for_update
SELECT * FROM motion WHERE id = $1 FOR UPDATE;

-- name: decide_motion
UPDATE motion SET state = $2, decided_by = $3, decided_at = clock_timestamp() WHERE id = $1;

-- name: motion_done
UPDATE motion SET state = $2, outcome = $3 WHERE id = $1;

-- name: motions_of
SELECT m.*, p.name AS proposer, d.name AS decider FROM motion m JOIN person p ON p.id = m.proposed_by
LEFT JOIN person d ON d.id = m.decided_by WHERE m.lot_id = $1 ORDER BY m.proposed_at;

-- name: rerun_known
SELECT id, auction_id FROM lot WHERE rerun_of = $1;

-- name: invite
INSERT INTO invitation (auction_id, org_id) VALUES ($1, $2);

-- name: add_line
INSERT INTO line (lot_id, no, name, spec, unit, quantity, unit_ceiling_fen) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- ── rerun ────────────────────────────────────────────────────────────────────────────────────────────────────────

-- name: copy_auction
INSERT INTO auction (number, ocid, region, org_id, agency_org_id, title, category, kind, budget_fen, budget_project,
    plan_no, in_framework, legal_basis, gate, rule_set, rule_set_sha256, notice, invitation_only, posts, opens_at,
    created_by)
SELECT $2, $3, region, org_id, agency_org_id, title, category, kind, budget_fen, budget_project, plan_no, in_framework,
       legal_basis, gate, rule_set, rule_set_sha256, notice, invitation_only, posts, $4, $5
FROM auction WHERE id = $1 RETURNING id;

-- name: copy_invitations
INSERT INTO invitation (auction_id, org_id) SELECT $2, org_id FROM invitation WHERE auction_id = $1;

-- name: copy_lines
INSERT INTO line (lot_id, no, name, spec, unit, quantity, unit_ceiling_fen)
SELECT $2, no, name, spec, unit, quantity, unit_ceiling_fen FROM line WHERE lot_id = $1;

-- name: deal_facts
SELECT o.name AS buyer_name, a.plan_no, r.log_sha256, r.final_n
FROM lot l JOIN auction a ON a.id = l.auction_id JOIN organisation o ON o.id = l.org_id
LEFT JOIN result r ON r.lot_id = l.id WHERE l.id = $1;

-- ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

-- name: list_cases
-- Published cases for all; for organisation $1 its own too, for $2 (region prefixes) all in them. $3 stage, $4 words,
-- $5 category prefix, $6 how many, $7 from which.
SELECT a.id, a.number, a.title, a.category, a.kind, a.region, a.org_id, a.budget_fen, a.legal_basis, a.published_at,
       a.opens_at, a.created_at, o.name AS org_name,
       (SELECT jsonb_agg(jsonb_build_object('id', l.id, 'no', l.no, 'title', l.title, 'stage', l.stage,
            'opens_at', (extract(epoch FROM l.opens_at) * 1000)::bigint,
            'closes_at', (extract(epoch FROM l.closes_at) * 1000)::bigint,
            'ceiling', l.rules->'ceiling', 'basis', l.rules->'basis') ORDER BY l.no)
        FROM lot l WHERE l.auction_id = a.id) AS lots,
       count(*) OVER () AS total
FROM auction a JOIN organisation o ON o.id = a.org_id
WHERE NOT a.practice
  AND (a.published_at IS NOT NULL OR a.org_id = $1 OR a.agency_org_id = $1
       OR EXISTS (SELECT FROM unnest($2::text[]) AS p WHERE a.region LIKE p || '%'))
  AND ($3 = '' OR EXISTS (SELECT FROM lot l WHERE l.auction_id = a.id AND l.stage = $3))
  AND ($4 = '' OR a.title ILIKE '%' || $4 || '%' OR a.number ILIKE '%' || $4 || '%' OR o.name ILIKE '%' || $4 || '%')
  AND a.category LIKE $5 || '%'
ORDER BY EXISTS (SELECT FROM lot l WHERE l.auction_id = a.id AND l.stage IN ('running', 'paused')) DESC,
         coalesce(a.opens_at, a.created_at) DESC, a.id DESC LIMIT $6 OFFSET $7;

-- name: publications_of
SELECT id, lot_id, kind, body, sha256, published_at FROM publication WHERE auction_id = $1 ORDER BY published_at, id;

-- name: invited_to
SELECT i.org_id, o.name FROM invitation i JOIN organisation o ON o.id = i.org_id WHERE i.auction_id = $1 ORDER BY o.name;

-- name: thing_of
SELECT id, number, region, array_remove(ARRAY[org_id, agency_org_id], NULL) AS orgs FROM auction
WHERE number = $1 AND NOT practice;

-- name: to_look_at
SELECT a.org_id, a.plan_no, a.category, a.region,
       (SELECT sum(CASE WHEN l.rules->>'basis' <> 'discount_rate' THEN (l.rules->>'ceiling')::bigint END) FROM lot l
        WHERE l.auction_id = a.id)::bigint AS ceiling_fen
FROM auction a WHERE a.id = $1;

-- name: last_paid
-- The last deals for an item 品目 in a province, a unit's own first. A deal's data are public.
SELECT d.body, d.made_at FROM deal d
WHERE d.body->>'category' = $1 AND d.region LIKE $3 || '%'
ORDER BY (d.org_id = $2) DESC, d.made_at DESC LIMIT $4;

-- name: awards_of
SELECT w.rank, u.alias, w.offered_at, w.due_at, w.answer, w.reason, w.answered_at
FROM award w JOIN signup u ON u.id = w.signup_id WHERE w.lot_id = $1 ORDER BY w.rank;

-- name: running_lots_of
-- Lots on the board 看板 of organisation $1 and of the regions $2.
SELECT l.id, l.no, l.title, l.stage, l.opens_at, l.closes_at, a.title AS auction_title, a.number, o.name AS org_name
FROM lot l JOIN auction a ON a.id = l.auction_id JOIN organisation o ON o.id = l.org_id
WHERE l.stage IN ('running', 'paused', 'on_hold') AND NOT l.practice
  AND (l.org_id = $1 OR a.agency_org_id = $1 OR EXISTS (SELECT FROM unnest($2::text[]) AS p WHERE l.region LIKE p || '%'))
ORDER BY l.closes_at NULLS LAST LIMIT 500;

-- name: own_signups
SELECT s.auction_id, s.alias, s.status, s.deduction_bp FROM signup s WHERE s.org_id = $1;

-- name: open_motions_of
SELECT m.id, m.lot_id, m.kind, m.reason, m.proposed_at, l.title, a.id AS auction_id, a.title AS auction_title
FROM motion m JOIN lot l ON l.id = m.lot_id JOIN auction a ON a.id = l.auction_id
WHERE m.state = 'open' AND l.org_id = $1 ORDER BY m.proposed_at;

-- name: case_of_motion
SELECT l.auction_id FROM motion m JOIN lot l ON l.id = m.lot_id WHERE m.id = $1;

-- name: points_of
-- Every offer of a settled lot, for its chart.
SELECT n, (extract(epoch FROM at) * 1000)::bigint AS at, body->>'who' AS who, (body->>'price')::bigint AS price
FROM lot_event WHERE lot_id = $1 AND kind IN ('bid', 'prebid') ORDER BY n LIMIT 5000;

-- ── papers ───────────────────────────────────────────────────────────────────────────────────────────────────────

-- name: paper_facts
SELECT l.*, a.title AS auction_title, a.number, a.ocid, a.category, a.budget_fen, a.plan_no, a.legal_basis, a.gate,
       a.invitation_only, a.published_at, o.name AS buyer_name, r.outcome, r.final_n, r.log_sha256, r.rules_sha256,
       r.closed_at, r.settled_at, d.body AS deal, d.made_at,
       (SELECT s.price FROM standing s WHERE s.lot_id = l.id AND s.rank = l.award_rank) AS won_price
FROM lot l JOIN auction a ON a.id = l.auction_id JOIN organisation o ON o.id = l.org_id
LEFT JOIN result r ON r.lot_id = l.id LEFT JOIN deal d ON d.lot_id = l.id WHERE l.id = $1;

-- name: event_counts
SELECT kind, count(*) FROM lot_event WHERE lot_id = $1 GROUP BY kind;

-- name: explain_low_price
UPDATE standing SET low_price_note = low_price_note || $3
WHERE lot_id = $1 AND signup_id = $2 AND low_price = 'flagged' RETURNING rank;

-- name: low_price_asked
SELECT s.low_price_note, r.settled_at FROM standing s JOIN result r ON r.lot_id = s.lot_id
WHERE s.lot_id = $1 AND s.alias = $2;
