-- Registrations 入驻申请 wait for the administrator of their place.

CREATE OR REPLACE VIEW todo_of_accounts AS
SELECT 'registration:' || r.id AS key, 'registration' AS kind, '{}'::uuid[] AS org_ids, '{admin}'::text[] AS roles,
       'org.manage' AS act, NULL::uuid AS person_id, ARRAY[r.person_id] AS not_persons, r.region, r.id AS object_id,
       o.name AS title, coalesce(o.uscc, r.uscc) AS number, NULL::timestamptz AS until, '/admin/registrations' AS path
FROM registration r JOIN organisation o ON o.id = r.org_id WHERE r.decided_at IS NULL;

DROP TRIGGER todo_told ON organisation;
CREATE TRIGGER todo_told AFTER INSERT OR UPDATE ON registration FOR EACH STATEMENT EXECUTE FUNCTION tell_of_todo();
