-- Sealed quotes: offices and their members' public keys; quotes as ciphertext, shares and what they opened, append only.

SET LOCAL lock_timeout = '5s';
ALTER TABLE organisation DROP CONSTRAINT organisation_kind_check;
ALTER TABLE organisation ADD CONSTRAINT organisation_kind_check CHECK (
    kind IN ('buyer', 'supplier', 'agency', 'supervisor', 'operator', 'expert'));
ALTER TABLE role_grant DROP CONSTRAINT role_grant_role_check;
ALTER TABLE role_grant ADD CONSTRAINT role_grant_role_check CHECK (
    role IN ('supplier', 'buyer', 'head', 'agency', 'supervisor', 'operator', 'expert'));
ALTER TABLE lot DROP CONSTRAINT lot_stage_check;
ALTER TABLE lot ADD CONSTRAINT lot_stage_check CHECK (stage IN (
    'draft', 'approving', 'scheduled', 'signup', 'opening', 'running', 'paused', 'closing', 'conformity_review',
    'abnormal_review', 'award_pending', 'buyer_confirm', 'published', 'contracted', 'failed', 'cancelled',
    'rehearsed', 'on_hold'));

-- A person's public key; the newest is in use. The private one never leaves his browser unwrapped.
CREATE TABLE sealing_key (
    fingerprint text PRIMARY KEY CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
    person_id uuid NOT NULL REFERENCES person (id),
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 65),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX sealing_key_by_person ON sealing_key (person_id, made_at);

-- Who may open for which office of a case. The fingerprint is pinned when the case is submitted.
CREATE TABLE sealing_seat (
    auction_id uuid NOT NULL REFERENCES auction (id),
    person_id uuid NOT NULL REFERENCES person (id),
    office text NOT NULL CHECK (office IN ('purchaser', 'agency', 'group')),
    deputy boolean NOT NULL DEFAULT false,
    fingerprint text REFERENCES sealing_key (fingerprint),
    PRIMARY KEY (auction_id, person_id)
);
CREATE INDEX sealing_seat_by_person ON sealing_seat (person_id);

-- A sealed quote as it was sent (no body: withdrawn). The last of a supplier counts.
CREATE TABLE sealed_quote (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    n bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    lot_id uuid NOT NULL REFERENCES lot (id),
    signup_id uuid NOT NULL REFERENCES signup (id),
    body json,
    digest text NOT NULL,
    sent_by uuid NOT NULL REFERENCES person (id),
    received_at timestamptz NOT NULL
);
CREATE INDEX sealed_quote_by_lot ON sealed_quote (lot_id, signup_id, n);

-- One office's share of one quote, as opened by its member after the deadline.
CREATE TABLE sealed_share (
    quote_id uuid NOT NULL REFERENCES sealed_quote (id),
    office text NOT NULL CHECK (office IN ('purchaser', 'agency', 'group')),
    share bytea NOT NULL CHECK (octet_length(share) = 33),
    given_by uuid NOT NULL REFERENCES person (id),
    given_at timestamptz NOT NULL,
    PRIMARY KEY (quote_id, office)
);

-- What a quote was when two offices had opened it; no price: spoilt by its maker.
CREATE TABLE sealed_opening (
    quote_id uuid PRIMARY KEY REFERENCES sealed_quote (id),
    price bigint CHECK (price BETWEEN 1 AND 900000000000),
    salt text,
    opened_at timestamptz NOT NULL
);

CREATE TRIGGER sealing_key_stays BEFORE UPDATE OR DELETE ON sealing_key FOR EACH ROW EXECUTE FUNCTION row_stays();
CREATE TRIGGER sealed_quote_stays BEFORE UPDATE OR DELETE ON sealed_quote FOR EACH ROW EXECUTE FUNCTION row_stays();
CREATE TRIGGER sealed_share_stays BEFORE UPDATE OR DELETE ON sealed_share FOR EACH ROW EXECUTE FUNCTION row_stays();
CREATE TRIGGER sealed_opening_stays BEFORE UPDATE OR DELETE ON sealed_opening FOR EACH ROW EXECUTE FUNCTION row_stays();

-- Whatever a program does: no share is kept of a lot that is not being opened.
CREATE FUNCTION share_in_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM sealed_quote q JOIN lot l ON l.id = q.lot_id
                   WHERE q.id = NEW.quote_id AND l.stage = 'opening') THEN
        RAISE EXCEPTION 'the quotes of this lot are not being opened';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER sealed_share_in_time BEFORE INSERT ON sealed_share FOR EACH ROW EXECUTE FUNCTION share_in_time();
