-- What 0810 left over: asked with the factors themselves (accounts/factors/records.sql).
DROP FUNCTION has_second_factor(uuid);
