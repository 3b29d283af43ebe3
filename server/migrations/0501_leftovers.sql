-- Lots that are settled and whose keys still lie in the live store: until a copy is verified, their time is over, and the
-- keys are gone (server.forgetting). A row that stays is a lot to look into.
CREATE TABLE leftover (
    lot_id uuid PRIMARY KEY,
    settled_at timestamptz NOT NULL,
    again_at timestamptz                        -- the copy did not fit: not looked at before
);
CREATE INDEX leftover_by_age ON leftover (settled_at);
INSERT INTO leftover (lot_id, settled_at) SELECT lot_id, settled_at FROM result;

-- The first answer to a request id, once the live store has forgotten it.
CREATE INDEX lot_event_by_rid ON lot_event (lot_id, (body ->> 'rid'), (body ->> 'who')) WHERE kind = 'bid';
