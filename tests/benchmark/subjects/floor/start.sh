#!/usr/bin/env bash
# Usage: start.sh PORT UPSTREAM_URL (foreground). The upstream is never asked: this is uvicorn's own cost.
set -eu
cd "$(dirname "$0")/../../../.."
exec "${VENV:-.venv}/bin/python" -m uvicorn tests.benchmark.subjects.floor.app:app --host 127.0.0.1 --port "$1" \
  --loop uvloop --http httptools --no-access-log --log-level warning --lifespan off
