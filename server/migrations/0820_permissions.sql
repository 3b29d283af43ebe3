-- Permissions 权限: organisations under others, roles made by administrators, who may give which right and from whom he
-- has it, and the one-time links by which somebody who was invited sets his password.

SET LOCAL lock_timeout = '5s';
ALTER TABLE organisation
    ADD COLUMN parent_id uuid REFERENCES organisation (id),        -- the unit above, of a budget unit 预算单位
    ADD COLUMN name_key text,                                      -- the name without what the eye passes over
    ADD COLUMN state text NOT NULL DEFAULT 'active' CHECK (state IN ('waiting', 'active', 'refused', 'closed'));
CREATE INDEX organisation_by_name_key ON organisation (name_key);
CREATE INDEX organisation_by_state ON organisation (state, region text_pattern_ops) WHERE state <> 'active';

ALTER TABLE role_grant DROP CONSTRAINT role_grant_role_check;
ALTER TABLE role_grant ADD CONSTRAINT role_grant_role_check CHECK (
    role IN ('supplier', 'buyer', 'head', 'agency', 'supervisor', 'operator', 'expert', 'auditor', 'admin', 'security'));

-- A role made by an administrator 自定义岗位: some of the acts of a built-in one. It is never changed, only retired.
CREATE TABLE made_role (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    base text NOT NULL,
    acts text[] NOT NULL CHECK (cardinality(acts) BETWEEN 1 AND 100),
    region text NOT NULL CHECK (region ~ '^[0-9]{0,6}$'),          -- where it may be given
    made_by uuid REFERENCES person (id),
    made_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz
);
CREATE UNIQUE INDEX made_role_name_once ON made_role (region, lower(name)) WHERE retired_at IS NULL;

-- What somebody may give to others 转授权; it does not let himself act.
CREATE TABLE delegation (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    person_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    role text NOT NULL,
    made_role uuid REFERENCES made_role (id),
    region text NOT NULL DEFAULT '' CHECK (region ~ '^[0-9]{0,6}$'),
    org_id uuid REFERENCES organisation (id),
    valid tstzrange NOT NULL DEFAULT tstzrange(now(), NULL) CHECK (NOT isempty(valid)),
    onward boolean NOT NULL DEFAULT false,                         -- whether he may make others such administrators
    given_by uuid REFERENCES person (id),
    given_from uuid REFERENCES delegation (id) ON DELETE SET NULL,
    given_at timestamptz NOT NULL DEFAULT now(),
    ended_by uuid REFERENCES person (id)
);
CREATE INDEX delegation_by_person ON delegation (person_id);

ALTER TABLE role_grant
    ADD COLUMN made_role uuid REFERENCES made_role (id),
    ADD COLUMN given_from uuid REFERENCES delegation (id) ON DELETE SET NULL,
    ADD COLUMN ended_by uuid REFERENCES person (id);
CREATE INDEX role_grant_by_role ON role_grant (role, region text_pattern_ops);

CREATE TABLE account_invitation (
    token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    person_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    made_by uuid REFERENCES person (id),
    made_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX account_invitation_by_person ON account_invitation (person_id);

-- The person with what he may do, as before (0802), and the acts of roles that administrators made; of an organisation
-- that was closed nobody acts.
CREATE OR REPLACE FUNCTION person_with_grants(person uuid, at timestamptz) RETURNS TABLE (
    id uuid, login text, name text, org_id uuid, org_name text, region text, confined boolean, grants jsonb
) LANGUAGE sql STABLE AS $$
    SELECT p.id, p.login, p.name, p.org_id, o.name, p.region, bar.bar = 'bidding',
           coalesce(jsonb_agg(jsonb_build_object(
               'role', g.role, 'region', g.region, 'org_id', g.org_id, 'object_id', g.object_id, 'acts', m.acts,
               'valid_from_ms', coalesce((extract(epoch FROM lower(g.valid)) * 1000)::bigint, 0),
               'valid_until_ms', (extract(epoch FROM upper(g.valid)) * 1000)::bigint
           ) ORDER BY g.id) FILTER (WHERE g.id IS NOT NULL), '[]')
    FROM person p
    JOIN organisation o ON o.id = p.org_id AND o.state <> 'closed'
    CROSS JOIN LATERAL (SELECT audit_bar(p.id) AS bar) AS bar
    LEFT JOIN role_grant g ON g.person_id = p.id AND g.valid @> at
    LEFT JOIN made_role m ON m.id = g.made_role
    WHERE p.id = person AND p.active AND bar.bar <> 'barred'
    GROUP BY p.id, o.id, bar.bar
$$;

CREATE FUNCTION tell_of_org() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('session', json_build_object('org', NEW.id)::text);
    RETURN NULL;
END $$;
CREATE TRIGGER org_told AFTER UPDATE ON organisation FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION tell_of_org();
