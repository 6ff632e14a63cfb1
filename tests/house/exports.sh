# SPDX-License-Identifier: MIT
# Goal: the libraries show what the header declares, and nothing else.
# Method: compare their symbol tables with the header's declarations.
. "$(dirname "$0")/lib.sh"

: "${build_dir:?the build directory}"
shared=$build_dir/libdewpond.so
archive=$build_dir/libdewpond.a
make_scratch

# The declarations of the header itself, without what it includes.
# shellcheck disable=SC2086
$cc -E ${CLIENT_CFLAGS-} include/dewpond.h | awk '
    /^# [0-9]+ "/ { ours = ($3 ~ /dewpond\.h"$/); next }
    ours' | tr '\n' ' ' | awk -v RS=';' '
    {
        # Bodies of inline functions are no declarations.
        while (match($0, /\{[^{}]*\}/))
            $0 = substr($0, 1, RSTART - 1) " @ " substr($0, RSTART + RLENGTH)
        if (/@[ \t]*$/ || /static[ \t]+inline/ || /typedef/) next
        if (match($0, /dew_[a-z0-9_]+[ \t]*\(/)) {
            name = substr($0, RSTART, RLENGTH)
            gsub(/[^a-z0-9_]/, "", name)
            print name
        }
    }' | LC_ALL=C sort -u >"$scratch/declared"
[ -s "$scratch/declared" ] || fail "no declarations found in the header"

nm -D --defined-only "$shared" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
    LC_ALL=C sort -u >"$scratch/shared"
nm -g --defined-only "$archive" | awk 'NF == 3 { print $3 }' |
    LC_ALL=C sort -u >"$scratch/archive"

offences=$(
    for library in shared archive; do
        LC_ALL=C comm -13 "$scratch/declared" "$scratch/$library" |
            sed "s/^/include\/dewpond.h:1: not declared, but in the $library library: /"
        LC_ALL=C comm -23 "$scratch/declared" "$scratch/$library" |
            sed "s/^/include\/dewpond.h:1: declared, but not in the $library library: /"
    done
    readelf -dW "$shared" >"$scratch/dynamic"
    grep -q 'SONAME.*\[libdewpond\.so\.0\]' "$scratch/dynamic" ||
        printf '%s:1: the soname is not libdewpond.so.0\n' "$shared"
    grep -q 'FLAGS_1.*NODELETE' "$scratch/dynamic" ||
        printf '%s:1: no NODELETE flag: dlclose would unmap code that runs at thread exit\n' "$shared"
    ! grep -q 'TEXTREL' "$scratch/dynamic" ||
        printf '%s:1: text relocations\n' "$shared"
)
verdict "$offences" "$(wc -l <"$scratch/declared") functions"
