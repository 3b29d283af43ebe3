-- Expert registry 评审专家库: dossiers in versions, leave, and draws 抽取 with their log.

SET LOCAL lock_timeout = '5s';

CREATE TABLE expert (
    person_id uuid PRIMARY KEY REFERENCES person (id),
    org_id uuid NOT NULL REFERENCES organisation (id),
    region text NOT NULL CHECK (region ~ '^[1-9][0-9]{5}$'),
    status text NOT NULL CHECK (status IN ('draft', 'reviewing', 'active', 'paused', 'closed')),
    content jsonb NOT NULL,                                -- the dossier last approved; before that the one last filed
    good_until date,                                       -- to be examined again 复审 on that day
    changed_at timestamptz NOT NULL DEFAULT now(),
    CHECK (status NOT IN ('active', 'paused') OR good_until IS NOT NULL)
);
CREATE INDEX expert_by_region ON expert (region text_pattern_ops, person_id);

CREATE TABLE expert_filing (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    person_id uuid NOT NULL REFERENCES expert (person_id),
    no integer NOT NULL CHECK (no >= 1),
    region text NOT NULL,
    content jsonb NOT NULL,
    stage text NOT NULL DEFAULT 'filed' CHECK (stage IN ('filed', 'approved', 'returned', 'replaced')),
    filed_at timestamptz NOT NULL,
    decided_at timestamptz,
    decided_by uuid REFERENCES person (id) CHECK (decided_by <> person_id),
    remark text NOT NULL DEFAULT '' CHECK (length(remark) <= 500),
    UNIQUE (person_id, no),
    CHECK ((stage IN ('approved', 'returned')) = (decided_at IS NOT NULL)),
    CHECK (stage <> 'returned' OR remark <> '')
);
CREATE UNIQUE INDEX expert_filing_one_waits ON expert_filing (person_id) WHERE stage = 'filed';

CREATE TABLE expert_leave (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    person_id uuid NOT NULL REFERENCES expert (person_id),
    during daterange NOT NULL CHECK (NOT isempty(during) AND NOT lower_inf(during) AND NOT upper_inf(during)),
    reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 200)
);
CREATE INDEX expert_leave_of ON expert_leave (person_id);

CREATE TABLE draw (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    org_id uuid NOT NULL REFERENCES organisation (id),
    region text NOT NULL,
    method text NOT NULL CHECK (method IN ('tender', 'other')),
    group_size integer NOT NULL,
    need integer NOT NULL CHECK (need BETWEEN 1 AND group_size),
    specialty text NOT NULL,
    wide boolean NOT NULL,
    review_at timestamptz NOT NULL,                        -- 评审开始
    avoided jsonb NOT NULL,                                -- units to stay away from
    stage text NOT NULL CHECK (stage IN
        ('committing', 'revealing', 'calling', 'filled', 'exhausted', 'opened', 'published', 'voided')),
    first_by uuid NOT NULL REFERENCES person (id),
    second_by uuid REFERENCES person (id) CHECK (second_by <> first_by),
    first_commitment text,
    second_commitment text,
    first_secret text,
    second_secret text,
    first_key_at timestamptz,
    second_key_at timestamptz,
    server_secret bytea NOT NULL,                          -- sealed by the site's secret
    reply_minutes integer NOT NULL,
    unlock_minutes integer NOT NULL,
    asked_at timestamptz NOT NULL
);
CREATE INDEX draw_by_region ON draw (region text_pattern_ops, id);

