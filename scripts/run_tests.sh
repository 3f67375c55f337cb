#!/bin/sh
# Runs the linters and all tests; with arguments, pytest alone with these.
. "$(dirname "$0")/find_python.sh"
exec "$python" "$(dirname "$0")/bootstrap.py" test "$@"
