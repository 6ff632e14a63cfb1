# SPDX-License-Identifier: MIT
# Goal: the house tests can fail; a guard that never barks is no guard.
# Method: plant one offence at a time in a small house of its own and look
# whether the test names it, and in the house without one whether it is quiet.
. "$(dirname "$0")/lib.sh"

house=$source_dir/tests/house
make_scratch
caught=0

# A house with one file per layer that no test has anything to say about.
fresh_house()
{
    rm -rf "$scratch/h"
    mkdir -p "$scratch/h/include" "$scratch/h/src/base" "$scratch/h/src/core" \
        "$scratch/h/src/session" "$scratch/h/src/api" \
        "$scratch/h/tests/model" \
        "$scratch/h/cmake" "$scratch/h/scripts" "$scratch/h/.ci"
    : >"$scratch/h/src/MAP.md"
    for file in base/park core/slot session/open api/pool; do
        {
            echo '/* SPDX-License-Identifier: MIT */'
            echo "/* Does the work of $file. */"
        } >"$scratch/h/src/$file.c"
        echo "- \`src/$file.c\`: Does the work of $file." \
            >>"$scratch/h/src/MAP.md"
    done
    cat >>"$scratch/h/src/core/slot.c" <<'END'
#include "base/order.h"
#include <ck_stack.h>

/* ORDER slot.1 release <-> slot.2: publishes the fields before the state,
 * which is what a taker reads first. */
void give(order_u32 *box) { order_store_release_u32(box, 1); }

uint32_t
take(order_u32 *box)
{
    /* ORDER slot.2 acquire <-> slot.1: order_load_relaxed_u32(box) would not do. */
    return order_load_acquire_u32(box);
}
END
    printf '%s\n' '/*' ' * MAP' ' *  take  src/core/slot.c:take slot.2:acquire' \
        ' */' >"$scratch/h/tests/model/slot.pml"
    echo '#include <linux/futex.h>' >>"$scratch/h/src/base/park.c"
    echo '#include <mysql.h>' >>"$scratch/h/src/session/open.c"
    echo '/* not a call: mysql_close(m), atomic_load(x) */' \
        >>"$scratch/h/src/api/pool.c"
    # Ordering something is no atomic access.
    echo 'int order_and_go(void) { return 1; }' >>"$scratch/h/src/api/pool.c"
    echo 'const char *said = "mysql_close(m)";' >>"$scratch/h/src/api/pool.c"
    echo '# SPDX-License-Identifier: MIT' >"$scratch/h/CMakeLists.txt"
}

# quiet TEST: the clean house passes.
quiet()
{
    sh "$house/$1.sh" "$scratch/h" "$scratch/b" >"$scratch/out" 2>&1 || {
        cat "$scratch/out" >&2
        fail "$1 complains about a clean house"
    }
}

# barks TEST EXPECTED: it fails, and names the place (a fixed string).
barks()
{
    if sh "$house/$1.sh" "$scratch/h" "$scratch/b" >"$scratch/out" 2>&1; then
        fail "$1 overlooks: $2"
    fi
    grep -qF -e "$2" "$scratch/out" || {
        cat "$scratch/out" >&2
        fail "$1 fails, but does not say: $2"
    }
    caught=$((caught + 1))
}

# planted TEST FILE LINE EXPECTED: the same with LINE added to a fresh house.
planted()
{
    fresh_house
    mkdir -p "$(dirname "$scratch/h/$2")"
    printf '%s\n' "$3" >>"$scratch/h/$2"
    barks "$1" "$4"
}

fresh_house
for test in layers duties order_notes words models; do
    quiet $test
done

planted layers src/base/park.c '#include "core/slot.h"' \
    'src/base/park.c:4: base may not include core/slot.h'
planted layers src/core/slot.c '#include "session/session.h"' \
    'core may not include session/session.h'
planted layers src/session/open.c '#include "core/slot.h"' \
    'session may not include core/slot.h'
planted layers src/api/pool.c '#include "pool.h"' 'not written from src/'
planted layers src/base/park.c '#include <ck_stack.h>' 'belongs to core'
planted layers src/core/slot.c '#include <urcu-bp.h>' 'belongs to base/reclaim'
planted layers src/core/slot.c '#include <stdatomic.h>' \
    'belongs to base/order.h'
planted layers src/core/slot.c '#include <linux/futex.h>' \
    'belongs to base/park.c'
planted layers src/core/slot.c '#include <mysql.h>' 'belongs to session'
planted layers src/api/pool.c 'void f(MYSQL *m) { mysql_close (m); }' \
    'src/api/pool.c:6: a call into the client library'
planted layers src/core/slot.c 'int op = FUTEX_WAKE;' 'a futex call belongs'
planted layers src/core/slot.c '_Atomic int x;' 'atomics have their names'
planted layers src/core/slot.c 'int f(int *x) { return __sync_add(x); }' \
    'atomics have their names'
