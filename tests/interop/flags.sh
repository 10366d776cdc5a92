#!/usr/bin/env bash
# Compares the command lines of two servers: nsqd 1.3.0 and ours get the same arguments. Both must end with the same
# exit code, the same error and the same list of flags, or both must run until SIGTERM. Each value that only ours
# refuses is listed here with its effect on nsqd. The last line is "N passed, N failed".
#
#     tests/interop/flags.sh NSQD-1.3.0 OURS
program=nsqd
# shellcheck source=tests/interop/flags_common.sh
. "$(dirname "$0")/flags_common.sh"

# No server here may use the port of a server that already runs.
nowhere=(-tcp-address=127.0.0.1:0 -http-address=127.0.0.1:0 -https-address=127.0.0.1:0 -data-path="$work/data")

# deadly REASON BYTES ARGS...: the same, and BYTES (sent by a client; "" = none) make nsqd panic.
deadly() {
    local wrong='' b
    if start "$upstream" "${@:3}" && [[ -n $2 ]]; then
        (printf '%b' "  V2$2" && sleep 0.3) >"/dev/tcp/127.0.0.1/$port" 2>/dev/null
    fi
    ended
    [[ $code == 2 ]] && grep -q '^panic: ' "$work/log" || wrong="nsqd ends with $code"$'\n'
    b=$(run "$ours" "${nowhere[@]}" "${@:3}")
    wrong+=$(diff <(printf 'exit code 1\n%s\n0\n' "FATAL: $1") <(echo "$b"))
    verdict "$(shown "${@:3}")(panics later)" "$wrong"
}

# --- the list of flags: nsqd's names and kinds, and eight of ours -------------------------------

listed() { "$1" -h 2>&1 | sed -n 's/^  -//p'; }
verdict "the flags and their kinds" "$(diff <(listed "$upstream") <(listed "$ours" |
    grep -vxE '(mem-queue-bytes|max-connections|output-high-water) int|(magic|output-gather)-timeout duration|waiter value|metrics-(channels|clients)'))"
for flag in mem-queue-bytes max-connections output-high-water output-gather-timeout magic-timeout waiter metrics-channels metrics-clients; do
    verdict "-$flag is ours" "$(listed "$ours" | grep -qxE "$flag( int| duration| value)?" || echo "not listed")"
done

# --- what ends at once ---------------------------------------------------------------------------

for args in -h --h -help --help -help=1 -h= -version --version -version=true -version=T -version=1; do
    same $args
done
same -version rest -nope
same -config=/nonexistent -version
same -max-deflate-level=0 -node-id=-1 -version
same -version -h
same -h -nope
same --version --nope

for args in -nope --nope -nope=3 -hh -Version -node-id-x=1 ---version -=x --= --- -9; do
    same $args
done
same '-node-id =1'
same $'-a\nb'
for flag in $(listed "$upstream" | awk 'NF == 2 { print $1 }'); do # flags that need a value
    same "-$flag"
done

# --- values ----------------------------------------------------------------------------------------

for flag in $(listed "$upstream" | awk '$2 == "int" { print $1 }'); do
    same "-$flag=x"
    same "--$flag" ""
    same "-$flag" 9223372036854775808
done
for v in 1_0_ 1__0 _1 0x 0xg 08 0o8 0b2 1e3 1.0 ' 1' '1 ' -- +-1 -9223372036854775809 18446744073709551616 \
    99999999999999999999x 0x8000000000000000; do
    same "-node-id=$v"
done
for v in 0x400 0b10000000000 0o2000 02000 1_024 +1024 -1 -0x1 9223372036854775807 -9223372036854775808; do
    checked "-node-id=$v"
done

for flag in $(listed "$upstream" | awk '$2 == "duration" { print $1 }'); do
    same "-$flag=60"
    same "-$flag" ""
