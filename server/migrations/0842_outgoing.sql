-- What leaves the house 外发: reminders and webhooks 事件推送, written in the transaction of their cause, sent beside it.

CREATE TABLE webhook_endpoint (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    org_id uuid NOT NULL REFERENCES organisation (id),
    url text NOT NULL CHECK (length(url) BETWEEN 10 AND 500),
    kinds text[] NOT NULL CHECK (cardinality(kinds) BETWEEN 1 AND 20),
    secret bytea NOT NULL,                      -- encrypted (accounts.factors.vault), bound to this row
    secret_before bytea,                        -- after a rotation both sign, until before_until
    before_until timestamptz,
    made_by uuid NOT NULL REFERENCES person (id),
    made_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX webhook_endpoint_by_org ON webhook_endpoint (org_id) WHERE ended_at IS NULL;

CREATE TABLE outgoing (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    channel text NOT NULL CHECK (channel IN ('webhook', 'email', 'sms', 'voice')),
    endpoint_id uuid REFERENCES webhook_endpoint (id),
    person_id uuid REFERENCES person (id) ON DELETE CASCADE,
    once text UNIQUE,                           -- what is said once to one person by one channel
    kind text NOT NULL,
    subject text NOT NULL DEFAULT '',
    body text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'dead')),
    attempts integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at timestamptz,
    said text NOT NULL DEFAULT '',              -- the last answer
    CHECK ((channel = 'webhook') = (endpoint_id IS NOT NULL)),
    CHECK ((channel = 'webhook') = (person_id IS NULL))
);
CREATE INDEX outgoing_due ON outgoing (next_at) WHERE state = 'waiting';
CREATE INDEX outgoing_by_endpoint ON outgoing (endpoint_id, id) WHERE endpoint_id IS NOT NULL;
CREATE INDEX outgoing_old ON outgoing (made_at) WHERE state <> 'waiting';

-- An event for whichever of the organisations wants its kind.
CREATE FUNCTION webhook_announce(orgs uuid[], event text, facts jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO outgoing (channel, endpoint_id, kind, body)
    SELECT 'webhook', e.id, event, jsonb_build_object('type', event,
        'timestamp', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'data', facts)::text
    FROM webhook_endpoint e WHERE e.org_id = ANY(orgs) AND e.ended_at IS NULL AND event = ANY(e.kinds)
$$;

-- A notice was published: to the owner, its agency, and whoever signed up.
CREATE FUNCTION announce_publication() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM webhook_announce(
        ARRAY(SELECT a.org_id UNION SELECT a.agency_org_id UNION
              SELECT s.org_id FROM signup s WHERE s.auction_id = a.id AND s.status = 'admitted'),
        'notice.published', jsonb_build_object('auction_id', a.id, 'number', a.number, 'title', a.title,
            'lot_id', NEW.lot_id, 'notice', NEW.kind, 'sha256', NEW.sha256))
    FROM auction a WHERE a.id = NEW.auction_id AND NOT a.practice;
    RETURN NULL;
END $$;
CREATE TRIGGER publication_announced AFTER INSERT ON publication FOR EACH ROW EXECUTE FUNCTION announce_publication();

-- A lot came to another stage: to its hosts alone.
CREATE FUNCTION announce_stage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM webhook_announce(ARRAY[a.org_id, a.agency_org_id], 'lot.stage', jsonb_build_object('auction_id', a.id,
        'number', a.number, 'lot_id', NEW.id, 'lot_no', NEW.no, 'from', OLD.stage, 'to', NEW.stage))
    FROM auction a WHERE a.id = NEW.auction_id;
    RETURN NULL;
END $$;
CREATE TRIGGER stage_announced AFTER UPDATE OF stage ON lot FOR EACH ROW
    WHEN (OLD.stage <> NEW.stage AND NOT NEW.practice) EXECUTE FUNCTION announce_stage();

-- An award is offered: to the supplier it is offered to.
CREATE FUNCTION announce_award() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM webhook_announce(ARRAY[s.org_id], 'award.offered', jsonb_build_object('auction_id', a.id, 'number', a.number,
        'lot_id', l.id, 'lot_no', l.no, 'answer_until', to_char(NEW.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')))
    FROM lot l JOIN auction a ON a.id = l.auction_id JOIN signup s ON s.id = NEW.signup_id
    WHERE l.id = NEW.lot_id AND NOT l.practice;
    RETURN NULL;
END $$;
CREATE TRIGGER award_announced AFTER INSERT ON award FOR EACH ROW EXECUTE FUNCTION announce_award();

-- A deal 成交: to both sides.
CREATE FUNCTION announce_deal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM webhook_announce(ARRAY[NEW.org_id, NEW.supplier_org_id], 'deal.made', jsonb_build_object('deal_id', NEW.id,
        'lot_id', NEW.lot_id, 'amount_fen', NEW.amount_fen));
    RETURN NULL;
END $$;
CREATE TRIGGER deal_announced AFTER INSERT ON deal FOR EACH ROW EXECUTE FUNCTION announce_deal();
