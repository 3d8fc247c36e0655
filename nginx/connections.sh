#!/bin/sh
# Sets how many connections and files a worker of nginx may have, in the nginx.conf that is given. Safe to run again.
#   sh nginx/connections.sh /etc/nginx/nginx.conf
set -eu
[ $# -eq 1 ] && [ -f "$1" ] || { echo "usage: $0 /etc/nginx/nginx.conf" >&2; exit 2; }
grep -q '^[[:space:]]*worker_connections[[:space:]]' "$1" || { echo "$0: $1 has no line worker_connections." >&2; exit 1; }

made=$(mktemp)
trap 'rm -f "$made"' EXIT
# A client is two connections, each of them a file, besides logs and temporary files.
echo "worker_rlimit_nofile 40000;" > "$made"
grep -v '^[[:space:]]*worker_rlimit_nofile[[:space:]]' "$1" |
    sed 's/^\([[:space:]]*\)worker_connections[[:space:]][^;]*;/\1worker_connections 16384;/' >> "$made"
cat "$made" > "$1"   # keeps owner and mode
