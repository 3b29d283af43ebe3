-- A purchase asked for may be withdrawn; an entry that was wrong is corrected by another that names it: it stays, and counts no more.

SET LOCAL lock_timeout = '5s';
ALTER TABLE vehicle DROP CONSTRAINT vehicle_stage_check;
ALTER TABLE vehicle ADD CONSTRAINT vehicle_stage_check
    CHECK (stage IN ('asked', 'refused', 'withdrawn', 'approved', 'active', 'disposed'));
ALTER TABLE vehicle_entry DROP CONSTRAINT vehicle_entry_what_check;
ALTER TABLE vehicle_entry ADD CONSTRAINT vehicle_entry_what_check
    CHECK (what IN ('ask', 'approve', 'refuse', 'withdraw', 'register', 'transfer', 'dispose', 'dispatch', 'fuel', 'repair', 'insurance',
                    'correct', 'clear')),
    ADD COLUMN void boolean NOT NULL DEFAULT false;

CREATE OR REPLACE VIEW todo_of_vehicles AS
SELECT 'vehicle:' || v.id AS key, 'vehicle_ask' AS kind, '{}'::uuid[] AS org_ids, '{supervisor}'::text[] AS roles,
       'vehicle.approve' AS act, NULL::uuid AS person_id, array_remove(ARRAY[v.asked_by, (
           SELECT q.set_by FROM vehicle_quota q WHERE q.org_id = v.org_id AND q.kind = v.kind ORDER BY q.id DESC LIMIT 1)], NULL) AS not_persons,
       v.region, v.id AS object_id,
       v.model AS title, o.name AS number, NULL::timestamptz AS until, '/vehicles/' || v.id AS path
FROM vehicle v JOIN organisation o ON o.id = v.org_id WHERE v.stage = 'asked'
UNION ALL
SELECT 'vehicle_alert:' || v.id, 'vehicle_alert', '{}', '{supervisor}', 'vehicle.approve', NULL, '{}', v.region, v.id,
       v.plate, o.name, NULL, '/vehicles/' || v.id
FROM vehicle v JOIN organisation o ON o.id = v.org_id WHERE v.stage = 'active' AND v.alerts <> '{}'
UNION ALL
SELECT 'vehicle_register:' || v.id, 'vehicle_register', ARRAY[v.org_id], '{buyer}', 'vehicle.ask', NULL, '{}', v.region, v.id,
       v.model, '', NULL, '/vehicles/' || v.id
FROM vehicle v WHERE v.stage = 'approved'
UNION ALL
SELECT 'vehicle_insure:' || v.id, 'vehicle_insure', ARRAY[v.org_id], '{buyer}', 'vehicle.ask', NULL, '{}', v.region, v.id,
       v.plate, '', NULL, '/vehicles/' || v.id
FROM vehicle v WHERE v.stage = 'active' AND coalesce(v.insured_until <= (now() AT TIME ZONE 'Asia/Shanghai')::date, true);
