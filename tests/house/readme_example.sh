# SPDX-License-Identifier: MIT
# Goal: the example that README.md shows is the one that is built and run.
# Method: compare README's first C block with examples/small.c, byte by byte.
. "$(dirname "$0")/lib.sh"

make_scratch

# first_block FILE: the lines of its first C block; fails if there is none.
first_block()
{
    awk '
        inside && /^```/ { closed = 1; exit }
        inside { print }
        /^```c$/ { inside = 1 }
        END { exit !closed }' "$1"
}

# same README EXAMPLE: a difference is an offence.
same()
{
    first_block "$1" >"$scratch/block" || {
        printf '%s:1: there is no complete C block\n' "$1"
        return
    }
    [ -s "$scratch/block" ] || printf '%s:1: the C block is empty\n' "$1"
    diff -u "$2" "$scratch/block" || true
}

# What this test is for, planted: a changed line, and no block at all.
planted=$scratch/README.md
sed 's/dew_release/dew_discard/' README.md >"$planted"
[ -n "$(same "$planted" examples/small.c)" ] ||
    fail "a changed example was not noticed"
sed '/^```c$/d' README.md >"$planted"
[ -n "$(same "$planted" examples/small.c)" ] ||
    fail "a missing example was not noticed"

verdict "$(same README.md examples/small.c)" "README.md's example"
