#!/bin/sh
# Patroni runs this once, on the first primary; $1 is the address of its database as superuser.
set -eu
psql --dbname="$1" --set=ON_ERROR_STOP=1 --set=password="$POSTGRES_PASSWORD" <<'SQL'
CREATE ROLE matinee LOGIN PASSWORD :'password';
CREATE DATABASE matinee OWNER matinee ENCODING utf8 TEMPLATE template0;
SQL
