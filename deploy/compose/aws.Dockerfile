# The stand-in for AWS that the tests talk to, from the same hashed lock.
ARG BASE=docker.io/library/python:3.13-slim
FROM ${BASE}
COPY requirements/endpoint.lock /tmp/
RUN python3 -m venv --without-pip /opt/endpoint \
 && python3 -m pip --python /opt/endpoint/bin/python install --no-cache-dir --only-binary :all: --require-hashes \
      -r /tmp/endpoint.lock
USER 10002:10002
ENTRYPOINT ["/opt/endpoint/bin/ministack"]
