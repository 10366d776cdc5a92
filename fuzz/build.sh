#!/usr/bin/env bash
# Builds the fuzz targets as OSS-Fuzz and ClusterFuzzLite want it: what to build with is theirs (CC, CXX, CFLAGS,
# CXXFLAGS, LIB_FUZZING_ENGINE), what comes out is in $OUT: fuzz_X, fuzz_X_seed_corpus.zip, fuzz_X.dict,
# fuzz_X.options. $WORK is for objects, $SRC where this project's folder may be. Without any of them it builds
# with clang and libFuzzer below build/oss-fuzz.
#
#     fuzz/build.sh
set -euo pipefail
cd "$(dirname "$0")/.."

: "${CC:=clang}" "${CXX:=clang++}" "${CFLAGS=-O1 -g -fsanitize=fuzzer-no-link}" "${CXXFLAGS=$CFLAGS}"
: "${LIB_FUZZING_ENGINE:=-fsanitize=fuzzer}" "${OUT:=$PWD/build/oss-fuzz/out}" "${WORK:=$PWD/build/oss-fuzz/work}"
export CC CFLAGS CXX CXXFLAGS WORK
mkdir -p "$OUT" "$WORK"

# The objects of everything but the programs' mains, and of what all targets share.
compile() {
    mkdir -p "$(dirname "$WORK/$1.o")"
    # shellcheck disable=SC2086  # flags are words
    case $1 in
    *.cc) # with the standard library that Debian's and Ubuntu's libre2 is built with
        $CXX $CXXFLAGS -stdlib=libstdc++ -std=c++17 -fno-exceptions -fno-rtti -Isrc -c -o "$WORK/$1.o" "$1"
        return
        ;;
    esac
    # shellcheck disable=SC2086
    $CC $CFLAGS -std=c11 -D_POSIX_C_SOURCE=200809L -Isrc -Iinclude -Itests -Ifuzz \
        -isystem /usr/share/include/llhttp -c -o "$WORK/$1.o" "$1"
}
export -f compile
# TLS is left out: no target has it, and OpenSSL need not be there. Of src/conform, targets use only the session files.
# The target store has the tests' disk.
find src fuzz tests/support/sim_disk.c -name '*.c*' -not -name main.c -not -name '*_main.c' -not -name mutator_afl.c -not -name 'tls*.c' \
    -not '(' -path 'src/conform/*' -not -name 'session_file*' -not -name values.c ')' -print0 |
    xargs -0 -P "$(nproc)" -I {} bash -c 'compile {}'
# llhttp comes as its sources.
mkdir -p "$WORK/src/llhttp"
for part in api http llhttp; do
    # shellcheck disable=SC2086
    $CC $CFLAGS -std=c11 -w -isystem /usr/share/include/llhttp -c -o "$WORK/src/llhttp/$part.o" "/usr/share/llhttp/$part.c"
done
rm -f "$WORK/libnsqref.a"
find "$WORK/src" "$WORK/fuzz" "$WORK/tests" -name '*.o' -not -name 'fuzz_*' -exec ar rcs "$WORK/libnsqref.a" {} +

# Linked whole: where the fuzzers run, nothing is installed.
read -ra libraries < <(pkg-config --libs yajl libutf8proc libmd zlib re2)
libraries=("-Wl,-Bstatic" "${libraries[@]/#-lyajl/-lyajl_s}" -lsnappy -lstdc++ "-Wl,-Bdynamic")

for source in fuzz/fuzz_*.c; do
    name=$(basename "$source" .c) target=${source#fuzz/fuzz_} folders=()
    target=${target%.c}
    # MSan knows nothing of what a library writes that it did not build: only what is all ours.
    [[ ${SANITIZER-} != memory || ! $target =~ ^(identify|auth_reply|deflate|snappy|session|upgrade|engine|toml|query|http_request|http_api)$ ]] || continue
    # The mutator is found by its name alone, so it is named here.
    # shellcheck disable=SC2086
    $CXX $CXXFLAGS "$WORK/$source.o" "$WORK/fuzz/mutator_libfuzzer.c.o" "$WORK/libnsqref.a" $LIB_FUZZING_ENGINE \
        "${libraries[@]}" -o "$OUT/$name"
    for kind in options dict; do
        from=fuzz/$name.$kind
        [[ -e $from ]] || from=fuzz/fuzz.$kind
        cp "$from" "$OUT/$name.$kind"
    done
    rm -f "$OUT/${name}_seed_corpus.zip"
    for folder in "corpus/$target" "corpus/regressions/$target"; do
        [[ ! -d $folder ]] || folders+=("$folder")
    done
    [[ ${#folders[@]} -eq 0 ]] || find "${folders[@]}" -type f -print | LC_ALL=C sort | zip -q -j "$OUT/${name}_seed_corpus.zip" -@
done
