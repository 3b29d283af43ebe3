-- The watchman 旁路审计: reads the audit trail, orders persons barred, confirms heads; may do nothing else here.

-- A person is barred from the moment of the order until two others released him. Neither is ever changed or removed.
CREATE TABLE audit_block (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    person_id uuid NOT NULL,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
    ordered_by text NOT NULL CHECK (length(ordered_by) BETWEEN 1 AND 100),
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX audit_block_by_person ON audit_block (person_id);
CREATE TABLE audit_release (
    block_id uuid PRIMARY KEY REFERENCES audit_block (id),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
    asked_by text NOT NULL CHECK (length(asked_by) BETWEEN 1 AND 100),
    agreed_by text NOT NULL CHECK (length(agreed_by) BETWEEN 1 AND 100 AND agreed_by <> asked_by),
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- Heads of the trail that the watchman has seen and found good, signed by him.
CREATE TABLE audit_witness (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    size bigint NOT NULL CHECK (size > 0),
    state text NOT NULL CHECK (state IN ('good', 'bad')),
    note text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
DO $$
DECLARE one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['audit_block', 'audit_release', 'audit_witness'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT '
            'EXECUTE FUNCTION row_stays()', one || '_stays', one);
    END LOOP;
END $$;

-- '' free, 'barred' out, 'bidding': a bar that waits, because nobody is taken out of a competition for what he read:
-- while his firm is in a case between sign-up and close he keeps the doors of its lots, and no others.
CREATE FUNCTION audit_bar(who uuid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN NOT EXISTS (SELECT FROM audit_block b WHERE b.person_id = who
            AND NOT EXISTS (SELECT FROM audit_release r WHERE r.block_id = b.id)) THEN ''
        WHEN EXISTS (SELECT FROM person p
            JOIN signup s ON s.org_id = p.org_id AND s.status = 'admitted'
            JOIN auction a ON a.id = s.auction_id AND NOT a.practice
            JOIN lot l ON l.auction_id = a.id AND l.stage IN ('signup', 'opening', 'running', 'paused', 'on_hold')
            WHERE p.id = who) THEN 'bidding'
        ELSE 'barred' END
$$;

-- An order takes effect with its commit: sessions end (and with them sockets), and the trail has it.
CREATE FUNCTION audit_block_works() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE bar text := audit_bar(NEW.person_id);
BEGIN
    IF bar = 'barred' THEN
        DELETE FROM login_session WHERE person_id = NEW.person_id;
    END IF;
    INSERT INTO audit_event (event, object, result, detail, door) VALUES ('person.barred', 'person:' || NEW.person_id,
        'done', jsonb_build_object('by', NEW.ordered_by, 'reason', NEW.reason, 'bar', bar), 'watchman');
    RETURN NULL;
END $$;
CREATE TRIGGER audit_block_works AFTER INSERT ON audit_block FOR EACH ROW EXECUTE FUNCTION audit_block_works();
CREATE FUNCTION audit_release_works() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO audit_event (event, object, result, detail, door)
    SELECT 'person.released', 'person:' || b.person_id, 'done',
        jsonb_build_object('by', NEW.asked_by || ', ' || NEW.agreed_by, 'reason', NEW.reason), 'watchman'
    FROM audit_block b WHERE b.id = NEW.block_id;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_release_works AFTER INSERT ON audit_release FOR EACH ROW EXECUTE FUNCTION audit_release_works();

-- Who somebody in the trail is, for whoever reads it beside the application.
CREATE VIEW audit_person AS
    SELECT p.id, p.login, p.name, o.name AS org_name, o.kind AS org_kind FROM person p JOIN organisation o ON o.id = p.org_id;

DO $$ BEGIN
    CREATE ROLE yangcai_watchman NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
GRANT SELECT ON audit_event, audit_entry, audit_checkpoint, audit_pending, audit_person, transcript_key,
    audit_block, audit_release, audit_witness TO yangcai_watchman;
GRANT INSERT ON audit_block, audit_release, audit_witness TO yangcai_watchman;
