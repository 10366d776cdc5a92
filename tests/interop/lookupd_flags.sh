#!/usr/bin/env bash
# Compares the command lines of two servers: nsqlookupd 1.3.0 and ours get the same arguments. Both must end with the
# same exit code, the same error and the same list of flags, or both must run until SIGTERM with the same log lines. The
# last line is "N passed, N failed".
#
#     tests/interop/lookupd_flags.sh NSQLOOKUPD-1.3.0 OURS
program=nsqlookupd
# shellcheck source=tests/interop/flags_common.sh
. "$(dirname "$0")/flags_common.sh"

# No server here may use the port of a server that already runs.
nowhere=(-tcp-address=127.0.0.1:0 -http-address=127.0.0.1:0)

# --- the list of flags: nsqlookupd's names and kinds, and four of ours ---------------------------------

own='(max-registrations|max-connections|memory-bytes) int|magic-timeout duration'
listed() { "$1" -h 2>&1 | sed -n 's/^  -//p'; }
verdict "the flags and their kinds" "$(diff <(listed "$upstream") <(listed "$ours" | grep -vxE "$own"))"
verdict "four flags are ours" "$(diff <(echo 4) <(listed "$ours" | grep -cxE "$own"))"

# --- what ends at once ---------------------------------------------------------------------------------

for args in -h --h -help --help -help=1 -h= -version --version -version=true -version=T -version=1; do
    same $args
done
same -version rest -nope
same -config=/nonexistent -version
same -tcp-address=nope -version
same -version -h
same -h -nope
same --version --nope

# The last ones are flags of nsqd.
for args in -nope --nope -nope=3 -hh -Version ---version -=x --= --- -9 -data-path=x -lookupd-tcp-address=x; do
    same $args
done
same '-verbose =1'
same $'-a\nb'
for flag in $(listed "$upstream" | awk 'NF == 2 { print $1 }'); do # flags that need a value
    same "-$flag"
done

# --- values ----------------------------------------------------------------------------------------------

for flag in $(listed "$upstream" | awk '$2 == "duration" { print $1 }'); do
    for v in 60 "" 1d '1 s' 2562048h 1µ; do same "-$flag=$v"; done
done
for flag in $(listed "$upstream" | awk 'NF == 1 { print $1 }'); do # the booleans
    same "-$flag=maybe"
    same "--$flag="
done
for v in x "" warning inf 'a"b' $'a\tb\x01\x7f\xff'; do same "-log-level=$v"; done

# --- addresses and files ---------------------------------------------------------------------------------

for v in nope /tmp/x @x 127.0.0.1 [::1] '[::1' [::1]x:1 [::1]:1:2 127.0.0.1:99999 127.0.0.1:-1 127.0.0.1:nope 192.0.2.1:0 \
    a:b:c a[:0 a]:0; do
    checked "-tcp-address=$v"
    checked "-http-address=$v"
done
checked -tcp-address=nope -http-address=nope
checked -tcp-address=nope -log-prefix='[other] '
: >unreadable/file
for path in /nonexistent / unreadable/file/x; do checked "-config=$path"; done

# --- what both start with --------------------------------------------------------------------------------

starts -log-level=info
starts -- -nope
starts rest -nope
starts -log-level=ERROR -verbose -log-prefix= -log-level=DEBUG
starts -inactive-producer-timeout=-1s -tombstone-lifetime=0
starts -inactive-producer-timeout=2562047h -tombstone-lifetime=1h2m3.5s -broadcast-address=

