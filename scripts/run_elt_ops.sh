#!/bin/sh
# Runs one stage of the pipeline, or all of them: run_elt_ops.sh -c full --demo; -h tells more.
. "$(dirname "$0")/find_python.sh"
exec "$python" "$(dirname "$0")/bootstrap.py" elt "$@"
