-- To-do centre 待办中心: what waits for whom is read from where it stands (docs/decisions/0016), so that it is there and
-- gone with the step itself. Kept beside: since when, until when, who was reminded, who took it over, who stands in.

SET LOCAL lock_timeout = '5s';

-- What waits. key: the same as long as it is the same step. One person, or whoever of org_ids (none: of any
-- organisation) holds one of roles, with its act, for the place and the organisation; never one of not_persons. until: where a rule of
-- its own says it, otherwise the working days of todo.workdays.
CREATE VIEW todo_of_approvals AS
SELECT 'approve:' || a.id || ':' || a.submission AS key, 'approve' AS kind,
       ARRAY[a.org_id] AS org_ids, CASE WHEN next.post = 'head' THEN '{head}'::text[] ELSE '{buyer}'::text[] END AS roles,
       'case.approve' AS act,
       NULL::uuid AS person_id,
       coalesce((SELECT array_agg(v.decided_by) FROM approval v
                 WHERE v.auction_id = a.id AND v.submission = a.submission), '{}') || a.created_by AS not_persons,
       a.region, a.id AS object_id, a.title, a.number, NULL::timestamptz AS until, '/auctions/' || a.id AS path
FROM auction a CROSS JOIN LATERAL (
    SELECT p.post FROM unnest(a.posts) WITH ORDINALITY AS p (post, n)
    WHERE NOT EXISTS (SELECT FROM approval v WHERE v.auction_id = a.id AND v.submission = a.submission
                      AND v.post = p.post) ORDER BY p.n LIMIT 1) AS next
WHERE EXISTS (SELECT FROM lot l WHERE l.auction_id = a.id AND l.stage = 'approving')
UNION ALL
SELECT 'plan:' || p.id || ':' || extract(epoch FROM p.filed_at), 'plan', ARRAY[p.org_id], '{head}', 'plan.decide', NULL,
       ARRAY[p.filed_by], p.region, p.id, p.title, p.number, NULL, '/plans/' || p.id
FROM plan p WHERE p.state = 'filed';

CREATE VIEW todo_of_cases AS
WITH host AS (
    SELECT l.*, a.title AS case_title, a.number, a.submission, a.created_by,
           array_remove(ARRAY[l.org_id, a.agency_org_id], NULL) AS org_ids, '/auctions/' || a.id || '#lot-' || l.no AS path
    FROM lot l JOIN auction a ON a.id = l.auction_id WHERE NOT l.practice
)
SELECT 'draft:' || h.auction_id || ':' || h.submission AS key, 'draft' AS kind, h.org_ids,
       '{buyer,agency}'::text[] AS roles, 'case.prepare' AS act, NULL::uuid AS person_id, '{}'::uuid[] AS not_persons, h.region,
       h.auction_id AS object_id, h.case_title AS title, h.number, NULL::timestamptz AS until,
       '/auctions/' || h.auction_id AS path
FROM host h WHERE h.stage = 'draft' AND h.no = (SELECT min(o.no) FROM lot o WHERE o.auction_id = h.auction_id)
UNION ALL
SELECT h.stage || ':' || h.id || ':' || coalesce(h.award_rank, 0), h.stage, h.org_ids, '{buyer,head,agency}',
       CASE WHEN h.stage IN ('buyer_confirm', 'award_pending') THEN 'case.award' ELSE 'case.host' END, NULL, '{}',
       h.region, h.auction_id, h.case_title, h.number, h.due_at, h.path
FROM host h WHERE h.stage IN ('conformity_review', 'abnormal_review', 'buyer_confirm')
   OR (h.stage = 'award_pending' AND h.award_due_at IS NULL)
UNION ALL
SELECT 'conformity:' || h.id, 'conformity', h.org_ids, '{buyer,head,agency}', 'case.host', NULL, '{}', h.region, h.auction_id,
       h.case_title, h.number, h.opens_at, h.path
FROM host h WHERE h.stage = 'signup' AND h.rules->>'conformity' = 'before_start'
  AND EXISTS (SELECT FROM offer f JOIN signup s ON s.id = f.signup_id
              WHERE f.lot_id = h.id AND f.conformity = 'pending' AND s.status = 'admitted')
UNION ALL
SELECT 'question:' || q.id, 'question', h.org_ids, '{buyer,head,agency}', 'case.host', NULL, '{}', h.region, h.auction_id,
       h.case_title, h.number, h.opens_at, h.path
FROM question q JOIN host h ON h.id = q.lot_id WHERE q.answer IS NULL AND h.stage = 'signup'
UNION ALL
SELECT 'second:' || m.id, 'second', ARRAY[h.org_id], '{head}', 'motion.decide', NULL, ARRAY[m.proposed_by], h.region, h.auction_id,
       h.case_title, h.number, NULL, h.path
FROM motion m JOIN host h ON h.id = m.lot_id WHERE m.state = 'open'
UNION ALL
SELECT 'record:' || c.id, 'record', ARRAY[h.org_id], '{buyer,head}', 'record.release', NULL, ARRAY[c.asked_by], h.region, h.auction_id,
       h.case_title, h.number, NULL, '/recovery'
FROM lot_contradiction c JOIN host h ON h.id = c.lot_id WHERE c.asked_at IS NOT NULL AND c.released_at IS NULL
UNION ALL
SELECT 'answer_award:' || w.lot_id || ':' || w.rank, 'answer_award', ARRAY[s.org_id], '{supplier}', 'bid.enter', NULL, '{}',
       h.region, h.auction_id, h.case_title, h.number, w.due_at, h.path
