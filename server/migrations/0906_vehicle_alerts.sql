-- Alerts of many vehicles: which units are beyond their quotas is found once for all, not once for each vehicle.

SET LOCAL lock_timeout = '5s';

-- Units that have more of a kind, or have asked for more, than they may.
CREATE VIEW vehicle_beyond AS
SELECT org_id, kind FROM vehicle WHERE stage IN ('asked', 'approved', 'active')
GROUP BY org_id, kind HAVING count(*) > vehicle_quota_of(org_id, kind);

CREATE FUNCTION vehicle_alerts(v vehicle, today date, beyond boolean) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN v.stage <> 'active' THEN '{}' ELSE v.alerts
        || CASE WHEN coalesce(v.insured_until <= today, true) THEN ARRAY['uninsured'] ELSE '{}' END
        || CASE WHEN beyond THEN ARRAY['no_quota'] ELSE '{}' END
    END
$$;
CREATE OR REPLACE FUNCTION vehicle_alerts(v vehicle, today date) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT vehicle_alerts(v, today, vehicles_held(v.org_id, v.kind) > vehicle_quota_of(v.org_id, v.kind))
$$;
