# SPDX-License-Identifier: MIT
# What the house tests share. Each is run as: sh NAME.sh SOURCE_DIR BUILD_DIR
# and prints one line per offence, file:line first. Sourced by sh.
set -eu

source_dir=${1:?the source directory}
build_dir=${2-}
cc=${CC:-cc}
cxx=${CXX:-c++}
cd "$source_dir"

fail()
{
    printf '%s\n' "$*" >&2
    exit 1
}

skip()
{
    printf 'SKIPPED: %s\n' "$*" >&2
    exit 77
}

# verdict OFFENCES [WHAT WAS LOOKED AT]: the end of a test.
verdict()
{
    if [ -n "$1" ]; then
        printf '%s\n' "$1" >&2
        exit 1
    fi
    printf 'nothing to complain about%s\n' "${2:+ in $2}"
}

# sources DIRECTORY...: the C files there, sorted; nothing if there are none.
sources()
{
    for directory in "$@"; do
        [ ! -d "$directory" ] || find "$directory" -name '*.[ch]'
    done | LC_ALL=C sort
}

# A directory that goes away with the test.
make_scratch()
{
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/dewpond-house-XXXXXX")
    trap 'rm -rf -- "$scratch"' EXIT
    trap 'exit 1' INT TERM HUP PIPE
}

# awk source: code(line) is the line without comments and without the text of
# strings; it remembers an open comment from line to line (reset it per file).
# shellcheck disable=SC2034
awk_code='
function code(line,    out, at) {
    out = ""
    while (line != "") {
        if (in_comment) {
            at = index(line, "*/")
            if (!at) return out
            line = substr(line, at + 2)
            in_comment = 0
        } else if (match(line, /^"([^"\\]|\\.)*"/)) {
            out = out (line_is_include ? substr(line, 1, RLENGTH) : "\"\"")
            line = substr(line, RLENGTH + 1)
        } else if (match(line, /^\047([^\047\\]|\\.)*\047/)) {
            out = out "0"
            line = substr(line, RLENGTH + 1)
        } else if (substr(line, 1, 2) == "/*") {
            in_comment = 1
            line = substr(line, 3)
        } else if (substr(line, 1, 2) == "//") {
            return out
        } else {
            out = out substr(line, 1, 1)
            line = substr(line, 2)
        }
    }
    return out
}
BEGIN {
    # The accesses of base/order.h that need a note, as a regular expression.
    order_access = "(order_(load|store|swap|cas|add|sub|or|and|bump)_" \
        "(relaxed|acquire|release|acq_rel|seq|owned)_[a-z0-9]+" \
        "|order_fence_[a-z0-9_]+)"
}
FNR == 1 { in_comment = 0 }
{ line_is_include = ($0 ~ /^[ \t]*#[ \t]*include/) }
'
