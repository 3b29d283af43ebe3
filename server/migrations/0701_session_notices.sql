-- Word to every process when a session ends, or when what its person or organisation may do is another: sockets follow.

CREATE FUNCTION tell_of_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('session', json_build_object('session', OLD.id, 'lapsed', OLD.expires_at <= now())::text);
    RETURN NULL;
END $$;
CREATE TRIGGER session_told AFTER DELETE ON login_session FOR EACH ROW EXECUTE FUNCTION tell_of_session();

CREATE FUNCTION tell_of_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('session', json_build_object('person', NEW.id)::text);
    RETURN NULL;
END $$;
CREATE TRIGGER person_told AFTER UPDATE ON person FOR EACH ROW
    WHEN ((OLD.active, OLD.org_id) IS DISTINCT FROM (NEW.active, NEW.org_id)) EXECUTE FUNCTION tell_of_person();

CREATE FUNCTION tell_of_grant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('session', json_build_object('person', coalesce(NEW.person_id, OLD.person_id))::text);
    RETURN NULL;
END $$;
CREATE TRIGGER grant_told AFTER INSERT OR UPDATE OR DELETE ON role_grant
    FOR EACH ROW EXECUTE FUNCTION tell_of_grant();

CREATE FUNCTION tell_of_supplier() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('session', json_build_object('org', coalesce(NEW.org_id, OLD.org_id))::text);
    RETURN NULL;
END $$;
CREATE TRIGGER ban_told AFTER INSERT OR UPDATE OR DELETE ON supplier_ban
    FOR EACH ROW EXECUTE FUNCTION tell_of_supplier();

-- Whether a supplier is banned 禁止参加政府采购活动 today, by the day in China.
CREATE FUNCTION supplier_banned(org uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM supplier_ban b
                   WHERE b.org_id = org AND b.during @> (now() AT TIME ZONE 'Asia/Shanghai')::date)
$$;
