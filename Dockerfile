# syntax=docker/dockerfile:1
ARG PYTHON_VERSION=3.13
# Another image with a python3 that has pip and venv, from a registry of your own for instance.
ARG BASE=docker.io/library/python:${PYTHON_VERSION}-slim

FROM ${BASE} AS build

WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1

# The environment has no pip of its own: the builder's installs into it.
COPY requirements/service.lock requirements/dev.lock requirements/
RUN python3 -m venv --without-pip /opt/trailstream \
 && python3 -m pip --python /opt/trailstream/bin/python install --only-binary :all: --require-hashes \
      -r requirements/service.lock

# The build backend comes from the lock that the project is developed with, hashes and all, and stays behind.
RUN python3 -m venv --without-pip /opt/build \
 && python3 -m pip --python /opt/build/bin/python install --only-binary :all: --require-hashes \
      -r requirements/dev.lock
COPY pyproject.toml README.md LICENSE ./
COPY service service
RUN /opt/build/bin/python -m hatchling build -d /dist -t wheel \
 && python3 -m pip --python /opt/trailstream/bin/python install --no-deps --no-index /dist/*.whl \
 && /opt/trailstream/bin/python -m compileall -q /opt/trailstream/lib


FROM ${BASE}

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="trailstream" \
      org.opencontainers.image.description="Know within seconds of CloudTrail's delivery when an API call that matters was made in any of your AWS accounts." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# What installs software has no business in what runs it.
RUN python3 -c 'import ensurepip, pip, shutil; [shutil.rmtree(each.__path__[0]) for each in (ensurepip, pip)]' \
 && rm -rf /usr/local/bin/pip* /usr/local/lib/python3.*/site-packages/*

COPY --from=build /opt/trailstream /opt/trailstream
COPY deploy/rules /etc/trailstream/rules

# The base brings its standard library as source only, and a container keeps nothing that it compiles: compiled at each
# start, what the worker imports would double the time that its imports take.
RUN /opt/trailstream/bin/python3 -c 'import trailstream.entrypoints.worker'

# The environment wins over the file, so in the image these two say where metrics and health are served, whatever the
# file says: on every address, since a published port does not reach the container's loopback, and where the
# health check below asks. For another port set the variable, not telemetry.port.
ENV TRAILSTREAM_TELEMETRY__HOST=0.0.0.0 \
    TRAILSTREAM_TELEMETRY__PORT=9464

# A ledger or quarantine in files lives here: mount a volume, or they are gone with the container.
RUN mkdir -m 0700 /var/lib/trailstream && chown 10001:10001 /var/lib/trailstream
VOLUME /var/lib/trailstream

# Nothing else is written at run time, so the root filesystem may be read-only. A number, because orchestrators that insist
# on a user other than root cannot tell a name.
ENV PATH=/opt/trailstream/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /
EXPOSE 9464
STOPSIGNAL SIGTERM

# ECS ignores this one: there it belongs in the task definition.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python3", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['TRAILSTREAM_TELEMETRY__PORT'] + '/healthz', timeout=4)"]

ENTRYPOINT ["trailstream"]
CMD ["worker", "--config", "/etc/trailstream/trailstream.toml"]