FROM award w JOIN host h ON h.id = w.lot_id AND h.award_rank = w.rank JOIN signup s ON s.id = w.signup_id
WHERE w.answer IS NULL AND h.stage = 'award_pending';

CREATE VIEW todo_of_sealing AS
SELECT 'opening:' || l.id || ':' || s.person_id AS key, 'opening' AS kind, '{}'::uuid[] AS org_ids, '{}'::text[] AS roles,
       '' AS act, s.person_id, '{}'::uuid[] AS not_persons, l.region, l.auction_id AS object_id, a.title, a.number,
       l.due_at AS until, '/lots/' || l.id || '/opening' AS path
FROM lot l JOIN auction a ON a.id = l.auction_id JOIN sealing_seat s ON s.auction_id = l.auction_id
WHERE l.stage = 'opening' AND EXISTS (
    SELECT FROM (SELECT DISTINCT ON (q.signup_id) q.id, q.body FROM sealed_quote q WHERE q.lot_id = l.id
                 ORDER BY q.signup_id, q.n DESC) AS last
    WHERE last.body IS NOT NULL AND NOT EXISTS (SELECT FROM sealed_share g WHERE g.quote_id = last.id AND g.office = s.office))
UNION ALL
SELECT 'opening_key:' || a.id || ':' || s.person_id, 'opening_key', '{}', '{}', '', s.person_id, '{}', a.region, a.id, a.title,
       a.number, NULL, '/opening-key'
FROM sealing_seat s JOIN auction a ON a.id = s.auction_id
WHERE s.fingerprint IS NULL AND NOT EXISTS (SELECT FROM sealing_key k WHERE k.person_id = s.person_id);

CREATE VIEW todo_of_accounts AS
SELECT 'organisation:' || o.id AS key, 'organisation' AS kind, '{}'::uuid[] AS org_ids, '{admin}'::text[] AS roles,
       'org.manage' AS act, NULL::uuid AS person_id, '{}'::uuid[] AS not_persons, o.region, o.id AS object_id, o.name AS title,
       coalesce(o.uscc, '') AS number, NULL::timestamptz AS until, '/admin/organisations/' || o.id AS path
FROM organisation o WHERE o.state = 'waiting';

CREATE VIEW todo_waiting AS
SELECT * FROM todo_of_approvals UNION ALL SELECT * FROM todo_of_cases UNION ALL SELECT * FROM todo_of_sealing
UNION ALL SELECT * FROM todo_of_accounts;

-- Since when a step waits and until when; gone soon after the step.
CREATE TABLE todo_mark (
    key text PRIMARY KEY,
    since timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    reminded smallint NOT NULL DEFAULT 0        -- how far up the ladder: 1 new, 2 soon due, 3 overdue
);
CREATE INDEX todo_mark_by_due ON todo_mark (due_at);

-- Who took a step over 转交.
CREATE TABLE todo_handover (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    key text NOT NULL,
    to_person uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    by_person uuid NOT NULL REFERENCES person (id) CHECK (by_person <> to_person),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX todo_handover_once ON todo_handover (key) WHERE ended_at IS NULL;

-- Who stands in while somebody is away 代理人: he has his roles in his organisation for that time (role_grant).
CREATE TABLE substitution (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    person_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    substitute_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE CHECK (substitute_id <> person_id),
    during tstzrange NOT NULL CHECK (NOT isempty(during) AND NOT upper_inf(during) AND NOT lower_inf(during)),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    made_at timestamptz NOT NULL,
    EXCLUDE USING gist (person_id WITH =, during WITH &&)
);
CREATE INDEX substitution_by_substitute ON substitution (substitute_id);
ALTER TABLE role_grant ADD COLUMN substitution_id uuid REFERENCES substitution (id) ON DELETE CASCADE;
CREATE INDEX role_grant_by_substitution ON role_grant (substitution_id) WHERE substitution_id IS NOT NULL;

-- How somebody wants to be reminded 提醒方式, beside the site.
CREATE TABLE person_contact (
    person_id uuid PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
    email text NOT NULL DEFAULT '' CHECK (email = '' OR (email ~ '^[^@[:space:]<>]+@[^@[:space:]<>]+$' AND length(email) <= 200)),
    phone text NOT NULL DEFAULT '' CHECK (phone ~ '^([+]?[0-9]{5,20})?$'),
    by_email boolean NOT NULL DEFAULT false CHECK (NOT by_email OR email <> ''),
    by_sms boolean NOT NULL DEFAULT false CHECK (NOT by_sms OR phone <> ''),
    by_voice boolean NOT NULL DEFAULT false CHECK (NOT by_voice OR phone <> '')
);

-- Word to every process that the count of somebody may be another.
CREATE FUNCTION tell_of_todo() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('todo', '');
    RETURN NULL;
END $$;
CREATE TRIGGER todo_told AFTER INSERT OR DELETE OR UPDATE OF stage, award_rank ON lot
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT OR UPDATE ON plan FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT ON approval FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT OR UPDATE OF state ON motion FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT OR UPDATE OF answer ON question FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT OR UPDATE OF answer ON award FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT OR DELETE OR UPDATE ON sealing_seat
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT ON sealing_key FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT OR UPDATE OF state ON organisation
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT OR DELETE OR UPDATE ON lot_contradiction
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT OR UPDATE ON todo_handover FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT OR DELETE OR UPDATE ON role_grant
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
CREATE TRIGGER todo_told AFTER INSERT OR UPDATE OF conformity ON offer
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
