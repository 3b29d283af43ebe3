-- The person, his organisation, the grants valid at a moment, and whether he is confined. Nobody who is barred (0602).
CREATE FUNCTION person_with_grants(person uuid, at timestamptz) RETURNS TABLE (
    id uuid, login text, name text, org_id uuid, org_name text, region text, confined boolean, grants jsonb
) LANGUAGE sql STABLE AS $$
    SELECT p.id, p.login, p.name, p.org_id, o.name, p.region, bar.bar = 'bidding',
           coalesce(jsonb_agg(jsonb_build_object(
               'role', g.role, 'region', g.region, 'org_id', g.org_id, 'object_id', g.object_id,
               'valid_from_ms', coalesce((extract(epoch FROM lower(g.valid)) * 1000)::bigint, 0),
               'valid_until_ms', (extract(epoch FROM upper(g.valid)) * 1000)::bigint
           ) ORDER BY g.id) FILTER (WHERE g.id IS NOT NULL), '[]')
    FROM person p
    JOIN organisation o ON o.id = p.org_id
    CROSS JOIN LATERAL (SELECT audit_bar(p.id) AS bar) AS bar
    LEFT JOIN role_grant g ON g.person_id = p.id AND g.valid @> at
    WHERE p.id = person AND p.active AND bar.bar <> 'barred'
    GROUP BY p.id, o.id, bar.bar
$$;
