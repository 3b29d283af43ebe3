-- Pictures of certificates 证照附件: kept as they came, after they were looked at; shown to their firm and its reviewer.

SET LOCAL lock_timeout = '5s';

CREATE TABLE paper (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    org_id uuid NOT NULL REFERENCES organisation (id),
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    kind text NOT NULL CHECK (kind IN ('png', 'jpeg', 'pdf')),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    body bytea NOT NULL CHECK (length(body) BETWEEN 1 AND 5242880),
    width integer NOT NULL,
    height integer NOT NULL,
    pages integer NOT NULL,
    edited_with text NOT NULL,
    kept boolean NOT NULL DEFAULT false,                    -- a filing names it; others go after a day
    filed_at timestamptz NOT NULL,
    filed_by uuid NOT NULL REFERENCES person (id)
);
ALTER TABLE paper ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX paper_of_firm ON paper (org_id, filed_at);
CREATE INDEX paper_same ON paper (sha256) WHERE kept;
