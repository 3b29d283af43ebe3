-- Who holds a lot, and whether it was paused already; what a supplier says to the question about his low price.

ALTER TABLE lot ADD COLUMN held_by text CHECK (held_by IN ('supervisor', 'host'));
ALTER TABLE lot ADD COLUMN held_paused boolean NOT NULL DEFAULT false;
