-- Approval flows 审批流: versions by kind and place, the cases on their way, what each post decided, who is waited for.

SET LOCAL lock_timeout = '5s';

-- A version is never changed; steps '[]' ends the place's own flow: the wider place's applies again.
CREATE TABLE approval_flow (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    kind text NOT NULL CHECK (kind IN ('plan', 'case')),
    region text NOT NULL CHECK (region ~ '^[0-9]{0,6}$'),   -- a beginning of the codes it is for
    version integer NOT NULL CHECK (version >= 1),
    steps jsonb NOT NULL CHECK (jsonb_typeof(steps) = 'array'),
    note text NOT NULL DEFAULT '' CHECK (length(note) <= 300),
    made_by uuid NOT NULL REFERENCES person (id),
    made_at timestamptz NOT NULL,
    UNIQUE (kind, region, version)
);

CREATE TABLE approval_case (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    kind text NOT NULL CHECK (kind IN ('plan', 'case')),
    object_id uuid NOT NULL,
    round integer NOT NULL CHECK (round >= 1),              -- how often it was filed
    flow_id uuid REFERENCES approval_flow (id),             -- NULL: no flow of a place, the room's own
    steps jsonb NOT NULL CHECK (jsonb_array_length(steps) > 0),  -- those it comes to
    at smallint NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'approved', 'returned', 'withdrawn')),
    region text NOT NULL,
    org_id uuid NOT NULL REFERENCES organisation (id),
    title text NOT NULL,
    number text NOT NULL,
    path text NOT NULL,
    facts jsonb NOT NULL,
    filed_by uuid REFERENCES person (id),
    author uuid REFERENCES person (id),                     -- who drew it up, where that is another
    filed_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK ((state = 'running') = (ended_at IS NULL)),
    UNIQUE (kind, object_id, round)
);
CREATE UNIQUE INDEX approval_case_running ON approval_case (kind, object_id) WHERE state = 'running';
CREATE INDEX approval_case_by_org ON approval_case (org_id);

-- Nobody decides twice in one case.
CREATE TABLE approval_decision (
    case_id uuid NOT NULL REFERENCES approval_case (id),
    step smallint NOT NULL,
    post text NOT NULL,
    decision text NOT NULL CHECK (decision IN ('approved', 'rejected')),
    remark text NOT NULL DEFAULT '',
    decided_by uuid NOT NULL REFERENCES person (id),
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, step, post),
    UNIQUE (case_id, decided_by)
);

-- The posts of the step a case stands at that have not decided.
CREATE TABLE approval_wait (
    case_id uuid NOT NULL REFERENCES approval_case (id),
    post text NOT NULL,
    role text NOT NULL,
    act text NOT NULL,
    of_unit boolean NOT NULL,                               -- else of whatever organisation has the place
    PRIMARY KEY (case_id, post)
);

-- What was approved by the simple posts before, and what is on its way.
INSERT INTO approval_case (kind, object_id, round, steps, state, region, org_id, title, number, path, facts, filed_by,
                           filed_at, ended_at)
SELECT 'case', a.id, s.round,
       (SELECT jsonb_agg(jsonb_build_object('posts', jsonb_build_array(p.post)) ORDER BY p.n)
        FROM unnest(a.posts) WITH ORDINALITY AS p (post, n)),
       s.state, a.region, a.org_id, a.title, a.number, '/auctions/' || a.id,
       jsonb_build_object('amount_fen', a.budget_fen, 'category', a.category, 'method', a.legal_basis, 'region', a.region),
       a.created_by, a.created_at, CASE WHEN s.state <> 'running' THEN coalesce(s.last, a.created_at) END
FROM auction a CROSS JOIN LATERAL (
    SELECT n AS round, max(v.decided_at) AS last,
           CASE WHEN bool_or(v.decision = 'rejected') THEN 'returned'
                WHEN n = a.submission AND EXISTS (SELECT FROM lot l WHERE l.auction_id = a.id AND l.stage = 'approving')
                THEN 'running' ELSE 'approved' END AS state
    FROM generate_series(1, a.submission) AS n LEFT JOIN approval v ON v.auction_id = a.id AND v.submission = n
    GROUP BY n) AS s;
INSERT INTO approval_decision (case_id, step, post, decision, remark, decided_by, decided_at)
SELECT DISTINCT ON (c.id, v.decided_by) c.id, array_position(a.posts, v.post) - 1, v.post, v.decision, v.remark, v.decided_by, v.decided_at
FROM approval v JOIN auction a ON a.id = v.auction_id
JOIN approval_case c ON c.kind = 'case' AND c.object_id = a.id AND c.round = v.submission;
UPDATE approval_case c SET at = d.n FROM (
    SELECT case_id, count(*)::smallint AS n FROM approval_decision GROUP BY case_id) AS d
WHERE d.case_id = c.id AND c.state = 'running';
INSERT INTO approval_case (kind, object_id, round, steps, region, org_id, title, number, path, facts, filed_by, filed_at)
SELECT 'plan', p.id, 1, '[{"posts": ["head"]}]', p.region, p.org_id, p.title, p.number, '/plans/' || p.id,
       jsonb_build_object('amount_fen', p.amount_fen, 'category', p.category, 'method', p.method, 'region', p.region),
       p.filed_by, p.filed_at
FROM plan p WHERE p.state = 'filed';
INSERT INTO approval_wait (case_id, post, role, act, of_unit)
SELECT c.id, w.post, CASE w.post WHEN 'head' THEN 'head' ELSE 'buyer' END,
       CASE c.kind WHEN 'plan' THEN 'plan.decide' ELSE 'case.approve' END, true
FROM approval_case c CROSS JOIN LATERAL jsonb_array_elements_text(c.steps -> c.at::int -> 'posts') AS w (post)
WHERE c.state = 'running';

CREATE OR REPLACE VIEW todo_of_approvals AS
SELECT 'approve:' || c.object_id || ':' || c.round || ':' || w.post AS key,
       CASE c.kind WHEN 'case' THEN 'approve' ELSE c.kind END AS kind,
       CASE WHEN w.of_unit THEN ARRAY[c.org_id] ELSE '{}'::uuid[] END AS org_ids, ARRAY[w.role] AS roles, w.act AS act,
       NULL::uuid AS person_id,
       array_remove(coalesce((SELECT array_agg(d.decided_by) FROM approval_decision d WHERE d.case_id = c.id), '{}')
                    || c.filed_by || c.author, NULL) AS not_persons,
       c.region, c.object_id, c.title, c.number, NULL::timestamptz AS until, c.path
FROM approval_wait w JOIN approval_case c ON c.id = w.case_id;

DROP TABLE approval;
CREATE TRIGGER todo_told AFTER INSERT OR DELETE ON approval_wait FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
