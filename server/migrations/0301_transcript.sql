-- The transcript 存证: leaves, signed checkpoints and receipts of every lot. Rows are only ever added.

-- The salts of a lot's commitments follow from this key; it is made with the lot and never shown.
CREATE TABLE lot_salt (
    lot_id uuid PRIMARY KEY REFERENCES lot (id) ON DELETE CASCADE,
    key bytea NOT NULL DEFAULT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
);
CREATE FUNCTION salt_lot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lot_salt (lot_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER lot_salted AFTER INSERT ON lot FOR EACH ROW EXECUTE FUNCTION salt_lot();
INSERT INTO lot_salt (lot_id) SELECT id FROM lot;

CREATE TABLE transcript_key (
    public bytea PRIMARY KEY CHECK (length(public) = 32),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- No foreign keys from here on: the transcript outlives what it is about, and waits for nobody's lock.
CREATE TABLE transcript_subject (
    lot_id uuid PRIMARY KEY,
    origin text NOT NULL,
    body jsonb NOT NULL                         -- auction.lot.leaves.Subject
);

CREATE TABLE transcript_entry (
    lot_id uuid NOT NULL,
    n integer NOT NULL CHECK (n > 0),
    line text NOT NULL,                         -- the event as the live store wrote it
    leaf text NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (lot_id, n)
);

-- One head for each size, ever: two processes cannot sign two.
CREATE TABLE transcript_checkpoint (
    lot_id uuid NOT NULL,
    size integer NOT NULL CHECK (size > 0),
    root bytea NOT NULL CHECK (length(root) = 32),
    note text NOT NULL,
    signed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (lot_id, size)
);

CREATE TABLE transcript_receipt (
    lot_id uuid NOT NULL,
    alias text NOT NULL,
    size integer NOT NULL,                      -- of the checkpoint it was signed with
    note text NOT NULL,
    PRIMARY KEY (lot_id, alias, size)
);

-- Who writes them may add and read, nothing else; and not even an owner changes or removes a row.
DO $$ BEGIN
    CREATE ROLE yangcai_transcript NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
GRANT yangcai_transcript TO CURRENT_USER;
GRANT SELECT, INSERT ON transcript_key, transcript_subject, transcript_entry, transcript_checkpoint, transcript_receipt
    TO yangcai_transcript;

DO $$
DECLARE one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['transcript_key', 'transcript_subject', 'transcript_entry', 'transcript_checkpoint',
        'transcript_receipt'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT '
            'EXECUTE FUNCTION row_stays()', one || '_stays', one);
    END LOOP;
END $$;
