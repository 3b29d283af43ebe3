-- What the archive of a case holds besides the papers of its lots. Suppliers by alias; names ($2) for supervisors.

-- name: case_numbered
SELECT id FROM auction WHERE number = $1 OR id::text = $1;

-- name: signups
SELECT s.alias, s.status, s.created_at, s.declarations, s.deduction_bp,
       CASE WHEN $2 THEN coalesce(o.name, s.name) END AS name, CASE WHEN $2 THEN o.uscc END AS uscc
FROM signup s LEFT JOIN organisation o ON o.id = s.org_id WHERE s.auction_id = $1 ORDER BY s.alias;

-- name: offers
SELECT s.alias, f.brand, f.model, f.response, f.delivery, f.declarations, f.opening_price, f.conformity,
       f.conformity_reason, p.name AS conformity_by, f.conformity_at, f.changed_at
FROM offer f JOIN signup s ON s.id = f.signup_id LEFT JOIN person p ON p.id = f.conformity_by
WHERE f.lot_id = $1 ORDER BY s.alias;

-- name: checkpoints
SELECT note FROM transcript_checkpoint WHERE lot_id = $1 ORDER BY size;

-- name: receipts
SELECT alias, note FROM transcript_receipt WHERE lot_id = $1 ORDER BY alias, size;

-- name: acts
-- Who did what at the case and its lots. Of suppliers, for a host, only what and when.
SELECT e.at, e.event, e.object, e.result,
       CASE WHEN seen THEN p.name END AS person, CASE WHEN seen THEN o.name END AS organisation,
       CASE WHEN seen THEN e.detail END AS detail, CASE WHEN $2 THEN e.address END AS address
FROM audit_event e LEFT JOIN person p ON p.id = e.person_id LEFT JOIN organisation o ON o.id = e.org_id,
     LATERAL (SELECT $2 OR coalesce(o.kind <> 'supplier', e.person_id IS NULL) AS seen) AS s
WHERE e.object = 'auction:' || $1::uuid::text
   OR e.object IN (SELECT 'lot:' || l.id FROM lot l WHERE l.auction_id = $1)
ORDER BY e.id;
