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
UPDATE lot SET stage = $3, version = version + 1, due_at = $4, why = $5,
       held_stage = NULL, held_at = NULL, held_due_at = NULL
WHERE id = $1 AND stage = $2 RETURNING version;

-- name: hold_lot
UPDATE lot SET held_stage = stage, held_at = $3, held_due_at = due_at, stage = 'on_hold', due_at = $4, why = $5,
       version = version + 1
WHERE id = $1 AND stage = $2 RETURNING version;

-- name: release_lot
-- The time the lot was held is added to what was due, and to an opening that had not come.
UPDATE lot SET stage = held_stage, why = '', version = version + 1,
       due_at = held_due_at + ($2 - held_at),
       opens_at = CASE WHEN held_stage IN ('scheduled', 'signup') THEN opens_at + ($2 - held_at) ELSE opens_at END,
       award_due_at = CASE WHEN held_stage = 'award_pending' THEN award_due_at + ($2 - held_at) ELSE award_due_at END,
       held_stage = NULL, held_at = NULL, held_due_at = NULL
WHERE id = $1 AND stage = 'on_hold' RETURNING stage;

-- ── dues ─────────────────────────────────────────────────────────────────────────────────────────────────────────

-- name: take_due
SELECT l.id, l.stage, l.held_stage, l.handed_over_at FROM lot l WHERE l.due_at <= $1
ORDER BY l.due_at LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: put_off_due
UPDATE lot SET due_at = $2 WHERE id = $1 AND due_at <= $3;

-- name: next_due
SELECT min(due_at) FROM lot WHERE due_at IS NOT NULL;

-- name: running_to_hand_over
UPDATE lot SET entrants = $3, opens_at = $4, handed_over_at = NULL, due_at = $5 WHERE id = $1 AND stage = $2;

-- name: handed_over
UPDATE lot SET handed_over_at = $2, closes_at = $3, due_at = NULL WHERE id = $1 AND handed_over_at IS NULL;

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

-- ── seats ────────────────────────────────────────────────────────────────────────────────────────────────────────

-- name: seat_facts
-- The lot, and where the person's organisation stands in it ($2), or the practice alias ($3).
SELECT l.id, l.auction_id, l.region, l.org_id, l.rules, l.stage, l.practice, l.entrants, a.agency_org_id,
       a.published_at, a.created_by, u.alias, u.status AS signup_status, f.conformity,
       (extract(epoch FROM now()) * 1000)::bigint AS now_ms
FROM lot l JOIN auction a ON a.id = l.auction_id
LEFT JOIN signup u ON u.auction_id = a.id AND (u.org_id = $2 OR (a.practice AND u.alias = $3))
LEFT JOIN offer f ON f.lot_id = l.id AND f.signup_id = u.id
WHERE l.id = $1;

-- name: quantities_of
SELECT no, (quantity * 1000)::bigint AS thousandths FROM line WHERE lot_id = $1 ORDER BY no;

-- name: shelf_of
SELECT rules, stage, opens_at, closes_at FROM lot WHERE id = $1;

-- ── practice ─────────────────────────────────────────────────────────────────────────────────────────────────────

-- name: practice_auction
SELECT id, org_id, agency_org_id, region, created_by FROM auction WHERE id = $1 AND practice;

-- name: practice_aliases
SELECT name, alias FROM signup WHERE auction_id = $1 AND org_id IS NULL AND name = ANY($2::text[]);

-- ── award and publication ────────────────────────────────────────────────────────────────────────────────────────

-- name: to_closing
UPDATE lot SET stage = 'closing' WHERE id = $1 AND stage IN ('running', 'paused');

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
SELECT s.id, s.alias, s.org_id, s.deduction_bp, o.opening_price, o.conformity
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
UPDATE deal SET contract_no = $2, contracted_at = $3 WHERE lot_id = $1 AND contract_no IS NULL RETURNING id;

-- name: lines_of
SELECT no, name, spec, unit, quantity, unit_ceiling_fen, (quantity * 1000)::bigint AS thousandths
FROM line WHERE lot_id = $1 ORDER BY no;
