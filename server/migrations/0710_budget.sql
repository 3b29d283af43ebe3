-- The budget 预算指标: indicators, the ledger of their postings, and the money held for what is being bought.

CREATE SEQUENCE indicator_number;

-- What a unit may spend. Its balances sum to zero: what was granted stands against where it went.
CREATE TABLE indicator (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    number text NOT NULL UNIQUE,
    region text NOT NULL CHECK (region ~ '^[0-9]{6}$'),
    org_id uuid NOT NULL REFERENCES organisation (id),
    year smallint NOT NULL CHECK (year BETWEEN 2000 AND 2200),
    fund_source text NOT NULL CHECK (fund_source IN ('general', 'fund', 'capital', 'special', 'own')),
    project text NOT NULL CHECK (length(project) BETWEEN 1 AND 200),
    carried_from uuid UNIQUE REFERENCES indicator (id),
    closed_at timestamptz,
    granted_fen bigint NOT NULL DEFAULT 0 CHECK (granted_fen <= 0),
    available_fen bigint NOT NULL DEFAULT 0 CHECK (available_fen >= 0),
    frozen_fen bigint NOT NULL DEFAULT 0 CHECK (frozen_fen >= 0),
    consumed_fen bigint NOT NULL DEFAULT 0 CHECK (consumed_fen >= 0),
    paying_fen bigint NOT NULL DEFAULT 0 CHECK (paying_fen >= 0),
    paid_fen bigint NOT NULL DEFAULT 0 CHECK (paid_fen >= 0),
    carried_fen bigint NOT NULL DEFAULT 0 CHECK (carried_fen >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (granted_fen + available_fen + frozen_fen + consumed_fen + paying_fen + paid_fen + carried_fen = 0)
);
CREATE INDEX indicator_by_org ON indicator (org_id, year);
CREATE INDEX indicator_by_region ON indicator (region text_pattern_ops, year);

-- One movement of the ledger 记账: never changed, never deleted. It takes from one account and gives to another.
CREATE TABLE budget_posting (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    entry_id uuid NOT NULL,                     -- postings of one act stand or fall together
    indicator_id uuid NOT NULL REFERENCES indicator (id),
    kind text NOT NULL CHECK (kind ~ '^[a-z_]+$'),
    debit text NOT NULL CHECK (
        debit IN ('granted', 'available', 'frozen', 'consumed', 'paying', 'paid', 'carried')),
    credit text NOT NULL CHECK (
        credit IN ('granted', 'available', 'frozen', 'consumed', 'paying', 'paid', 'carried')),
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    about text NOT NULL DEFAULT '',             -- the request, or the document, it was done for
    person_id uuid REFERENCES person (id),
    at timestamptz NOT NULL,
    CHECK (debit <> credit)
);
CREATE INDEX budget_posting_by_indicator ON budget_posting (indicator_id, id);
CREATE INDEX budget_posting_by_about ON budget_posting (about);
CREATE TRIGGER budget_posting_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON budget_posting
    FOR EACH STATEMENT EXECUTE FUNCTION row_stays();

-- What a posting does to an account.
CREATE FUNCTION posted(account text, posting budget_posting) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE account WHEN posting.credit THEN posting.amount_fen WHEN posting.debit THEN -posting.amount_fen
           ELSE 0 END
$$;
CREATE FUNCTION post_to_indicator() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE indicator SET
        granted_fen = granted_fen + posted('granted', NEW),
        available_fen = available_fen + posted('available', NEW),
        frozen_fen = frozen_fen + posted('frozen', NEW),
        consumed_fen = consumed_fen + posted('consumed', NEW),
        paying_fen = paying_fen + posted('paying', NEW),
        paid_fen = paid_fen + posted('paid', NEW),
        carried_fen = carried_fen + posted('carried', NEW)
    WHERE id = NEW.indicator_id;
    RETURN NULL;
END $$;
CREATE TRIGGER budget_posting_posts AFTER INSERT ON budget_posting
    FOR EACH ROW EXECUTE FUNCTION post_to_indicator();

-- A balance is moved by a posting or not at all.
CREATE FUNCTION balance_by_posting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'balances move only by postings';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER indicator_balance BEFORE UPDATE OF granted_fen, available_fen, frozen_fen, consumed_fen, paying_fen,
    paid_fen, carried_fen ON indicator FOR EACH ROW EXECUTE FUNCTION balance_by_posting();
CREATE FUNCTION indicator_begins_empty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.granted_fen <> 0 THEN
        RAISE EXCEPTION 'balances move only by postings';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER indicator_begins_empty BEFORE INSERT ON indicator
    FOR EACH ROW EXECUTE FUNCTION indicator_begins_empty();

-- Money held 额度占用 for one request of a trading room, from one or several indicators in their order.
CREATE TABLE budget_hold (
    request_id text PRIMARY KEY CHECK (length(request_id) BETWEEN 1 AND 100),
    asked jsonb NOT NULL,                       -- the sources as first asked for
    state text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'confirmed', 'released', 'expired')),
    expires_at timestamptz,                     -- absent: until its room says so
    made_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK ((state = 'held') = (ended_at IS NULL))
);
CREATE INDEX budget_hold_by_expiry ON budget_hold (expires_at) WHERE state = 'held';
CREATE TABLE budget_hold_source (
    request_id text NOT NULL REFERENCES budget_hold (request_id),
    no smallint NOT NULL,
    indicator_id uuid NOT NULL REFERENCES indicator (id),
    held_fen bigint NOT NULL CHECK (held_fen >= 0),
    PRIMARY KEY (request_id, no)
);
CREATE INDEX budget_hold_source_by_indicator ON budget_hold_source (indicator_id);