planted layers src/session/open.c 'int f(void) { return order_load_seq_u32(x); }' \
    'session has no atomics'
planted layers src/odd/thing.c 'int x;' 'no layer is called odd'
planted layers tools/tool.c '#include "core/slot.h"' 'tools/tool.c:1:'

planted duties src/core/new.c '/* Says nothing. */' \
    'src/core/new.c:1: the first line is not the SPDX line'
planted duties tests/unit/new.c 'int x;' 'tests/unit/new.c:1:'
planted duties scripts/new 'true' 'scripts/new:1: no SPDX line'
planted duties src/MAP.md '- `src/core/gone.c`: Is gone.' \
    'there is no src/core/gone.c'
planted duties src/MAP.md '- `src/core/slot.c`: Does the work of core/slot.' \
    'told twice'
fresh_house
sed -i 's/Does the work of core/Does the task of core/' "$scratch/h/src/MAP.md"
barks duties 'src/core/slot.c:2: src/MAP.md says otherwise'
fresh_house
sed -i '/core/d' "$scratch/h/src/MAP.md"
barks duties 'src/core/slot.c:2: not in src/MAP.md'
fresh_house
sed -i '2s/.*/#include <stdio.h>/' "$scratch/h/src/core/slot.c"
barks duties 'src/core/slot.c:2: no sentence'
fresh_house
rm "$scratch/h/src/MAP.md"
barks duties 'there is no map'

planted order_notes src/core/slot.c 'int f(void) { return order_load_seq_u32(x); }' \
    'src/core/slot.c:16: order_load_seq_u32 has no ORDER note'
planted order_notes src/core/slot.c 'void f(void) { ck_stack_push_mpmc(s, n); }' \
    'ck_stack_push_mpmc has no ORDER note'
planted order_notes src/core/slot.c \
    '/* ORDER slot.3 acquire <-> slot.1: late. */' \
    'slot.1 does not name slot.3 back'
planted order_notes src/core/slot.c \
    '/* ORDER slot.3 acquire <-> slot.9: late. */' \
    'slot.3 names slot.9, which is nowhere'
planted order_notes src/core/slot.c '/* ORDER slot.1 relaxed: again. */' \
    'the note slot.1 is at'
planted order_notes src/core/slot.c '/* ORDER slot.3 weakly: because. */' \
    'the note slot.3 does not read'

planted models tests/model/new.pml '/* Maps nothing. */' \
    'tests/model/new.pml:1: no MAP'
planted models tests/model/slot.pml '/* MAP
 * src/core/gone.c:take */' \
    'there is no src/core/gone.c'
planted models tests/model/slot.pml '/* MAP
 * src/core/slot.c:took */' 'src/core/slot.c has no function took'
planted models tests/model/slot.pml '/* MAP
 * src/core/slot.c:take slot.1:release */' \
    'take in src/core/slot.c has no note ORDER slot.1 release'
planted models tests/model/slot.pml '/* MAP
 * src/core/slot.c:take slot.2:relaxed */' \
    'take in src/core/slot.c has no note ORDER slot.2 relaxed'

# Taken apart, so that the test of words does not find this file.
planted words src/core/slot.c "/* TO""DO: the rest. */" 'src/core/slot.c:16:'
planted words README.md "see /wo""rk/main" 'README.md:1:'

# The table of pains: as many rows as the test wants at least, all of them true.
table_of_pains()
{
    fresh_house
    mkdir -p "$scratch/h/tests/live" "$scratch/h/tests/unit"
    {
        echo '| pain | shown by |'
        echo '|---|---|'
        for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
            printf '| %s | `pool_a`: `a_is_so`, `a_is_not`; `unit/b`: `b_is_so` |\n' $n
        done
    } >"$scratch/h/tests/README.md"
    printf '%s\n' 'static void a_is_so(void **state) {}' \
        'static void a_is_not(void **state) {}' 'TEST(a_is_so), TEST(a_is_not)' \
        >"$scratch/h/tests/live/pool_a.c"
    echo '{.name = "b_is_so"}' >"$scratch/h/tests/unit/b.c"
}
# pain ROW EXPECTED: the same with one more row.
pain()
{
    table_of_pains
    printf '%s\n' "$1" >>"$scratch/h/tests/README.md"
    barks pains "$2"
}
table_of_pains
quiet pains
pain '| a | `pool_a`: `a_was_so` |' 'README.md:19: no test a_was_so in tests/live/pool_a.c'
pain '| a | `pool_a`: `a_is` |' 'no test a_is in tests/live/pool_a.c'
pain '| a | `pool_b`: `b_is_so` |' 'there is no tests/live/pool_b.c'
pain '| a | `unit/b`: `a_is_so` |' 'no test a_is_so in tests/unit/b.c'
pain '| a | `house/gone` |' 'there is no tests/house/gone.c'
pain '| a | `b_is_so` |' 'there is no tests/live/?.c'
table_of_pains
# Written, but not in the list of what is run.
sed -i '3s/TEST(a_is_not)//' "$scratch/h/tests/live/pool_a.c"
barks pains 'no test a_is_not in tests/live/pool_a.c'
table_of_pains
sed -i 5,18d "$scratch/h/tests/README.md"
barks pains 'no table'

