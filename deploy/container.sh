#!/bin/sh
# A container without an image of its own: the package is installed into a volume at the first start.
# Put FMP_API_KEY into openingbell.env beside this file.
set -eu
docker run --detach --name openingbell --restart unless-stopped \
    --env-file openingbell.env --env OPENINGBELL_HOME=/data/home \
    --volume openingbell:/data --workdir /data \
    --health-cmd "/data/venv/bin/bell doctor --heartbeat" --health-interval 5m --stop-timeout 120 \
    --volume "$(pwd):/source:ro" \
    python:3.13-slim sh -c "test -x /data/venv/bin/bell || (python -m venv /data/venv && /data/venv/bin/pip install /source); exec /data/venv/bin/bell run"
