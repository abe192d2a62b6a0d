#!/usr/bin/env bash
# Usage: start.sh PORT UPSTREAM_URL [caches] (foreground). `caches`: Strawberry's ParserCache and ValidationCache.
set -eu
cd "$(dirname "$0")/../../../.."
export UPSTREAM_URL=$2
[ "${3:-}" != caches ] || export CACHES=1
exec "${VENV:-.venv}/bin/python" -m uvicorn tests.benchmark.subjects.naive.app:app --host 127.0.0.1 --port "$1" \
  --loop uvloop --http httptools --no-access-log --log-level warning
