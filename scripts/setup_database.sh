#!/bin/sh
# Makes the warehouse ready.
. "$(dirname "$0")/find_python.sh"
exec "$python" "$(dirname "$0")/bootstrap.py" setup "$@"
