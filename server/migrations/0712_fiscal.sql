-- The exchange with fiscal systems 预算管理一体化: whom we hear, and every message we took, in its order.

CREATE TABLE fiscal_peer (
    name text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    region text NOT NULL CHECK (region ~ '^([1-9][0-9]([0-9]{2}){0,2})?$'),  -- the place it speaks for, and all in it
    public_key bytea NOT NULL CHECK (length(public_key) = 32),               -- Ed25519
    seq bigint NOT NULL DEFAULT 0,                                          -- of the last message taken
    added_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE fiscal_message (
    peer text NOT NULL REFERENCES fiscal_peer (name),
    seq bigint NOT NULL CHECK (seq > 0),
    type text NOT NULL,
    biz_key text NOT NULL,
    fen bigint NOT NULL,
    day date NOT NULL,
    indicator_id uuid REFERENCES indicator (id),
    body jsonb NOT NULL,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    outcome text NOT NULL,                      -- "taken", or why its content was not
    received_at timestamptz NOT NULL,
    PRIMARY KEY (peer, seq)
);
CREATE UNIQUE INDEX fiscal_message_once ON fiscal_message (peer, type, biz_key) WHERE outcome = 'taken';
CREATE INDEX fiscal_message_by_day ON fiscal_message (peer, day, seq);
CREATE TRIGGER fiscal_message_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON fiscal_message
    FOR EACH STATEMENT EXECUTE FUNCTION row_stays();