# same_log ARGS...: both write the same lines, in any order, and end with 0 on SIGTERM. The lines of nsqlookupd come
# from goroutines. Ports and times are replaced.
same_log() {
    local server a='' b='' wrong=''
    for server in "$upstream" "$ours"; do
        start "$server" "$@" || wrong+="$server does not start: $(tail -1 log)"$'\n'
        await 'HTTP: listening on '
        stop
        [[ $code == 0 ]] || wrong+="$server ends with $code"$'\n'
        b=$(version_line log | sed -E 's/[0-9]{4}\/[0-9]{2}\/[0-9]{2} [0-9:.]+ /TIME /; s/:[0-9]+$/:PORT/' | sort)
        [[ $server == "$ours" ]] || a=$b
    done
    [[ $a == *': closing '* ]] || wrong+="no lines: $a"
    verdict "$(shown "$@")(log lines)" "$wrong$(diff <(echo "$a") <(echo "$b"))"
}
# await TEXT: the log contains it, within 3 s.
await() {
    for _ in {1..150}; do
        ! grep -q "$1" log || return 0
        sleep 0.02
    done
    return 1
}
same_log -log-prefix='[other] '
same_log -log-prefix= -http-address= -tcp-address=localhost:0
same_log -tcp-address=:0 '-http-address=[::1]:0'

# --- configuration files ---------------------------------------------------------------------------------

# What a client and the log see of the settings of a server that runs: the reply to IDENTIFY, the nodes (the producer
# may be inactive), and the prefix.
settings() {
    local size
    exec 3<>"/dev/tcp/127.0.0.1/$port" || return
    printf '  V1IDENTIFY\n\0\0\0\x46%s' \
        '{"broadcast_address":"b","tcp_port":1,"http_port":2,"version":"1.0.0"}' >&3
    size=$(timeout 2 head -c 4 <&3 | od -An -tu4 --endian=big)
    timeout 2 head -c "${size:-0}" <&3 | sed -E 's/_port":[0-9]+/_port":PORT/g'
    echo
    await 'HTTP: listening on '
    exec 4<>"/dev/tcp/127.0.0.1/$(sed -nE 's/.*HTTP: listening on .*:([0-9]+)$/\1/p' log)" || return
    printf 'GET /nodes HTTP/1.0\r\n\r\n' >&4
    timeout 2 cat <&4 | tail -n 1 | sed -E 's/"127.0.0.1:[0-9]+"/"ADDRESS"/g'
    exec 3>&- 4>&-
    echo
    sed -nE 's/^(.*)[0-9]{4}\/[0-9]{2}\/[0-9]{2} [0-9:.]+ INFO: TCP: listening.*/prefix "\1"/p' log
}

reply=broadcast_address

example=$(cd "$interop" && GOTOOLCHAIN=local go list -m -f '{{.Dir}}' github.com/nsqio/nsq)/contrib/nsqlookupd.cfg.example
alike "$(cat "$example")"
for v in '"x "' '""' "'a\"b '"; do alike "log_prefix = $v\nbroadcast_address = $v"; done
for v in -1000 '"-1s"' '"1m1.5s"' 9223372036854; do
    alike "inactive_producer_timeout = $v\ntombstone_lifetime = $v"
done
for v in debug INFO; do alike "log_level = \"$v\""; done
alike 'tcp_address = "nope"\nhttp_address = "nope"' # the command line wins
alike 'inactive_producer_timeout = "-1s"' -inactive-producer-timeout=1s
alike 'broadcast_address = "f"' -broadcast-address=c
alike 'config = 5\nversion = true\nverbose = 5\nnope = 5\n[t]\nlog_prefix = "x"'
alike ''

both_end 'log_level = "x"' 'line 1, column 13: log_level: expected debug, info, ' -log-level=info
both_end 'log_level = 5' 'line 1, column 13: log_level: expected debug, info, '
both_end 'tombstone_lifetime = "x"' "line 1, column 22: tombstone_lifetime: $duration \"x\""
both_end 'inactive_producer_timeout = true' "line 1, column 29: inactive_producer_timeout: $duration true"
for text in 'a' 'a =' 'a = 1\na = 2' 'a = "\xff"'; do both_end "$text" 'line '; done
only_ours_ends 'log_prefix = 5' 'line 1, column 14: log_prefix: expected a string, found 5'
only_ours_ends 'broadcast_address = ["x"]' 'line 1, column 21: broadcast_address: expected a string, found an array'

finish
