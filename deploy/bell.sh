#!/bin/sh
# `bell` in the container.
exec /app/bin/python -P -m openingbell "$@"
