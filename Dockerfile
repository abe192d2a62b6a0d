# syntax=docker/dockerfile:1
# The wheel is built in one stage, installed in a second, and the last has neither a compiler nor pip's cache.
# For production, pin both images by digest.
FROM node:22-bookworm-slim AS node

FROM python:3.13-slim-bookworm AS build
# Only this stage needs Node, to bundle GraphiQL.
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
# The final environment has no pip: the pip of the build stage installs into it.
RUN python -m venv /build \
 && python -m venv --without-pip /venv \
 && /build/bin/pip --python /venv/bin/python install --no-cache-dir --require-hashes -r requirements.lock \
 && /build/bin/pip install --no-cache-dir --no-compile --require-hashes -r requirements-build.lock
COPY . .
RUN /build/bin/python -m hatchling build -t wheel \
 && /build/bin/pip --python /venv/bin/python install --no-cache-dir --no-deps dist/*.whl \
 && /venv/bin/wethod-graphql schema > /dev/null

FROM python:3.13-slim-bookworm
RUN groupadd --system --gid 10001 gateway && useradd --system --uid 10001 --gid gateway --no-create-home gateway
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    GATEWAY_HOST=0.0.0.0 GATEWAY_PORT=8000 GATEWAY_LOG_FORMAT=json
USER 10001:10001
EXPOSE 8000
# Stop it with the grace period of docs/operations.md (Times), by default 3 + 15 + 10 seconds: docker stop -t 28.
STOPSIGNAL SIGTERM
# A ProxyHandler without proxies: HTTP_PROXY, which is for Wethod, would apply to 127.0.0.1 as well.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["python", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open(f'http://127.0.0.1:{os.environ.get(\"GATEWAY_PORT\") or 8000}/health/ready', timeout=2)"]
ENTRYPOINT ["wethod-graphql"]
CMD ["serve"]