done
for v in 1 1.5 .s 1..5s 1S 1d 1h2 '1 s' 1_0s s - + 1e3s 1s-1s --1s 1µ $'1\xb5s' 2562048h 9223372036854775808ns \
    9223372036854775807ns1ns -9223372036854775809ns; do
    same "-msg-timeout=$v"
done

for flag in $(listed "$upstream" | awk 'NF == 1 { print $1 }'); do # the booleans
    same "-$flag=maybe"
    same "--$flag="
done
same -tls-required=YES
same '-tls-required=a"B'
same -snappy=tRUE

for v in x "" warning inf DEBUGG 'a"b' $'a\tb\x01\x7f\xff' 'é' $'\u00ad\u200b\u2028😀\u202e'; do
    same "-log-level=$v"
done
for v in ssl3.0 SSL3.0 tls1.4 tls1 1.2 ' tls1.2'; do
    same "-tls-min-version=$v"
done

percentile=-e2e-processing-latency-percentile
for v in x '' '0.9,' ',0.9' '0.9, 0.8' 1e999 0x1 1_ _1 0b1 . 1e +-5 +nan inf_ infinit 1e309 0x1p5000 x,y; do
    same "$percentile=$v"
    same "$percentile" "$v" -nope
done
for v in 0 -0 1.5 -0.5 0.5,1.5,2 +Inf -inf infinity 1e21 1e20 100000 1e6 123456.5 1234567.5 1.0000000000000002 \
    123456789012345678901234 0x1p1 0X1.8P0 1_0 1e1_0 0x1_0p0 1e-400 0x1p-2000 -1e-7 -0.0001 -1.5e300 5. +5; do
    checked "$percentile=$v"
done
checked "$percentile=0.5" "$percentile=2" "$percentile=1.5"

# --- nsqd's own checks, and their order ------------------------------------------------------------

for v in 0 -1 10 0x10; do checked -max-deflate-level=$v; done
checked -max-deflate-level=0 -node-id=-1
checked -node-id=1024 -tls-required
checked -node-id=1024 -log-prefix='[other] '
checked -tls-required -tls-root-ca-file=/nonexistent
checked -tls-root-ca-file=/nonexistent $percentile=2

: >unreadable/file
for path in /nonexistent / unreadable/file/x; do
    checked "-config=$path"
    checked "-tls-cert=$path" -tls-key=unreadable/file
    checked "-tls-cert=$path"
    checked "-tls-root-ca-file=$path"
    same -tcp-address=127.0.0.1:0 -http-address= "-data-path=$path/none"
done
checked -tls-key=/nonexistent
checked -tls-key=unreadable/file
checked -config=/nonexistent -node-id=-1
for args in -tls-required -tls-required=1 -tls-required=TCP-https -tls-client-auth-policy=require \
    -tls-client-auth-policy=other; do
    checked $args
    checked $args -tls-required=false -tls-required
done
checked -tls-client-auth-policy=require -tls-required=false
checked -tls-required false

# --- certificates ---------------------------------------------------------------------------------------

# begins ARGS...: both end in the same way, and our message begins with nsqd's; then the file and what was expected of
# it follow in brackets.
begins() {
    local a b said wrong=''
    a=$(run "$upstream" "${nowhere[@]}" "$@")
    b=$(run "$ours" "${nowhere[@]}" "$@")
    said=$(sed -n 2p <<<"$a")
    [[ $(sed 2d <<<"$a") == "$(sed 2d <<<"$b")" && $(sed -n 2p <<<"$b") == "$said ("*': expected '*')' ]] ||
        wrong=$(diff <(echo "$a") <(echo "$b"))
    verdict "$(shown "$@")(begins alike)" "$wrong"
}
# one_line PART ARGS...: both exit with 1. nsqd has words of its own; our message is one line with PART, the file and
# what was expected.
one_line() {
    local a b wrong=''
    a=$(run "$upstream" "${nowhere[@]}" "${@:2}")
    b=$(run "$ours" "${nowhere[@]}" "${@:2}")
    [[ $a == 'exit code 1'* && $(wc -l <"$work/err") == 1 &&
        $b == *"FATAL: failed to instantiate nsqd - failed to build $1 - "*' ('*': expected '*')'* ]] ||
        wrong=$(diff <(echo "$a") <(echo "$b"))
    verdict "$(shown "${@:2}")(one line)" "$wrong"
}

