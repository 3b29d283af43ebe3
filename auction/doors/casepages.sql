-- name: list_for
-- Published cases for all; their own too for the hosting organisation $2 and for supervisors of $3 (region prefixes).
-- $1 the reader's organisation, $4 stages (empty: any), $5 words, $6 category prefix, $7 view: all, open, mine;
-- $8 how many, $9 from which. What runs comes first, then what opens soonest, then the latest.
SELECT a.id, a.number, a.title, a.category, a.region, a.opens_at, a.published_at, a.practice, o.name AS org_name,
       coalesce(s.status = 'admitted', false) AS signed_up,
       (SELECT jsonb_agg(jsonb_build_object('id', l.id, 'no', l.no, 'stage', l.stage,
            'opens_at', (extract(epoch FROM l.opens_at) * 1000)::bigint,
            'closes_at', (extract(epoch FROM l.closes_at) * 1000)::bigint,
            'ceiling', l.rules->'ceiling', 'basis', l.rules->'basis') ORDER BY l.no)
        FROM lot l WHERE l.auction_id = a.id) AS lots,
       count(*) OVER () AS total
FROM auction a JOIN organisation o ON o.id = a.org_id
LEFT JOIN signup s ON s.auction_id = a.id AND s.org_id = $1
WHERE CASE WHEN a.practice THEN $7 = 'mine' AND a.org_id = $1 AND s.id IS NOT NULL
           ELSE a.published_at IS NOT NULL OR a.org_id = $2 OR a.agency_org_id = $2
                OR EXISTS (SELECT FROM unnest($3::text[]) AS p WHERE a.region LIKE p || '%') END
  AND (cardinality($4::text[]) = 0 OR EXISTS (SELECT FROM lot l WHERE l.auction_id = a.id AND l.stage = ANY($4)))
  AND ($5 = '' OR a.title ILIKE '%' || $5 || '%' OR a.number ILIKE '%' || $5 || '%' OR o.name ILIKE '%' || $5 || '%')
  AND starts_with(a.category, $6)
  AND CASE $7 WHEN 'mine' THEN s.status = 'admitted' OR a.org_id = $2 OR a.agency_org_id = $2
              WHEN 'open' THEN EXISTS (SELECT FROM lot l WHERE l.auction_id = a.id AND l.stage = 'signup'
                                       AND l.opens_at > now())
              ELSE true END
ORDER BY EXISTS (SELECT FROM lot l WHERE l.auction_id = a.id AND l.stage IN ('running', 'paused', 'closing')) DESC,
         CASE WHEN EXISTS (SELECT FROM lot l WHERE l.auction_id = a.id AND l.stage = 'signup') THEN a.opens_at END
             NULLS LAST,
         coalesce(a.opens_at, a.created_at) DESC, a.id DESC
LIMIT $8 OFFSET $9;

-- name: own_offers
-- The organisation's offers in a case, by lot.
SELECT f.* FROM offer f JOIN signup s ON s.id = f.signup_id WHERE s.auction_id = $1 AND s.org_id = $2;

-- name: own_standing
-- Where the organisation stands in a settled lot, whether its price is to be explained, and why it was found invalid.
SELECT t.rank, t.price, t.effective, t.valid, t.why_not, t.low_price, t.low_price_note,
       CASE WHEN t.why_not = 'low_price' THEN t.low_price_note->>'reason' END AS reason
FROM standing t JOIN signup s ON s.id = t.signup_id WHERE t.lot_id = $1 AND s.org_id = $2;

-- name: own_exclusion
-- Why the organisation was excluded from a settled lot; no row when it was not.
SELECT coalesce(e.body->'note'->>'reason', '') AS reason FROM lot_event e JOIN lot l ON l.id = e.lot_id
JOIN signup s ON s.auction_id = l.auction_id AND s.alias = e.body->>'who'
WHERE e.lot_id = $1 AND e.kind = 'barred' AND s.org_id = $2 ORDER BY e.n LIMIT 1;

-- name: winner_of
-- The supplier the award is offered to now, or was given to.
SELECT o.name, o.uscc, w.answer, w.due_at, w.rank FROM lot l JOIN award w ON w.lot_id = l.id AND w.rank = l.award_rank
JOIN signup s ON s.id = w.signup_id JOIN organisation o ON o.id = s.org_id WHERE l.id = $1;

-- name: rerun_of_lot
SELECT auction_id FROM lot WHERE rerun_of = $1;
