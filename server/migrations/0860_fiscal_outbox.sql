-- Messages of ours to fiscal systems 发报: written with what they tell of, numbered when that stands, sent until answered.

SET LOCAL lock_timeout = '5s';

-- Where a fiscal system is told. seq: of the last message numbered; acked: up to which it has answered.
CREATE TABLE fiscal_link (
    peer text PRIMARY KEY REFERENCES fiscal_peer (name),
    url text NOT NULL CHECK (url ~ '^https?://[^[:space:]]+$' AND length(url) <= 500),
    seq bigint NOT NULL DEFAULT 0,
    acked bigint NOT NULL DEFAULT 0,
    tries integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT '-infinity',
    fault text NOT NULL DEFAULT '',             -- why the last try came to nothing; empty: it did not
    heard_at timestamptz,
    CHECK (acked BETWEEN 0 AND seq)
);

CREATE TABLE fiscal_out (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    peer text NOT NULL REFERENCES fiscal_link (peer),
    type text NOT NULL,
    biz_key text NOT NULL,
    ver integer NOT NULL CHECK (ver > 0),
    fen bigint NOT NULL,
    day date NOT NULL,
    data jsonb NOT NULL,
    made_at timestamptz NOT NULL,
    seq bigint CHECK (seq > 0),
    body bytea,                                 -- as sent, the same at every try
    outcome text,
    acked_at timestamptz,
    UNIQUE (peer, type, biz_key, ver),
    UNIQUE (peer, seq),
    CHECK ((seq IS NULL) = (body IS NULL)),
    CHECK ((outcome IS NULL) = (acked_at IS NULL))
);
CREATE INDEX fiscal_out_unnumbered ON fiscal_out (peer, id) WHERE seq IS NULL;
CREATE INDEX fiscal_out_by_day ON fiscal_out (peer, day, seq);
