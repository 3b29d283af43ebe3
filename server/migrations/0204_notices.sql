-- Every hold of a lot, also the lifted ones; and word to every process when something about a lot has changed.

CREATE TABLE lot_hold (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    lot_id uuid NOT NULL REFERENCES lot (id),
    by text NOT NULL CHECK (by IN ('supervisor', 'host')),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
    held_at timestamptz NOT NULL,
    until timestamptz NOT NULL CHECK (until > held_at),
    ended_at timestamptz,
    ended_by uuid REFERENCES person (id)        -- nobody: its time was over
);
CREATE UNIQUE INDEX lot_hold_open_once ON lot_hold (lot_id) WHERE ended_at IS NULL;
CREATE INDEX lot_hold_by_lot ON lot_hold (lot_id, held_at);

CREATE FUNCTION tell_of_lot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('lot', json_build_object('lot', NEW.id, 'stage', NEW.stage, 'moved', OLD.stage <> NEW.stage,
        'opens_at', (extract(epoch FROM NEW.opens_at) * 1000)::bigint)::text);
    RETURN NULL;
END $$;
CREATE TRIGGER lot_told AFTER UPDATE ON lot FOR EACH ROW
    WHEN ((OLD.stage, OLD.opens_at) IS DISTINCT FROM (NEW.stage, NEW.opens_at)) EXECUTE FUNCTION tell_of_lot();

CREATE FUNCTION tell_about_lot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('lot', json_build_object('lot', NEW.lot_id)::text);
    RETURN NULL;
END $$;
CREATE TRIGGER motion_told AFTER INSERT OR UPDATE ON motion FOR EACH ROW EXECUTE FUNCTION tell_about_lot();
CREATE TRIGGER question_told AFTER INSERT OR UPDATE ON question FOR EACH ROW EXECUTE FUNCTION tell_about_lot();
