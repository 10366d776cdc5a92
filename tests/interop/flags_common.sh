# shellcheck shell=bash disable=SC2034,SC2154  # the scripts set and use the variables
# Functions for the scripts that compare the command lines of two servers: an upstream program of 1.3.0 and ours. The
# script that reads this file is called with the two programs, and sets `program`, the name of the program. Then it sets
# `nowhere`, flags with which a server uses no port of another one.
set -u
upstream=$(realpath "$1") ours=$(realpath "$2") interop=$(realpath "$(dirname "$0")")
export LC_ALL=C
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
mkdir "$work/data" "$work/unreadable"
cd "$work" || exit 1
passed=0 failed=0

verdict() { # verdict CASE WRONG: WRONG is empty, or says what is wrong
    if [[ -z $2 ]]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED %s\n%s\n' "$1" "$2"
    fi
}
shown() { printf '%q ' "$@"; }

# The part of the output that can be compared: without times and build, one error line. Upstream's nsqd reports a bad
# percentile without its usual prefix. Upstream's nsqlookupd prints a reason in Go's form for an argument too many.
error_line() {
    sed -E 's/^(\['"$program"'\] )?[0-9]{4}\/[0-9]{2}\/[0-9]{2} [0-9:.]+ //; s/^FATAL: (Could not parse)/\1/;
            s/%!\(EXTRA \*[A-Za-z.]+=(.*)\)$/ - \1/' "$1" |
        awk 'NR == 1 { first = $0 } /^FATAL/ { found = 1; print; exit } END { if (!found) print first }'
}
version_line() { sed -E 's/built w\/[a-z0-9.-]+\)/built w\/X)/' "$1"; }

# run SERVER ARGS...: prints what it did, in a few lines. It must end by itself.
run() {
    local server=$1 code
    shift
    timeout -k 1 5 "$server" "$@" >"$work/out" 2>"$work/err" </dev/null
    code=$?
    # Departure 38: our usage text is on standard output when it was asked for.
    if [[ $code == 0 && $(head -n 1 "$work/out") == "Usage of $program:" ]]; then
        mv "$work/out" "$work/err" && : >"$work/out"
    fi
    echo "exit code $code"
    version_line "$work/out"
    error_line "$work/err"
    grep -c "^Usage of $program:\$" "$work/err"
}

# Both must end with the same output.
same() {
    local a b
    a=$(run "$upstream" "$@")
    b=$(run "$ours" "$@")
    [[ $a != "exit code 124"* ]] || a+=" (upstream does not end)"
    verdict "$(shown "$@")" "$(diff <(echo "$a") <(echo "$b"))"
}
# The same, each with its own address and folder.
checked() { same "${nowhere[@]}" "$@"; }

# start SERVER ARGS...: sets pid and port, or fails.
start() {
    : >"$work/log" # otherwise the port of the last server would be read
    "$1" "${nowhere[@]}" "${@:2}" >/dev/null 2>"$work/log" </dev/null &
    pid=$! port='' code=''
    for _ in {1..150}; do
        port=$(sed -nE 's/.*TCP: listening on .*:([0-9]+)$/\1/p' "$work/log" | head -1)
        [[ -z $port ]] || return 0
        kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.02
    done
    return 1
}
# Waits up to 5 s for the server to end; sets code.
ended() {
    for _ in {1..250}; do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.02
    done
    kill -KILL "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    code=$?
}
stop() {
    kill -TERM "$pid" 2>/dev/null
    ended
}

# Both must start, and exit with 0 on SIGTERM.
starts() {
    local server wrong=''
    for server in "$upstream" "$ours"; do
        start "$server" "$@" || wrong+="$server does not start: $(tail -1 "$work/log")"$'\n'
        stop
        [[ $code == 0 ]] || wrong+="$server ends with $code"$'\n'
    done
    verdict "$(shown "$@")(starts)" "$wrong"
}

