# SPDX-License-Identifier: MIT
# Goal: what reads our code without running it has nothing to say, or has been
# answered. Method: clang-tidy, cppcheck and gcc -fanalyzer over src/, tools/ and
# the fixture; each finding is told unless static.answers has it, and an answer
# to a finding that is gone is told, too.
. "$(dirname "$0")/lib.sh"

answers=tests/house/static.answers
for tool in clang-tidy cppcheck gcc; do
    command -v $tool >/dev/null || skip "$tool is missing"
done
make_scratch
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
# The fixture, too, is for scripts/static: it takes as long as the rest.
files=$(sources ${STATIC_FOLDERS:-src tools} | grep "\.c$")
[ -n "$files" ] || fail "no sources to look at"

# As the testing twin is compiled. Concurrency Kit shows analyzers another face,
# without a double-word compare-and-swap, unless it is told not to.
flags="-std=c11 -DCK_USE_CC_BUILTINS=0 -D_GNU_SOURCE=1 -DDEWPOND_TESTING=1 -DDEWPOND_VERSION=\"0\" \
-DDEWPOND_URCU_INLINE=1 -DTEST_TEMPLATE_DIR=\"/\" -Isrc -Iinclude -Itests \
${CLIENT_CFLAGS-$(pkg-config --cflags libmariadb)} $(pkg-config --cflags ck)"

# Each prints "TOOL CHECK FILE LINE MESSAGE".
tidy()
{
    # One file at a time: several in one run confuse the analyzer.
    # shellcheck disable=SC2086
    printf '%s\n' "$files" |
        xargs -P "$jobs" -I {} clang-tidy --quiet {} -- $flags 2>/dev/null |
        sed "s#^$source_dir/##" |
        sed -n "s#^\([^/].*\):\([0-9]*\):[0-9]*: \(warning\|error\): \(.*\) \[\([^]]*\)\]\$#clang-tidy \5 \1 \2 \4#p"
}

# One configuration, that of the testing twin: all of them take minutes. Where a
# variable is declared is our taste (variableScope).
check()
{
    # shellcheck disable=SC2086
    cppcheck --enable=warning,style,performance,portability --std=c11 -q \
        --suppress=unusedStructMember --suppress=variableScope \
        --max-configs=1 -D__linux__ \
        -DDEWPOND_TESTING=1 -DDEWPOND_VERSION='"0"' \
        -DDEWPOND_URCU_INLINE=1 -DMARIADB_BASE_VERSION=1 -DCK_F_STACK_POP_MPMC=1 \
        -DTEST_TEMPLATE_DIR='""' -j "$jobs" -I src -I include -I tests \
        --template='cppcheck {id} {file} {line} {message}' $files 2>&1
}

analyze()
{
    # shellcheck disable=SC2086
    printf '%s\n' "$files" |
        xargs -P "$jobs" -I {} gcc $flags -fanalyzer -c -o /dev/null {} 2>&1 |
        sed -n 's#^\([^ ]*\):\([0-9]*\):[0-9]*: \(warning\|error\): \(.*\) \[\(-Wanalyzer[^]]*\)\]$#gcc \5 \1 \2 \4#p'
}

{
    tidy
    check
    analyze
} | LC_ALL=C sort -u >"$scratch/found"

# It can see: a fault of each kind, planted.
mkdir "$scratch/p"
cat >"$scratch/p/bad.c" <<'END2'
#include <stdlib.h>
int past(int n);
void twice(void *p);
int past(int n)
{
    int a[2] = {n, n};
    return a[2];
}
void twice(void *p)
{
    free(p);
    free(p);
}
END2
cppcheck -q "$scratch/p/bad.c" 2>&1 | grep -q arrayIndexOutOfBounds ||
    fail "cppcheck overlooks an index out of bounds"
gcc -fanalyzer -c -o /dev/null "$scratch/p/bad.c" 2>&1 |
    grep -q 'double-free' || fail "gcc overlooks a double free"
clang-tidy --quiet --config-file="$source_dir/.clang-tidy" "$scratch/p/bad.c" \
    -- 2>/dev/null | grep -q 'clang-analyzer-unix.Malloc' ||
    fail "clang-tidy overlooks a double free"

# An answer is "TOOL CHECK FILE: because"; it is for all lines of the file.
offences=$(awk -v answers="$answers" -v folders="${STATIC_FOLDERS:-src tools}" '
    # In the folders of this run.
    function looked_at(key,    part, list, i, n) {
        split(key, part, " ")
        n = split(folders, list, " ")
        for (i = 1; i <= n; i++)
            if (index(part[3], list[i] "/") == 1) return 1
        return 0
    }
    BEGIN {
        while ((getline line < answers) > 0) {
            n++
            if (line ~ /^#/ || line == "") continue
            if (split(line, word, " ") < 4 || word[3] !~ /:$/) {
                printf "%s:%d: not TOOL CHECK FILE: because\n", answers, n
                continue
            }
            sub(/:$/, "", word[3])
            where[word[1] " " word[2] " " word[3]] = n
        }
    }
    {
        key = $1 " " $2 " " $3
        if (key in where) { met[key] = 1; next }
        text = $0
        sub(/^[^ ]* [^ ]* [^ ]* [^ ]* /, "", text)
        printf "%s:%s: %s (%s %s)\n", $3, $4, text, $1, $2
    }
    END {
        for (key in where)
            if (!(key in met) && looked_at(key))
                printf "%s:%d: answers what nobody says any more: %s\n",
                    answers, where[key], key
    }' "$scratch/found")
verdict "$offences" "$(printf '%s\n' "$files" | wc -l) files"