# key NAME OPENSSL-ARGS...; cert NAME SIGNER OPENSSL-ARGS...: NAME.key; NAME.pem, by itself when SIGNER is NAME.
key() { openssl genpkey -out "$1.key" "${@:2}" 2>/dev/null; }
cert() {
    local by=(-key "$1.key")
    [[ $1 == "$2" ]] || by=(-key "$1.key" -CA "$2.pem" -CAkey "$2.key")
    openssl req -x509 -new "${by[@]}" -out "$1.pem" -subj "/CN=$1" -days 36500 "${@:3}" 2>/dev/null
}
ec=(-algorithm EC -pkeyopt ec_paramgen_curve:P-256)
for name in root server client; do key $name "${ec[@]}"; done
key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:1024
key ed -algorithm ED25519
openssl ec -in server.key -out old.key 2>/dev/null # "EC PRIVATE KEY" in place of "PRIVATE KEY"
openssl ec -in server.key -aes128 -passout pass:x -out locked.key 2>/dev/null
cert root root
cert server root
cert rsa rsa -sha1
cert ed ed
cat server.pem root.pem >chain.pem
cat server.key chain.pem >all.pem
cp server.pem old.pem
: >empty.pem
echo 'no PEM at all' >garbage.pem
printf -- '-----BEGIN %s-----\nAAAA\n-----END %s-----\n' CERTIFICATE CERTIFICATE >damaged.pem
printf -- '-----BEGIN %s-----\nAAAA\n-----END %s-----\n' 'PRIVATE KEY' 'PRIVATE KEY' >damaged.key
printf -- '-----BEGIN %s-----\nAAAA\n-----END %s-----\n' X X >other.pem
verdict "openssl made the certificates" "$(ls {root,server,client,rsa,ed,old,locked}.key {root,server,rsa,ed}.pem 2>&1 >/dev/null)"

good=(-tls-cert=server.pem -tls-key=server.key)
for name in server rsa ed old; do starts "-tls-cert=$name.pem" "-tls-key=$name.key"; done
starts -tls-cert=chain.pem -tls-key=server.key -tls-root-ca-file=chain.pem
starts -tls-cert=all.pem -tls-key=all.pem -tls-root-ca-file=all.pem
starts "${good[@]}" -tls-required
starts "${good[@]}" -tls-required=tcp-https
starts "${good[@]}" -tls-client-auth-policy=require -tls-required=false
starts "${good[@]}" -tls-client-auth-policy=require-verify
starts "${good[@]}" -tls-client-auth-policy=require-verify -tls-root-ca-file=root.pem
for v in tls1.0 tls1.1 tls1.2 tls1.3; do starts "${good[@]}" "-tls-min-version=$v"; done
starts -tls-root-ca-file=root.pem -tls-min-version=tls1.3

begins -tls-cert=server.pem -tls-key=client.key
begins -tls-cert=server.pem -tls-key=rsa.key
begins -tls-cert=server.key -tls-key=server.pem
begins -tls-cert=other.pem -tls-key=server.key
for name in empty.pem garbage.pem; do
    begins "-tls-cert=$name" -tls-key=server.key
    begins -tls-cert=server.pem "-tls-key=$name"
    begins "${good[@]}" "-tls-root-ca-file=$name"
    begins "-tls-root-ca-file=$name"
