-- Where an expert stood before and after, who changed it and why; and a reminder before his term ends.

SET LOCAL lock_timeout = '5s';

CREATE TABLE expert_change (
    id uuid PRIMARY KEY DEFAULT uuidv7(),
    person_id uuid NOT NULL REFERENCES expert (person_id),
    before text NOT NULL,
    after text NOT NULL,
    reason text NOT NULL DEFAULT '',
    changed_by uuid NOT NULL REFERENCES person (id),
    changed_at timestamptz NOT NULL
);
CREATE INDEX expert_change_of ON expert_change (person_id);

CREATE VIEW todo_of_terms AS
SELECT 'expert_again:' || e.person_id || ':' || e.good_until AS key, 'expert_again' AS kind, '{}'::uuid[] AS org_ids,
       '{}'::text[] AS roles, '' AS act, e.person_id, '{}'::uuid[] AS not_persons, e.region, NULL::uuid AS object_id,
       p.name AS title, p.login AS number, e.good_until::timestamptz AS until, '/experts/own' AS path
FROM expert e JOIN person p ON p.id = e.person_id
WHERE e.status = 'active' AND e.good_until <= current_date + 60
  AND NOT EXISTS (SELECT FROM expert_filing f WHERE f.person_id = e.person_id AND f.stage = 'filed');
SELECT gather_todo();
CREATE TRIGGER todo_told AFTER UPDATE ON expert FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
