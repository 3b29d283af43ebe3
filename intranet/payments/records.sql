-- name: next_number
SELECT nextval('payment_number');

-- name: contract
-- The money of a signed contract, and what of it is applied for or paid.
SELECT u.request_id, u.contract_no, u.payee, p.region, p.org_id, p.number AS plan_number, p.title, p.category, p.method,
       (SELECT sum(s.held_fen) FROM budget_hold_source s WHERE s.request_id = u.request_id)::bigint AS fen,
       (SELECT coalesce(sum(y.fen), 0) FROM payment y
        WHERE y.request_id = u.request_id AND y.state IN ('filed', 'applied', 'paid'))::bigint AS asked_fen,
       (SELECT coalesce(sum(y.fen), 0) FROM payment y
        WHERE y.request_id = u.request_id AND y.state = 'paid')::bigint AS paid_fen
FROM plan_use u JOIN plan p ON p.id = u.plan_id JOIN budget_hold h ON h.request_id = u.request_id
WHERE u.request_id = $1 AND h.state = 'confirmed';

-- name: contracts
-- Contracts of a unit ($1) or of places ($2), those with most left first.
SELECT u.request_id, u.contract_no, u.payee, p.title, p.number AS plan_number, p.id AS plan_id, o.name AS org_name,
       m.fen, m.asked_fen, m.paid_fen, m.fen - m.asked_fen AS left_fen
FROM plan_use u JOIN plan p ON p.id = u.plan_id JOIN budget_hold h ON h.request_id = u.request_id
JOIN organisation o ON o.id = p.org_id CROSS JOIN LATERAL (
    SELECT (SELECT sum(s.held_fen) FROM budget_hold_source s WHERE s.request_id = u.request_id)::bigint AS fen,
           coalesce(sum(y.fen) FILTER (WHERE y.state IN ('filed', 'applied', 'paid')), 0)::bigint AS asked_fen,
           coalesce(sum(y.fen) FILTER (WHERE y.state = 'paid'), 0)::bigint AS paid_fen
    FROM payment y WHERE y.request_id = u.request_id) AS m
WHERE h.state = 'confirmed'
  AND (p.org_id = $1 OR EXISTS (SELECT 1 FROM unnest($2::text[]) AS place WHERE starts_with(p.region, place)))
ORDER BY m.fen - m.asked_fen DESC, h.ended_at DESC LIMIT $3;

-- name: payments
SELECT y.*, u.contract_no, u.payee, p.title, o.name AS org_name
FROM payment y JOIN plan_use u ON u.request_id = y.request_id JOIN plan p ON p.id = u.plan_id
JOIN organisation o ON o.id = y.org_id
WHERE y.org_id = $1 OR EXISTS (SELECT 1 FROM unnest($2::text[]) AS place WHERE starts_with(y.region, place))
ORDER BY y.filed_at DESC LIMIT $3;

-- name: payment
SELECT y.*, u.contract_no, u.payee, p.title, p.id AS plan_id, p.number AS plan_number, o.name AS org_name,
       f.name AS filed_name, d.name AS decided_name
FROM payment y JOIN plan_use u ON u.request_id = y.request_id JOIN plan p ON p.id = u.plan_id
JOIN organisation o ON o.id = y.org_id JOIN person f ON f.id = y.filed_by LEFT JOIN person d ON d.id = y.decided_by
WHERE y.id = $1;

-- name: id_of
SELECT id FROM payment WHERE number = $1;

-- name: locked
SELECT * FROM payment WHERE id = $1 FOR UPDATE;

-- name: add
INSERT INTO payment (number, request_id, region, org_id, fen, acceptance_no, about, filed_by, filed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id;

-- name: decide
UPDATE payment SET state = $2, decided_by = $3, decided_at = $4, why = $5 WHERE id = $1;

-- name: end
UPDATE payment SET state = $2, ended_at = $3, voucher = coalesce($4, voucher), why = coalesce($5, why) WHERE id = $1;

-- name: sources_left
-- What of each source of a contract's money no approved application has taken.
SELECT s.no, s.indicator_id, i.project, i.fund_source, s.held_fen - coalesce((
    SELECT sum(t.fen) FROM payment_part t JOIN payment y ON y.id = t.payment_id
    WHERE y.request_id = s.request_id AND t.no = s.no AND y.state IN ('applied', 'paid')), 0)::bigint AS fen
FROM budget_hold_source s JOIN indicator i ON i.id = s.indicator_id WHERE s.request_id = $1 ORDER BY s.no;

-- name: add_part
INSERT INTO payment_part (payment_id, no, indicator_id, fen) VALUES ($1, $2, $3, $4);

-- name: parts
SELECT t.*, i.number AS indicator_number FROM payment_part t JOIN indicator i ON i.id = t.indicator_id
WHERE t.payment_id = $1 ORDER BY t.no;

-- name: indicator_key
-- The name a fiscal system gave an indicator, or the one it was carried over from; else our number.
WITH RECURSIVE line AS (
    SELECT id, carried_from, number FROM indicator WHERE id = $1
    UNION ALL SELECT i.id, i.carried_from, line.number FROM indicator i JOIN line ON i.id = line.carried_from
) SELECT coalesce((SELECT m.biz_key FROM fiscal_message m JOIN line l ON l.id = m.indicator_id
                   WHERE m.type = 'indicator.granted' LIMIT 1), (SELECT number FROM line LIMIT 1));