done
begins -tls-cert=server.pem -tls-key=server.pem
begins "${good[@]}" -tls-root-ca-file=server.key
begins "${good[@]}" -tls-root-ca-file=damaged.pem
one_line 'TLS config' -tls-cert=damaged.pem -tls-key=server.key
one_line 'TLS config' -tls-cert=server.pem -tls-key=damaged.key
one_line 'TLS config' -tls-cert=server.pem -tls-key=locked.key
one_line 'TLS config' -tls-cert=server.pem -tls-key=other.pem
checked -tls-cert=server.pem
checked -tls-key=server.key
checked "${good[@]}" -tls-root-ca-file=/nonexistent
checked "${good[@]}" -tls-root-ca-file=/nonexistent -max-deflate-level=0
checked -tls-cert=/nonexistent -tls-key=server.key $percentile=2
checked "${good[@]}" $percentile=2

# nsqd starts with these, needs no certificate, and serves only clients that use TLS.
for policy in verify Require require-any; do
    refused "failed to instantiate nsqd - --tls-client-auth-policy is \"$policy\": expected require, require-verify or nothing" \
        "${good[@]}" "-tls-client-auth-policy=$policy"
done

# --- what both start with ----------------------------------------------------------------------------

starts -log-level=info
starts -- -nope
starts - -nope
starts rest -nope
starts -node-id=0x3FF -max-deflate-level=9 --log-level=DEBUG -verbose -worker-id
starts -msg-timeout=1h2m -max-msg-timeout=1.5h --max-req-timeout=-1s -output-buffer-timeout=1ns
starts -snappy=false --deflate=F -mem-queue-size=0 -sync-every=-1 -max-bytes-per-file=0
starts -max-rdy-count=-1 -max-body-size=-1 -max-channel-consumers=-1 -max-msg-size=2147483621
starts -lookupd-tcp-address=127.0.0.1:1 -lookupd-tcp-address 127.0.0.1:2 -broadcast-address=x
starts -tls-min-version= -tls-min-version=TLS1.3 -tls-required=false -tls-client-auth-policy=
starts $percentile=0.5,.75 $percentile 0x1p0 -e2e-processing-latency-window-time=2ns
starts -statsd-interval=1s -statsd-prefix= -queue-scan-selection-count=0 -queue-scan-worker-pool-max=1

# --- what ends or hangs nsqd later: refused ------------------------------------------------------------

instantiate='failed to instantiate nsqd -'
sub='SUB t c\n' pub='PUB t\n\0\0\0\001x'
deadly "$instantiate --output-buffer-timeout must be greater than 0" "NOP\n" -output-buffer-timeout=0
deadly "$instantiate --output-buffer-timeout must be greater than 0" "NOP\n" -output-buffer-timeout=-1s
deadly "$instantiate --mem-queue-size must be [0,2^44)" "$pub" -mem-queue-size=-1
deadly "$instantiate --sync-timeout must be greater than 0" "$pub" -sync-timeout=0
deadly "$instantiate --sync-timeout must be greater than 0" "$sub" -sync-timeout=-1ns
deadly "$instantiate --queue-scan-selection-count must be [0,2^44)" "" -queue-scan-selection-count=-1
deadly "$instantiate --statsd-interval must be greater than 1s" "" -statsd-address=127.0.0.1:9 -statsd-interval=0
deadly "$instantiate --statsd-interval must be greater than 1s" "" -statsd-address=127.0.0.1:9 -statsd-interval=1s
refused "$instantiate --queue-scan-worker-pool-max must be at least 1" -queue-scan-worker-pool-max=0
refused "$instantiate --max-msg-size must be at most 2147483621" -max-msg-size=2147483622
refused "$instantiate --e2e-processing-latency-window-time must be at least 2ns" \
    $percentile=1 -e2e-processing-latency-window-time=1ns
refused "$instantiate invalid E2E processing latency percentile: NaN" $percentile=NaN

# --- configuration files -------------------------------------------------------------------------------

