-- People, organisations, grants, sessions, audit trail.

CREATE TABLE organisation (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    kind text NOT NULL CHECK (kind IN ('buyer', 'supplier', 'agency', 'supervisor', 'operator')),
    uscc text UNIQUE CHECK (uscc ~ '^[0-9A-Z]{18}$'),
    region text NOT NULL CHECK (region ~ '^[0-9]{6}$'),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX organisation_by_region ON organisation (region text_pattern_ops, kind);

CREATE TABLE person (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    org_id uuid NOT NULL REFERENCES organisation (id),
    region text NOT NULL CHECK (region ~ '^[0-9]{6}$'),
    login text NOT NULL CHECK (login ~ '^[a-zA-Z0-9][a-zA-Z0-9._@-]{1,63}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    password_hash text,                       -- absent: may not log in with a password
    active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX person_by_login ON person (lower(login));
CREATE INDEX person_by_org ON person (org_id);

-- Who may act as what: in every place whose code begins with `region`, for one organisation or any,
-- for one object or any, for a time.
CREATE TABLE role_grant (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    person_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('supplier', 'buyer', 'head', 'agency', 'supervisor', 'operator')),
    region text NOT NULL DEFAULT '' CHECK (region ~ '^[0-9]{0,6}$'),
    org_id uuid REFERENCES organisation (id),
    object_id uuid,
    valid tstzrange NOT NULL DEFAULT tstzrange(now(), NULL) CHECK (NOT isempty(valid)),
    granted_by uuid REFERENCES person (id),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX role_grant_by_person ON role_grant (person_id);
CREATE INDEX role_grant_by_org ON role_grant (org_id, role);

-- The token itself is known only to the browser: what is kept is its SHA-256.
CREATE TABLE login_session (
    token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    id uuid NOT NULL UNIQUE DEFAULT uuidv7(),
    person_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    address text NOT NULL DEFAULT '',
    user_agent text NOT NULL DEFAULT ''
);
CREATE INDEX login_session_by_person ON login_session (person_id);
CREATE INDEX login_session_by_expiry ON login_session (expires_at);

-- Append only: a row is never changed and never deleted.
CREATE TABLE audit_event (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    person_id uuid,
    login text NOT NULL DEFAULT '',
    org_id uuid,
    region text NOT NULL DEFAULT '',
    event text NOT NULL CHECK (event ~ '^[a-z][a-z0-9_.]*$'),
    object text NOT NULL DEFAULT '',
    result text NOT NULL CHECK (result IN ('done', 'refused', 'failed')),
    detail jsonb NOT NULL DEFAULT '{}',
    request_id text NOT NULL DEFAULT ''
);
CREATE INDEX audit_event_by_object ON audit_event (object, at);
CREATE INDEX audit_event_by_person ON audit_event (person_id, at);
CREATE INDEX audit_event_by_region ON audit_event (region text_pattern_ops, at);

CREATE FUNCTION audit_event_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_event is append only';
END
$$;
CREATE TRIGGER audit_event_stays BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_stays();
