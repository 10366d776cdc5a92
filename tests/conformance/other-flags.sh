#!/bin/sh
# Starts a server whose flags are spelled otherwise than nsqd's. Copy it, and write the options of your server on the
# right side of the table. Delete the lines of what your server cannot do.
#
#     nsq-conform --spawn 'sh other-flags.sh my-server {port} {http-port} {dir} {flags}'
#
# It ends with an exit code if there is no option for a flag. Then the cases that need the flag are "unsupported".
server=$1 port=$2 http_port=$3 dir=$4
shift 4
for flag in "$@"; do # each turn takes the first argument away, and adds its translation at the end
    shift
    value=${flag#*=}
    case $flag in
    --max-msg-size=*) set -- "$@" -max-msg-size "$value" ;; # bytes
    --max-body-size=*) set -- "$@" -max-body-size "$value" ;;
    --max-rdy-count=*) set -- "$@" -max-rdy-count "$value" ;;
    --max-req-timeout=*) set -- "$@" -max-req-timeout "$value" ;; # a number and ms, s or h
    --msg-timeout=*) set -- "$@" -msg-timeout "$value" ;;
    --max-msg-timeout=*) set -- "$@" -max-msg-timeout "$value" ;;
    --mem-queue-size=*) set -- "$@" -mem-queue-size "$value" ;; # messages
    --tls-cert=*) set -- "$@" -tls-cert "$value" ;;             # a file
    --tls-key=*) set -- "$@" -tls-key "$value" ;;
    --auth-http-address=*) set -- "$@" -auth-http-address "$value" ;; # host:port
    --lookupd-tcp-address=*) set -- "$@" -lookupd-tcp-address "$value" ;; # host:port; it may come twice
    *)
        echo "other-flags.sh: no option for $flag" >&2
        exit 2
        ;;
    esac
done
exec "$server" -tcp-address "127.0.0.1:$port" -http-address "127.0.0.1:$http_port" -https-address "" \
    -data-path "$dir" "$@"
