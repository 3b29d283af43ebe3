-- A right for one case 项目 is shown by the case's number, whoever looks at it.

SET LOCAL lock_timeout = '5s';

ALTER TABLE role_grant ADD COLUMN object_number text NOT NULL DEFAULT '' CHECK (length(object_number) <= 60),
    ADD CHECK (object_number = '' OR object_id IS NOT NULL);
