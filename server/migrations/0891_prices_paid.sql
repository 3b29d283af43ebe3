-- The last prices paid for an item, as the approval screen asks for them.

SET LOCAL lock_timeout = '5s';

CREATE INDEX deal_by_category ON deal ((body->>'category'), made_at DESC);
