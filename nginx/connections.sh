#!/bin/sh
# Sets the number of connections and files of a worker of nginx, in the given nginx.conf. Safe to run again.
#   sh nginx/connections.sh /etc/nginx/nginx.conf
set -eu
[ $# -eq 1 ] && [ -f "$1" ] || { echo "usage: $0 /etc/nginx/nginx.conf" >&2; exit 2; }
grep -q '^[[:space:]]*worker_connections[[:space:]]' "$1" || { echo "$0: $1 has no line worker_connections." >&2; exit 1; }

new=$(mktemp)
trap 'rm -f "$new"' EXIT
# A client needs two connections, and each is a file. Logs and temporary files are additional.
echo "worker_rlimit_nofile 40000;" > "$new"
grep -v '^[[:space:]]*worker_rlimit_nofile[[:space:]]' "$1" |
    sed 's/^\([[:space:]]*\)worker_connections[[:space:]][^;]*;/\1worker_connections 16384;/' >> "$new"
cat "$new" > "$1"   # keeps owner and mode
