-- After a draw 抽取之后: who came and what he is paid 劳务费, both sides' appraisals 评价, weights of a tiered draw, and the
-- widening of a list that ran out.

SET LOCAL lock_timeout = '5s';

ALTER TABLE draw
    ADD COLUMN near text NOT NULL DEFAULT '',              -- the category whose neighbours may come too, of a widened draw
    ADD COLUMN follows uuid REFERENCES draw (id);          -- the draw whose list ran out
CREATE UNIQUE INDEX draw_followed_once ON draw (follows);
ALTER TABLE draw_ticket ADD COLUMN weight integer NOT NULL DEFAULT 0 CHECK (weight BETWEEN 0 AND 10);

-- What one officer proposes when a list ran out; the other agrees, which makes the draw that follows.
CREATE TABLE draw_widening (
    draw_id uuid PRIMARY KEY REFERENCES draw (id),
    wide boolean NOT NULL,
    near text NOT NULL,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    asked_by uuid NOT NULL REFERENCES person (id),
    asked_at timestamptz NOT NULL,
    agreed_by uuid REFERENCES person (id) CHECK (agreed_by <> asked_by),
    agreed_at timestamptz
);

CREATE TABLE draw_fee (
    draw_id uuid NOT NULL,
    person_id uuid NOT NULL,
    stage text NOT NULL CHECK (stage IN ('proposed', 'confirmed', 'objected', 'paid', 'nothing')),
    presence text NOT NULL CHECK (presence IN ('came', 'absent', 'left')),
    from_at timestamptz,
    until_at timestamptz,
    time_fen bigint NOT NULL CHECK (time_fen >= 0),
    overtime_fen bigint NOT NULL CHECK (overtime_fen >= 0),
    travel_fen bigint NOT NULL CHECK (travel_fen >= 0),
    remark text NOT NULL DEFAULT '' CHECK (length(remark) <= 500),
    recorded_by uuid NOT NULL REFERENCES person (id),
    recorded_at timestamptz NOT NULL,
    answered_at timestamptz,
    paid_by uuid REFERENCES person (id),
    paid_at timestamptz,
    PRIMARY KEY (draw_id, person_id),
    FOREIGN KEY (draw_id, person_id) REFERENCES draw_ticket (draw_id, person_id),
    CHECK ((presence = 'came') = (from_at IS NOT NULL AND until_at IS NOT NULL)),
    CHECK (presence = 'came' OR time_fen + overtime_fen + travel_fen = 0)
);

-- Every version of an appraisal; the last of a draw, an expert and a side counts.
CREATE TABLE draw_appraisal (
    draw_id uuid NOT NULL,
    person_id uuid NOT NULL,
    side text NOT NULL CHECK (side IN ('host', 'expert')),
    no integer NOT NULL CHECK (no >= 1),
    marks jsonb NOT NULL,
    mean_bp integer NOT NULL CHECK (mean_bp BETWEEN 0 AND 10000),
    words text NOT NULL DEFAULT '' CHECK (length(words) <= 500),
    given_by uuid NOT NULL REFERENCES person (id),
    given_at timestamptz NOT NULL,
    PRIMARY KEY (draw_id, person_id, side, no),
    FOREIGN KEY (draw_id, person_id) REFERENCES draw_ticket (draw_id, person_id)
);
CREATE INDEX draw_appraisal_of ON draw_appraisal (person_id, side);

CREATE VIEW draw_appraised AS
SELECT DISTINCT ON (draw_id, person_id, side) * FROM draw_appraisal ORDER BY draw_id, person_id, side, no DESC;

CREATE VIEW todo_of_draws AS
SELECT 'draw_fee:' || f.draw_id || ':' || f.person_id AS key, 'draw_fee' AS kind, '{}'::uuid[] AS org_ids,
       '{}'::text[] AS roles, '' AS act, f.person_id, '{}'::uuid[] AS not_persons, d.region, NULL::uuid AS object_id, d.title,
       '' AS number, NULL::timestamptz AS until, '/experts/own' AS path
FROM draw_fee f JOIN draw d ON d.id = f.draw_id WHERE f.stage = 'proposed'
UNION ALL
SELECT 'draw_pay:' || d.id, 'draw_pay', ARRAY[d.org_id], '{buyer,head,agency}', 'draw.hold', NULL, '{}', d.region, d.id,
       d.title, '', NULL, '/draws/' || d.id || '/after'
FROM draw d WHERE EXISTS (SELECT FROM draw_fee f WHERE f.draw_id = d.id AND f.stage IN ('confirmed', 'objected'))
UNION ALL
SELECT 'draw_widen:' || d.id || ':' || hand, 'draw_widen', '{}', '{}', '', hand, '{}', d.region, d.id, d.title, '',
       d.review_at, '/draws/' || d.id
FROM draw d LEFT JOIN draw_widening w ON w.draw_id = d.id CROSS JOIN LATERAL (VALUES (d.first_by), (d.second_by)) AS h (hand)
WHERE d.stage = 'exhausted' AND w.agreed_by IS NULL AND w.asked_by IS DISTINCT FROM h.hand;
SELECT gather_todo();

CREATE TRIGGER todo_told AFTER INSERT OR UPDATE ON draw_fee FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT OR UPDATE ON draw_widening FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
