#!/usr/bin/env bash
# Usage: start.sh PORT UPSTREAM_URL [FLAG] (foreground). Without a flag it logs nothing, as other servers.
# audit, log: the audit in a file, the request log in a file. default: both, as users run it. httpx: the other transport.
# profile, profile-default: under a sampling profiler, which writes to the file SAMPLES.
set -eu
cd "$(dirname "$0")/../../../.."
python=${VENV:-.venv}/bin/python flag=${3:-} files=${TMPDIR:-/tmp}/wethod-graphql-benchmark-$1
export WETHOD_BASE_URL=$2 GATEWAY_PORT=$1 GATEWAY_HOST=127.0.0.1 GATEWAY_LOG_LEVEL=warning GATEWAY_LOG_FORMAT=json
export GATEWAY_AUDIT_LOG=off GATEWAY_MAX_IN_FLIGHT=4000 WETHOD_MAX_CONNECTIONS=160
case $flag in audit | default | profile-default) export GATEWAY_AUDIT_LOG=$files-audit.log ;; esac
case $flag in log | default | profile-default) export GATEWAY_LOG_LEVEL=info; exec 2> "$files-log.log" ;; esac
case $flag in
  httpx) export WETHOD_TRANSPORT=httpx ;;
  profile*) exec "$python" -m tests.benchmark.sampler "$SAMPLES" ;;
esac
exec "$python" -m app serve
