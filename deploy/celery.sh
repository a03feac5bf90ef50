#!/bin/sh
# Start one Celery worker of the production profile: deploy/celery.sh search|ingest|deepfake|mail|housekeeping [options].
# Run as many of each as there is work for, on any machine that shares DATA_DIR and the videos, and exactly one
# "housekeeping", which is also the clock of the periodic tasks. Options of `celery worker` may follow the name.
set -eu
cd "$(dirname "$0")/.."

queue=${1:?name a queue: search, ingest, deepfake, mail or housekeeping}
shift
: "${REDIS_URL:?is not set: without it the workers run inside the server process}"

case $queue in
  # Threads: all of them search the one copy of the index that the process holds.
  search) set -- --pool threads --concurrency "${SEARCH_WORKERS:-4}" "$@" ;;
  # Threads too: each of them waits for a decoding child, which is replaced after a number of files.
  ingest)
    INGEST_WORKERS=${INGEST_WORKERS:-$(nproc 2>/dev/null || echo 2)}
    export INGEST_WORKERS
    set -- --pool threads --concurrency "$INGEST_WORKERS" "$@" ;;
  # And here: each thread waits for children that download, decode and judge, with limits of their own on memory and
  # time; a prefork worker may have no children.
  deepfake)
    DEEPFAKE_WORKERS=${DEEPFAKE_WORKERS:-1}
    export DEEPFAKE_WORKERS
    set -- --pool threads --concurrency "$DEEPFAKE_WORKERS" "$@" ;;
  mail) set -- --pool threads --concurrency 2 "$@" ;;
  housekeeping) set -- --pool threads --concurrency 2 --beat "$@" ;;
  *) echo "no such queue: $queue" >&2; exit 2 ;;
esac

PATH="$PWD/.venv/bin:$PATH"
exec celery --app config worker --queues "$queue" --hostname "$queue-$$@%h" --loglevel "${LOG_LEVEL:-INFO}" \
  --without-gossip --without-mingle "$@"