CREATE TABLE draw_ticket (
    draw_id uuid NOT NULL REFERENCES draw (id),
    ticket text NOT NULL,
    tier integer NOT NULL,
    unit text NOT NULL,
    person_id uuid NOT NULL REFERENCES expert (person_id),
    name text NOT NULL,
    phone text NOT NULL,
    employer text NOT NULL,
    salt text NOT NULL,
    place integer,                                         -- in the order, once drawn
    called_at timestamptz,
    reply_until timestamptz,
    answer text CHECK (answer IN ('accepted', 'declined', 'no_answer', 'avoids')),
    answered_at timestamptz,
    PRIMARY KEY (draw_id, ticket),
    UNIQUE (draw_id, person_id)
);
CREATE INDEX draw_ticket_waits ON draw_ticket (reply_until) WHERE called_at IS NOT NULL AND answer IS NULL;
CREATE INDEX draw_ticket_of ON draw_ticket (person_id);

CREATE TABLE draw_entry (
    draw_id uuid NOT NULL REFERENCES draw (id),
    n integer NOT NULL,
    at_ms bigint NOT NULL,
    event text NOT NULL,
    detail jsonb NOT NULL,
    before text NOT NULL,
    hash text NOT NULL,
    PRIMARY KEY (draw_id, n)
);
CREATE FUNCTION draw_entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'draw_entry is append only';
END $$;
CREATE TRIGGER draw_entry_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON draw_entry
    FOR EACH STATEMENT EXECUTE FUNCTION draw_entry_stays();

-- Who answers a call stays secret until the result is published: the trail does not show it before.
CREATE FUNCTION audit_draw_is_secret(object text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT object ~ '^draw:[0-9a-f-]{36}$' AND EXISTS (
        SELECT FROM draw WHERE id = substr(object, 6)::uuid AND stage <> 'published')
$$;

CREATE VIEW todo_of_experts AS
SELECT 'expert:' || f.id AS key, 'expert_filing' AS kind, '{}'::uuid[] AS org_ids, '{supervisor}'::text[] AS roles,
       'expert.review' AS act, NULL::uuid AS person_id, '{}'::uuid[] AS not_persons, f.region, f.id AS object_id,
       p.name AS title, p.login AS number, NULL::timestamptz AS until, '/experts/' || f.person_id AS path
FROM expert_filing f JOIN person p ON p.id = f.person_id WHERE f.stage = 'filed'
UNION ALL
SELECT 'expert_correction:' || f.id, 'expert_correction', '{}', '{}', '', f.person_id, '{}', f.region, f.id, p.name, p.login,
       NULL, '/experts/own'
FROM expert_filing f JOIN person p ON p.id = f.person_id
WHERE f.stage = 'returned' AND NOT EXISTS (SELECT FROM expert_filing g WHERE g.person_id = f.person_id AND g.no > f.no)
UNION ALL
SELECT 'draw_call:' || t.draw_id || ':' || t.person_id, 'draw_call', '{}', '{}', '', t.person_id, '{}', d.region, NULL,
       d.title, '', t.reply_until, '/experts/own'
FROM draw_ticket t JOIN draw d ON d.id = t.draw_id WHERE t.called_at IS NOT NULL AND t.answer IS NULL AND d.stage = 'calling'
UNION ALL
SELECT 'draw_second:' || d.id, 'draw_second', ARRAY[d.org_id], '{buyer,head,agency}', 'draw.hold', NULL, ARRAY[d.first_by],
       d.region, d.id, d.title, '', d.review_at, '/draws/' || d.id
FROM draw d WHERE d.stage = 'committing' AND d.second_by IS NULL
UNION ALL
SELECT 'draw_reveal:' || d.id || ':' || o.person, 'draw_reveal', '{}', '{}', '', o.person, '{}', d.region, d.id, d.title, '',
       d.review_at, '/draws/' || d.id
FROM draw d CROSS JOIN LATERAL (VALUES (d.first_by, d.first_secret), (d.second_by, d.second_secret)) AS o (person, secret)
WHERE d.stage = 'revealing' AND o.secret IS NULL;
SELECT gather_todo();

CREATE TRIGGER todo_told AFTER INSERT OR UPDATE ON expert_filing FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT OR UPDATE ON draw FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER UPDATE ON draw_ticket FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
