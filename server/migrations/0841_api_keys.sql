-- API keys 接口密钥: a program of an organisation acts for one responsible person, within some of his acts.

CREATE TABLE api_key (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    org_id uuid NOT NULL REFERENCES organisation (id),
    person_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    secret_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(secret_sha256) = 32),  -- the key itself is shown once
    acts text[] NOT NULL CHECK (cardinality(acts) BETWEEN 1 AND 100),
    per_minute integer NOT NULL CHECK (per_minute BETWEEN 1 AND 6000),
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > made_at),
    last_used_at timestamptz,
    last_address text NOT NULL DEFAULT '',
    revoked_at timestamptz,
    revoked_by uuid REFERENCES person (id)
);
CREATE INDEX api_key_by_org ON api_key (org_id, made_at);
CREATE INDEX api_key_by_person ON api_key (person_id);
