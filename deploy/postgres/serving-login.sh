#!/bin/sh
# Runs once, when the database is made: the login that serves gets its password. Roles and tables come with `wuguan db upgrade`.
set -eu
# by standard input: what stands on a command line is seen by everybody on the machine
psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname="${POSTGRES_DB:-wuguan}" <<SQL
\\set password \`cat "${APP_PASSWORD_FILE:-/run/secrets/app-password}"\`
CREATE ROLE wuguan_app LOGIN NOINHERIT;
ALTER ROLE wuguan_app PASSWORD :'password';
REVOKE CONNECT, TEMPORARY ON DATABASE "${POSTGRES_DB:-wuguan}" FROM PUBLIC;
GRANT CONNECT ON DATABASE "${POSTGRES_DB:-wuguan}" TO wuguan_app;
SQL
