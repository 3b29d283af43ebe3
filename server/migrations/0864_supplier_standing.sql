-- Where a supplier stands on a day, bans and expired certificates included, and what it did in cases that are over.

SET LOCAL lock_timeout = '5s';
-- A stored "limited" is not needed: an expired certificate limits by its day.
UPDATE supplier SET status = 'active' WHERE status = 'limited';
ALTER TABLE supplier DROP CONSTRAINT supplier_status_check;
ALTER TABLE supplier ADD CONSTRAINT supplier_status_check
    CHECK (status IN ('draft', 'reviewing', 'provisional', 'active', 'closed'));

CREATE FUNCTION supplier_standing(s supplier, today date) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN s.status = 'closed' THEN 'closed'
        WHEN EXISTS (SELECT FROM supplier_ban b WHERE b.org_id = s.org_id AND b.during @> today) THEN 'banned'
        WHEN s.status IN ('active', 'provisional') AND s.certificate_until <= today THEN 'limited'
        ELSE s.status END
$$;

-- A ban taken back before its first day holds on none.
ALTER TABLE supplier_ban DROP CONSTRAINT supplier_ban_during_check;
ALTER TABLE supplier_ban
    ADD COLUMN ended_by uuid REFERENCES person (id),
    ADD COLUMN ended_why text NOT NULL DEFAULT '' CHECK (length(ended_why) <= 500),
    ADD CHECK (NOT isempty(during) OR ended_by IS NOT NULL);

-- A filing that is not let in 不予入库 gives name and code back to whom they belong.
ALTER TABLE supplier_filing DROP CONSTRAINT supplier_filing_stage_check;
ALTER TABLE supplier_filing ADD CONSTRAINT supplier_filing_stage_check
    CHECK (stage IN ('filed', 'approved', 'returned', 'replaced', 'rejected'));
ALTER TABLE supplier_filing DROP CONSTRAINT supplier_filing_check1;
ALTER TABLE supplier_filing ADD CONSTRAINT supplier_filing_decided
    CHECK ((stage IN ('approved', 'returned', 'rejected')) = (decided_at IS NOT NULL));
ALTER TABLE supplier_filing DROP CONSTRAINT supplier_filing_check2;
ALTER TABLE supplier_filing ADD CONSTRAINT supplier_filing_reason
    CHECK (stage NOT IN ('returned', 'rejected') OR remark <> '');

-- What a supplier did in lots that are over; before that nobody learns who takes part.
CREATE VIEW supplier_activity AS
SELECT s.org_id, l.id AS lot_id, l.auction_id, l.title, a.number, l.region, b.name AS buyer_name, r.closed_at, l.stage,
       coalesce(o.conformity, 'pending') AS conformity, t.rank, coalesce(t.valid, false) AS valid, w.answer, d.amount_fen,
       d.contracted_at
FROM signup s JOIN lot l ON l.auction_id = s.auction_id JOIN auction a ON a.id = l.auction_id
JOIN organisation b ON b.id = l.org_id JOIN result r ON r.lot_id = l.id
LEFT JOIN offer o ON o.lot_id = l.id AND o.signup_id = s.id
LEFT JOIN standing t ON t.lot_id = l.id AND t.signup_id = s.id
LEFT JOIN award w ON w.lot_id = l.id AND w.signup_id = s.id
LEFT JOIN deal d ON d.lot_id = l.id AND d.supplier_org_id = s.org_id
WHERE l.stage IN ('published', 'contracted', 'failed', 'cancelled') AND NOT l.practice AND s.status = 'admitted'
  AND s.org_id IS NOT NULL;
