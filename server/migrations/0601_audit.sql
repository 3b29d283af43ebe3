-- The audit trail 审计 as a signed chain: every act gets a position and a leaf in one Merkle tree; rows are only added.

SET LOCAL lock_timeout = '5s';
ALTER TABLE role_grant DROP CONSTRAINT role_grant_role_check;
ALTER TABLE role_grant ADD CONSTRAINT role_grant_role_check CHECK (
    role IN ('supplier', 'buyer', 'head', 'agency', 'supervisor', 'operator', 'expert', 'auditor'));

ALTER TABLE audit_event
    ADD COLUMN address text NOT NULL DEFAULT '',    -- from where
    ADD COLUMN door text NOT NULL DEFAULT '';       -- through which: method and route, a socket's word, a command
CREATE INDEX audit_event_by_event ON audit_event (event text_pattern_ops, id);
CREATE INDEX audit_event_by_login ON audit_event (login, id);

-- What came in and has no position yet. A queue, not the record: an act that is taken out of it is found missing.
CREATE TABLE audit_pending (
    event_id uuid PRIMARY KEY
);
INSERT INTO audit_pending SELECT id FROM audit_event;
CREATE FUNCTION audit_event_arrives() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_pending VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER audit_event_arrives AFTER INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION audit_event_arrives();

CREATE TABLE audit_entry (
    n bigint PRIMARY KEY CHECK (n > 0),
    event_id uuid NOT NULL UNIQUE,
    hash bytea NOT NULL CHECK (length(hash) = 32)
);
-- One head for each size, ever. The peaks let a process go on without reading the whole tree.
CREATE TABLE audit_checkpoint (
    size bigint PRIMARY KEY CHECK (size > 0),
    root bytea NOT NULL CHECK (length(root) = 32),
    peaks bytea NOT NULL CHECK (length(peaks) % 32 = 0),
    note text NOT NULL,
    signed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

DO $$
DECLARE one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['audit_entry', 'audit_checkpoint'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT '
            'EXECUTE FUNCTION row_stays()', one || '_stays', one);
    END LOOP;
END $$;
CREATE TRIGGER audit_event_stays_whole BEFORE TRUNCATE ON audit_event FOR EACH STATEMENT EXECUTE FUNCTION row_stays();

-- Who writes the chain may add and read, nothing else.
DO $$ BEGIN
    CREATE ROLE yangcai_audit NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
GRANT yangcai_audit TO CURRENT_USER;
GRANT SELECT, INSERT ON audit_event, audit_entry, audit_checkpoint TO yangcai_audit;
GRANT SELECT, INSERT, DELETE ON audit_pending TO yangcai_audit;

-- Whether an act is about a case that is not closed yet: who signs up there, and how many do, is shown to nobody.
CREATE FUNCTION audit_case_is_open(object text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT object ~ '^(lot|auction):[0-9a-f-]{36}$' AND EXISTS (
        SELECT FROM lot l
        WHERE l.auction_id = CASE WHEN starts_with(object, 'lot:')
                  THEN (SELECT auction_id FROM lot WHERE id = substr(object, 5)::uuid)
                  ELSE substr(object, 9)::uuid END
          AND l.stage IN ('draft', 'approving', 'scheduled', 'signup', 'opening', 'running', 'paused', 'closing', 'on_hold'))
$$;