# The form: a house with one file that has it.
formatted_house()
{
    rm -rf "$scratch/h"
    mkdir -p "$scratch/h/src"
    cp "$source_dir/.clang-format" "$scratch/h"
    printf '%s\n' 'int' 'f(int x)' '{' '    return x;' '}' >"$scratch/h/src/f.c"
}
if command -v clang-format-14 >/dev/null; then
    formatted_house
    quiet format
    printf '%s\n' 'int g(int x)  { return x; }' >>"$scratch/h/src/f.c"
    barks format 'src/f.c:6:'
    formatted_house
    echo 'NoSuchOption: 1' >>"$scratch/h/.clang-format"
    barks format 'clang-format-14 does not run'
    formatted_house
    rm "$scratch/h/src/f.c"
    barks format 'no sources to look at'
else
    echo 'NOT TRIED: the test of form, clang-format-14 is not installed' >&2
fi

# Objects and libraries, made here: the clean ones first.
mkdir -p "$scratch/b/CMakeFiles/dewpond_objects.dir/src/core" \
    "$scratch/b/CMakeFiles/dewpond_objects.dir/src/session"
# object FILE SOURCE-TEXT
object()
{
    printf '%s\n' "$2" >"$scratch/object.c"
    $cc -fPIC -c "$scratch/object.c" \
        -o "$scratch/b/CMakeFiles/dewpond_objects.dir/src/$1.c.o"
}
fresh_house
object core/slot 'int slot(void); int slot(void) { return 1; }'
object session/open 'int mysql_ping(void *); int hello(void);
    int hello(void) { return mysql_ping(0); }'
quiet symbols
object core/slot 'int hello(void); int f(void); int f(void) { return hello(); }'
barks symbols 'src/core/slot.c:1: core needs hello of src/session/open.c'
object core/slot 'int mysql_ping(void *); int f(void);
    int f(void) { return mysql_ping(0); }'
barks symbols 'core calls mysql_ping, as only session may'
object core/slot 'int urcu_bp_call_rcu(void); int f(void);
    int f(void) { return urcu_bp_call_rcu(); }'
barks symbols 'core calls urcu_bp_call_rcu, as only base/reclaim may'
object core/slot 'int poll(void *, long, int); int f(void);
    int f(void) { return poll(0, 0, 0); }'
barks symbols 'src/core/slot.c:1: calls poll, as only base/poll may'

# libraries LINK-OPTIONS SOURCE-TEXT
libraries()
{
    printf '%s\n' "$2" >"$scratch/library.c"
    $cc -fPIC -c "$scratch/library.c" -o "$scratch/library.o"
    # shellcheck disable=SC2086
    $cc -shared $1 -o "$scratch/b/libdewpond.so" "$scratch/library.o"
    rm -f "$scratch/b/libdewpond.a"
    ar rc "$scratch/b/libdewpond.a" "$scratch/library.o"
}
good='-Wl,-soname,libdewpond.so.0 -Wl,-z,nodelete'
cat >"$scratch/h/include/dewpond.h" <<'END'
#include <stddef.h>
typedef int dew_code;
typedef int (*dew_not_this_one)(int);
dew_code dew_open(int a);
static inline void dew_nor_this(int a) { (void)dew_open(a); }
const char *dew_version(void);
END
text='int dew_open(int a) { return a; } int dew_version(void) { return 0; }'
libraries "$good" "$text"
quiet exports
libraries "$good" "$text int helper(void) { return 1; }"
barks exports 'not declared, but in the shared library: helper'
barks exports 'not declared, but in the archive library: helper'
libraries "$good" "$text int dew_extra(void) { return 1; }"
barks exports 'not declared, but in the shared library: dew_extra'
libraries "$good" 'int dew_open(int a) { return a; }'
barks exports 'declared, but not in the shared library: dew_version'
libraries '-Wl,-soname,libdewpond.so.0' "$text"
barks exports 'no NODELETE flag'
libraries '-Wl,-z,nodelete' "$text"
barks exports 'the soname is not libdewpond.so.0'

# The header: what C++11 does not know, and a warning.
cat >"$scratch/h/include/dewpond.h" <<'END'
typedef struct dew_config { int *restrict size; } dew_config;
END
barks header 'refused by'

verdict "" "the watchfulness of the house: $caught offences were caught"
