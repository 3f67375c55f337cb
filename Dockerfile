# The pipeline in a container: `bell run` by default, any verb behind it. docs/docker.md says how it is built and run.
# A digest can take the place of the tag: docker build --build-arg BASE=python@sha256:…
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS build
COPY requirements.txt /
# Wheels alone, each with its locked hash; no pip goes along.
RUN python -m venv --without-pip /app \
    && pip --python /app install --no-cache-dir --require-hashes --only-binary :all: --requirement /requirements.txt
COPY openingbell /app/package/openingbell
COPY --chmod=755 deploy/bell.sh /app/bin/bell

FROM ${BASE}
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin bell \
    && install --directory --owner=bell --group=bell /data
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH \
    PYTHONPATH=/app/package \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OPENINGBELL_HOME=/data
USER 10001
WORKDIR /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=1m --timeout=30s --start-period=5m CMD ["bell", "doctor", "--heartbeat"]
ENTRYPOINT ["bell"]
CMD ["run"]
