"""The slow policy, and the quick one."""

SLOW = """CREATE POLICY office ON owner USING (office_id = 1 OR headquarters())"""  # LEAK
QUICK = "CREATE POLICY office ON owner TO wuguan_app USING (office_id = ANY (scope()))"
WHOLE = "CREATE OR REPLACE FUNCTION scope() RETURNS bigint AS 'SELECT office_id = 1'"
