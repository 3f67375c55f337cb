# Sets `python` to the first Python on PATH that is new enough; read by the scripts beside it.
# An older one is left to bootstrap.py, which says what it found and what it needs.
for python in python3 python python3.15 python3.14 python3.13 python3.12 python3.11 none; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
done
if [ "$python" = none ]; then
    python=python3
    if ! command -v python3 >/dev/null 2>&1; then
        echo "openingbell: found no Python on PATH; Python 3.11 or newer is needed; install it and run this again" >&2
        exit 1
    fi
fi
