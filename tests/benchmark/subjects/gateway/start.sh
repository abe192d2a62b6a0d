#!/usr/bin/env bash
# Usage: start.sh PORT UPSTREAM_URL [httpx|core|silent|audit|log|everything] (foreground). It logs nothing, as others do.
set -eu
cd "$(dirname "$0")/../../../.."
export WETHOD_BASE_URL=$2 GATEWAY_PORT=$1 GATEWAY_HOST=127.0.0.1 GATEWAY_LOG_LEVEL=warning GATEWAY_LOG_FORMAT=json
export GATEWAY_AUDIT_LOG=off GATEWAY_MAX_IN_FLIGHT=4000 WETHOD_MAX_CONNECTIONS=160
case ${3:-} in
  httpx) export WETHOD_TRANSPORT=httpx ;;
  core | silent) exec "${VENV:-.venv}/bin/python" -m "tests.benchmark.subjects.gateway.$3" ;;
  audit) export GATEWAY_AUDIT_LOG=${TMPDIR:-/tmp}/wethod-graphql-benchmark-audit-$1.log ;;
  log | everything)
    [ "$3" = log ] || export GATEWAY_AUDIT_LOG=${TMPDIR:-/tmp}/wethod-graphql-benchmark-audit-$1.log
    export GATEWAY_LOG_LEVEL=info
    exec 2> "${TMPDIR:-/tmp}/wethod-graphql-benchmark-log-$1.log"
    ;;
esac
exec "${VENV:-.venv}/bin/wethod-graphql" serve
