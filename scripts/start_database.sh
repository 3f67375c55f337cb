#!/bin/sh
# Starts a database server for the warehouse and waits until it answers; --stop stops it.
. "$(dirname "$0")/find_python.sh"
exec "$python" "$(dirname "$0")/bootstrap.py" database "$@"