reply=max_rdy_count
# What a client and the log see of the settings of a server that runs: the reply to IDENTIFY, the id and the prefix.
settings() {
    local size
    exec 3<>"/dev/tcp/127.0.0.1/$port" || return
    printf '  V2IDENTIFY\n\0\0\0\x1c{"feature_negotiation":true}' >&3
    size=$(timeout 2 head -c 4 <&3 | od -An -tu4 --endian=big)
    timeout 2 head -c "${size:-0}" <&3 | tr -d '\0'
    exec 3>&-
    echo
    sed -nE 's/^(.*)[0-9]{4}\/[0-9]{2}\/[0-9]{2} [0-9:.]+ INFO: (ID: .*)/prefix "\1", \2/p' "$work/log"
}

# panics TEXT OURS: nsqd panics; ours ends with 1. Departure 42.
panics() {
    local b wrong=''
    file f.cfg "$1"
    timeout -k 1 5 "$upstream" "${nowhere[@]}" -config=f.cfg >/dev/null 2>log </dev/null
    [[ $? == 2 ]] && grep -q '^panic: interface conversion' log || wrong="nsqd: $(tail -1 log)"$'\n'
    b=$(run "$ours" "${nowhere[@]}" -config=f.cfg)
    wrong+=$(diff <(printf 'exit code 1\n%s\n0\n' "FATAL: failed to load config file f.cfg - $2") <(echo "$b"))
    verdict "-config with $(shown "$1")(panics)" "$wrong"
}

tls='tls_cert = "server.pem"\ntls_key = "server.key"\n'

example=$(cd "$interop" && GOTOOLCHAIN=local go list -m -f '{{.Dir}}' github.com/nsqio/nsq)/contrib/nsqd.cfg.example
alike "$(cat "$example")"
alike "$(sed -E 's/^# ([a-z])/\1/; /^(tls_|data_path|id)/d' "$example")" # with the keys that are comments there

# each kind of value for each kind of flag
for v in true false '"F"' '"1"' "'TRUE'"; do alike "deflate = $v\nsnappy = $v"; done
for v in 5 0x5 0o5 0b101 5_0 +5 -5 '"5"' '"+5"' '"-5"' '"007"' "'5'" '"""5"""'; do alike "max_rdy_count = $v"; done
alike 'max_rdy_count = 9223372036854775807'
for v in 3 '"3"'; do alike "max_deflate_level = $v\nid = $v"; done
for v in 5000 0 -5 '"1m1.5s"' '"0"' '"-1h"' '".5s"' "'1ns'" 9223372036854; do
    alike "msg_timeout = $v\nmax_msg_timeout = $v"
done
alike 'output_buffer_timeout = 1234'
for v in '"x "' '""' "'a\"b '" '"\\u00e9"' '"""\\nx """'; do alike "log_prefix = $v"; done
for v in '[]' '["127.0.0.1:1"]' '["a", "b,c"]' '"a,b"' '""' '[\n"a", # one\n"b",\n]'; do
    alike "auth_http_addresses = $v\nnsqlookupd_tcp_addresses = []"
done
for v in '[]' '[0.5, 0.9]' '[1.0]' '[1e-2]' '"0.5"' '" 0.5 ,0x1p-1"'; do
    alike "e2e_processing_latency_percentiles = $v"
done
for v in false 0 '"0"' '"F"' '"false"'; do alike "tls_required = $v"; done
for v in true 1 '"1"' '"TRUE"' '"TCP-https"'; do alike "${tls}tls_required = $v"; done
for v in '""' '"TLS1.2"' '"tls1.3"'; do alike "${tls}tls_min_version = $v"; done
alike "${tls}tls_client_auth_policy = \"require\""
for v in debug INFO; do alike "log_level = \"$v\""; done

