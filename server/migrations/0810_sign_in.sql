-- Second factors 第二因素: authenticator codes, recovery codes, passkeys; and when a session was last proved anew.

SET LOCAL lock_timeout = '5s';
ALTER TABLE login_session
    ADD COLUMN how text NOT NULL DEFAULT 'password',                -- password, code, passkey, recovery, oidc
    ADD COLUMN proved_at timestamptz;                               -- by a second factor, or where he has none, his password

-- The secret is encrypted by a key that is not in the database (accounts/factors/vault.py).
CREATE TABLE totp (
    person_id uuid PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
    secret bytea NOT NULL,
    last_step bigint NOT NULL,                                      -- a code is good once: only later ones are taken
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE recovery_code (
    person_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    n smallint NOT NULL CHECK (n BETWEEN 1 AND 99),
    hash text NOT NULL,
    PRIMARY KEY (person_id, n)                                      -- a code that was used is deleted
);

CREATE TABLE passkey (
    id bytea PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 1023),
    person_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz
);
CREATE INDEX passkey_by_person ON passkey (person_id);

-- Who is known to an identity provider 统一身份认证 as whom.
CREATE TABLE identity (
    issuer text NOT NULL,
    subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
    person_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (issuer, subject),
    UNIQUE (person_id, issuer)
);

CREATE FUNCTION has_second_factor(person uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM totp WHERE person_id = person) OR EXISTS (SELECT 1 FROM passkey WHERE person_id = person)
$$;
