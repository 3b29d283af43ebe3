-- What an expert answers to what was said of him 说明 (财库〔2016〕198号 §21).

SET LOCAL lock_timeout = '5s';

ALTER TABLE draw_ticket ADD COLUMN statement text NOT NULL DEFAULT '' CHECK (length(statement) <= 500);