# the command line wins
alike 'max_rdy_count = 5\nmsg_timeout = "5s"\ndeflate = false' -max-rdy-count=9
alike 'msg_timeout = "5s"' -msg-timeout=9s
alike 'deflate = false' -deflate
alike 'auth_http_addresses = ["a"]' -auth-http-address=b
alike 'tls_required = true' -tls-required=false
alike 'log_prefix = "f "' '-log-prefix=c '
alike 'id = 5' -node-id=7
for line in 'max_rdy_count = true' 'deflate = []' 'msg_timeout = 1.5' 'auth_http_addresses = [1]'; do
    alike "$line" -max-rdy-count=9 -deflate=false -msg-timeout=9s -auth-http-address=b # such a value is not looked at
done
both_end 'tls_required = "yes"' 'line 1, column 16: tls_required: expected true, false, or tcp-https' -tls-required=false
both_end 'log_level = "x"' 'line 1, column 13: log_level: expected debug, info, ' -log-level=info

# keys
alike 'nope = 5\n[nsqd]\nid = 5\n[[t]]\na.b.c = 1'
alike 'node_id = 5\nversion = true\nconfig = "x"\nverbose = 5\nworker_id = 5\nauth_http_address = ["a"]\nID = 5'
alike '"id" = 5\n"max\\u005frdy_count" = 6'
alike '\xef\xbb\xbfid = 5\r\n\r\n# end'
alike '\xff\xfeid = 5'
alike ''

# files that are no TOML
for text in 'id' 'id =' 'id = x' 'id = 5 max_rdy_count = 5' 'id = 1\nid = 2' 'a = "x' 'a = "\\q"' 'a = "\xff"' \
    'i\x00d = 5' 'id = 5\rb = 1' 'a = {b = 1,}' 'a = {b = 1,\nc = 2}' 'a = 01' 'a = 1__0' 'a = 9223372036854775808' \
    'a = .5' 'a = 5.' '[a' '[a]\n[a]' '[[a]]\n[a]' 'a = 1\n[a]' 'a = 1979-13-01' 'a = True' '= 1' '"""a""" = 1'; do
    both_end "$text" 'line '
done

# no TOML either, but nsqd starts
for text in 'a = {}\n[a.b]' 'a = {b.c = 1}\na.d = 1' 'a.b = 1\n[a]' '[[a.b]]\n[a]\nb.c = 1' 'a = 1:32:00'; do
    file f.cfg "$text"
    beyond "$text" 'line [0-9]*, column [0-9]*: \([a-z_]*: \)\?Error while .*'
done

# values that both refuse
both_end 'deflate = "no"' "line 1, column 11: deflate: $bool \"no\""
both_end 'deflate = 1.0' "line 1, column 11: deflate: $bool the float 1"
both_end 'snappy = []' "line 1, column 10: snappy: $bool an array"
both_end 'snappy = 1979-05-27' "line 1, column 10: snappy: $bool a date or a time"
both_end '# x\n  max_rdy_count = "0x5"' "line 2, column 19: max_rdy_count: $int \"0x5\""
both_end 'max_rdy_count = "1_0"' "line 1, column 17: max_rdy_count: $int \"1_0\""
both_end 'max_rdy_count = ""' "line 1, column 17: max_rdy_count: $int \"\""
both_end 'max_rdy_count = 5.0' "line 1, column 17: max_rdy_count: $int the float 5"
both_end 'max_rdy_count = true' "line 1, column 17: max_rdy_count: $int true"
both_end 'id.x = 5' "line 1, column 1: id: $int a table"
both_end '\n[id]' "line 2, column 1: id: $int a table"
both_end 'msg_timeout = "5"' "line 1, column 15: msg_timeout: $duration \"5\""
both_end 'msg_timeout = 5.5' "line 1, column 15: msg_timeout: $duration the float 5.5"
both_end 'msg_timeout = true' "line 1, column 15: msg_timeout: $duration true"
for v in '""' '"0.5,"' '"x"'; do
    both_end "e2e_processing_latency_percentiles = $v" \
        "line 1, column 38: e2e_processing_latency_percentiles: $floats $v"