# refused REASON ARGS...: upstream starts; ours refuses, because of REASON.
refused() {
    local wrong='' b
    start "$upstream" "${@:2}" || wrong+="upstream does not start: $(tail -1 "$work/log")"$'\n'
    stop
    b=$(run "$ours" "${nowhere[@]}" "${@:2}")
    wrong+=$(diff <(printf 'exit code 1\n%s\n0\n' "FATAL: $1") <(echo "$b"))
    verdict "$(shown "${@:2}")(refused)" "$wrong"
}

# --- configuration files -------------------------------------------------------------------------------

# alike and its relatives call `settings`, a function of the script: it prints what a client and the log see of the
# settings of the server that runs. `reply` is a word of it.

# file NAME TEXT: writes TEXT, in which escapes are replaced, to the file NAME.
file() { printf '%b' "$2" >"$1"; }

# alike TEXT ARGS...: both start with this file and these arguments, and with the same settings.
alike() {
    local server wrong='' a=''
    file f.cfg "$1"
    for server in "$upstream" "$ours"; do
        if start "$server" -config=f.cfg "${@:2}"; then
            [[ $server == "$ours" ]] || a=$(settings)
            [[ $server == "$upstream" ]] || wrong+=$(diff <(echo "$a") <(settings))
        else
            wrong+="$server does not start: $(tail -1 "$work/log")"$'\n'
        fi
        stop
    done
    [[ $a == *"$reply"* ]] || wrong+="no reply: $a"
    verdict "-config with $(shown "$@")(alike)" "$wrong"
}

# both_end TEXT OURS ARGS...: both end with 1 before they listen; the reason of ours begins with OURS.
both_end() {
    local a b wrong=''
    file f.cfg "$1"
    a=$(run "$upstream" "${nowhere[@]}" -config=f.cfg "${@:3}")
    b=$(run "$ours" "${nowhere[@]}" -config=f.cfg "${@:3}")
    [[ $a == 'exit code 1'* ]] || wrong+="upstream: $a"$'\n'
    [[ $b == "exit code 1"*"FATAL: failed to load config file f.cfg - $2"* ]] || wrong+="ours: $b"
    verdict "-config with $(shown "$1" "${@:3}")(both end)" "$wrong"
}

# checked_at COLUMN LINE: both end; ours gives upstream's reason, and where the value is. Departure 42.
checked_at() {
    local a b wrong=''
    file f.cfg "$2"
    a=$(run "$upstream" "${nowhere[@]}" -config=f.cfg)
    b=$(run "$ours" "${nowhere[@]}" -config=f.cfg)
    [[ $a == 'exit code 1'* ]] || wrong+="upstream: $a"$'\n'
    wrong+=$(diff <(sed "s/^FATAL.*/& (f.cfg: line 1, column $1: ${2%% *})/" <<<"$a") <(echo "$b"))
    verdict "-config with $(shown "$2")(a value that is checked later)" "$wrong"
}

# only_ours_ends TEXT OURS: upstream starts; ours ends with 1. Departure 42.
only_ours_ends() {
    file f.cfg "$1"
    refused "failed to load config file f.cfg - $2" -config=f.cfg
}

# beyond NAME OURS: upstream starts with f.cfg; ours ends, and its reason ends with OURS. Departures 43, 44.
beyond() {
    local wrong=''
    start "$upstream" -config=f.cfg || wrong+="upstream does not start: $(tail -1 "$work/log")"$'\n'
    stop
    run "$ours" "${nowhere[@]}" -config=f.cfg | grep -q "failed to load config file f.cfg - $2\$" || wrong+="ours: $(cat err)"
    verdict "$1 (only upstream starts)" "$wrong"
}

bool='expected true or false, found' int='expected an integer, found'
duration='expected a duration such as "1m30s", or an integer of milliseconds, found'
strings='expected a list of strings, found' floats='expected a list of floats such as [0.99, 0.95], found'

# To be called last.
finish() {
    echo "$passed passed, $failed failed"
    [[ $failed -eq 0 && $passed -gt 0 ]]
}
