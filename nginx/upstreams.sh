#!/bin/sh
# Prints hubbub/upstreams.conf for instances given as NAME=HOST:PORT. NAME is the instance's HUBBUB_INSTANCE_ID.
#   sh nginx/upstreams.sh chat-1=10.0.0.1:8000 chat-2=10.0.0.2:8000 > /etc/nginx/hubbub/upstreams.conf
set -eu
[ $# -gt 0 ] || { echo "usage: $0 NAME=HOST:PORT ..." >&2; exit 2; }

for each; do
    name=${each%%=*} place=${each#*=}
    case $name in "" | *[!A-Za-z0-9._-]*) echo "$0: $each: NAME is letters, digits, '.', '_', '-'." >&2; exit 2 ;; esac
    case $place in "$each" | *[!A-Za-z0-9._:\[\]-]* | *:) echo "$0: $each: not NAME=HOST:PORT." >&2; exit 2 ;; *:*) ;;
        *) echo "$0: $each: no port." >&2; exit 2 ;; esac
done

echo "# Made by nginx/upstreams.sh $*"
echo
echo "# Whoever has no session yet. An instance that does not answer, or answers 503, is left alone for 5 s."
echo "upstream hubbub {"
echo "    zone hubbub 256k;"
echo "    random two least_conn;"
for each; do echo "    server ${each#*=} max_fails=1 fail_timeout=5s;"; done
echo "    keepalive 64;"
echo "    keepalive_timeout 60s;"
echo "}"
for each; do
    echo
    echo "upstream hubbub_${each%%=*} {"
    echo "    server ${each#*=} max_fails=0;"
    echo "    keepalive 16;"
    echo "    keepalive_timeout 60s;"
    echo "}"
done
echo
echo "# A session's id begins with the name of its instance."
echo "map \$arg_sid \$hubbub_instance {"
echo "    default hubbub;"
for each; do
    name=${each%%=*}
    echo "    \"~^$(printf %s "$name" | sed 's/\./\\./g')\\.[^.]+\$\" hubbub_$name;"
done
echo "}"
