-- How long a session may stay unused 空闲退出: the parameter of the person's region when he came in.
ALTER TABLE login_session ADD COLUMN idle_s integer NOT NULL DEFAULT 14400 CHECK (idle_s BETWEEN 1 AND 86400);