done
for v in '"yes"' 2 '""' '[]' -1; do both_end "tls_required = $v" 'line 1, column 16: tls_required: expected '; done
for v in '"ssl3.0"' 769 true; do both_end "tls_min_version = $v" 'line 1, column 19: tls_min_version: expected '; done
for v in '"nope"' 1 '["info"]'; do both_end "log_level = $v" 'line 1, column 13: log_level: expected '; done

# values that are checked after the file was read
for line in 'tls_required = true' 'tls_cert = "server.pem"'; do
    file f.cfg "$line"
    checked -config=f.cfg
done
checked_at 21 'max_deflate_level = 12'
checked_at 6 'id = 1024'
for v in '[2.0]' '[0.5, 1.5, 2.0]'; do checked_at 38 "e2e_processing_latency_percentiles = $v"; done
file f.cfg 'id = 5'
checked -config=f.cfg -node-id=1024
file f.cfg 'mem_queue_size = -1'
deadly "$instantiate --mem-queue-size must be [0,2^44) (f.cfg: line 1, column 18: mem_queue_size)" "$pub" -config=f.cfg

# values of which nsqd makes something else
for v in 0 1 5; do only_ours_ends "deflate = $v" "line 1, column 11: deflate: $bool $v"; done
only_ours_ends 'log_prefix = 5' 'line 1, column 14: log_prefix: expected a string, found 5'
only_ours_ends 'broadcast_address = 1.5' 'line 1, column 21: broadcast_address: expected a string, found the float 1.5'
only_ours_ends 'statsd_prefix = true' 'line 1, column 17: statsd_prefix: expected a string, found true'
only_ours_ends 'log_prefix = ["a"]' 'line 1, column 14: log_prefix: expected a string, found an array'
only_ours_ends '[log_prefix]' 'line 1, column 1: log_prefix: expected a string, found a table'
only_ours_ends 'log_prefix = "a\\u0000b"' 'line 1, column 14: log_prefix: expected a string, found a string with a NUL'
only_ours_ends 'msg_timeout = 9223372036855' "line 1, column 15: msg_timeout: $duration 9223372036855"
for v in 5 true; do only_ours_ends "auth_http_addresses = $v" "line 1, column 23: auth_http_addresses: $strings $v"; done
only_ours_ends '[auth_http_addresses]' "line 1, column 1: auth_http_addresses: $strings a table"
only_ours_ends 'e2e_processing_latency_percentiles = 0.5' \
    "line 1, column 38: e2e_processing_latency_percentiles: $floats the float 0.5"
only_ours_ends 'tls_required = 0.0' \
    'line 1, column 16: tls_required: expected true, false, or tcp-https (plain HTTP stays), found the float 0'
panics 'auth_http_addresses = ["a", 5]' "line 1, column 29: auth_http_addresses: $strings 5"
panics 'auth_http_addresses = [["a"]]' "line 1, column 24: auth_http_addresses: $strings an array"
panics 'e2e_processing_latency_percentiles = [1, 0.9]' \
    "line 1, column 39: e2e_processing_latency_percentiles: $floats 1"

file f.cfg "a = $(printf '%0300d' 0 | tr 0 '[')$(printf '%0300d' 0 | tr 0 ']')"
beyond 'deep arrays' 'line 1, column 261: .*depth of 256 .*'
printf '# %01048576d\n' 0 >f.cfg
beyond 'a large file' 'expected less than 1 MiB'
printf '# %05000d\n' 0 | tr 0 . >f.cfg
beyond 'many dots' 'expected at most 4096 dots in a file'
file f.cfg "nsqlookupd_tcp_addresses = [$(printf '%065d' 0 | sed 's/0/"127.0.0.1:1",/g')]"
beyond 'a long list' 'line 1, column [0-9]*: nsqlookupd_tcp_addresses: expected at most 64 values, found .*'

finish
