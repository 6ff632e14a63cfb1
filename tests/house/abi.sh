# SPDX-License-Identifier: MIT
# Goal: a program that was built against the last release runs with this one.
# Method: abidiff the library's types and functions with those of the release
# (abi/), whose structs may grow at their end; and change the dump in every way
# that must be noticed. scripts/abi says how a change is made on purpose.
. "$(dirname "$0")/lib.sh"

for tool in abidw abidiff; do
    command -v $tool >/dev/null || skip "$tool is missing (abigail-tools)"
done
released=abi/dewpond.abi
make_scratch

# What the header promises, as a library of its own: the same on every machine,
# with every client library. That ours has these functions, and no others, is
# what exports.sh looks at.
mkdir "$scratch/include"
echo 'typedef struct st_mysql MYSQL;' >"$scratch/include/mysql.h"
echo '#define MYSQL_VERSION_ID 80000' >>"$scratch/include/mysql.h"

# dump HEADER-DIRECTORY
dump()
{
    $cc -E -I"$scratch/include" "$1/dewpond.h" | awk '
        /^# [0-9]+ "/ { ours = ($3 ~ /dewpond\.h"$/); next }
        ours' | tr '\n' ' ' | awk '
        {
            # Without bodies: of structs, enums and inline functions.
            while (match($0, /\{[^{}]*\}/))
                $0 = substr($0, 1, RSTART - 1) " @; " substr($0, RSTART + RLENGTH)
            print "#include \"dewpond.h\""
            count = split($0, parts, ";")
            for (i = 1; i <= count; i++) {
                if (parts[i] ~ /@|typedef/ ||
                    !match(parts[i], /dew_[a-z0-9_]+[ \t]*\(/))
                    continue
                name = substr(parts[i], RSTART, RLENGTH)
                gsub(/[^a-z0-9_]/, "", name)
                printf "#undef %s\n%s { __builtin_trap(); }\n", name, parts[i]
            }
        }' >"$scratch/promise.c"
    $cc -g -fno-eliminate-unused-debug-types -shared -fPIC -w \
        -I"$scratch/include" -I"$1" "$scratch/promise.c" \
        -Wl,-soname,libdewpond.so -o "$scratch/promise.so" ||
        fail "$1/dewpond.h:1: cannot be compiled"
    abidw --no-corpus-path --no-comp-dir-path --no-show-locs \
        "$scratch/promise.so" |
        sed '/<elf-needed>/,/<\/elf-needed>/d; s/ path=.[^ >]*//; s/ language=.[^ >]*//'
}

# These may grow at their end, behind all that they were: struct_size tells how
# much a program knows, and dew_loan is only ever made by the library. (A field
# in what was padding is no growth: struct_size would not tell.)
may_grow='dew_config dew_stats dew_loan'

size_of()
{
    sed -n "s/.*class-decl name='$1' size-in-bits='\([0-9]*\)'.*/\1/p" "$2"
}

# as_large_as OLD NEW: the new dump without what has grown.
as_large_as()
{
    cp "$2" "$scratch/cut"
    for struct in $may_grow; do
        old=$(size_of "$struct" "$1") new=$(size_of "$struct" "$2")
        if [ -z "$old" ] || [ -z "$new" ] || [ "$new" -le "$old" ]; then
            continue
        fi
        awk -v name="$struct" -v old="$old" '
            index($0, "class-decl name=\047" name "\047") {
                inside = 1
                sub(/size-in-bits=.[0-9]+./, "size-in-bits=\047" old "\047")
            }
            /<\/class-decl>/ { inside = 0 }
            inside && match($0, /layout-offset-in-bits=.[0-9]+/) {
                skip = substr($0, RSTART + 23, RLENGTH - 23) + 0 >= old + 0
            }
            !skip { print }
            /<\/data-member>/ { skip = 0 }' "$scratch/cut" >"$scratch/cut2"
        mv "$scratch/cut2" "$scratch/cut"
    done
    cat "$scratch/cut"
}

# compare OLD NEW: prints what differs. False: programs would break.
compare()
{
    as_large_as "$1" "$2" >"$scratch/new"
    abidiff --harmless --no-added-syms --no-show-locs "$1" "$scratch/new"
}

dump include >"$scratch/now"
grep -q "class-decl name='dew_config'" "$scratch/now" ||
    fail "there is nothing to compare in include/dewpond.h"
if [ "${ABI_UPDATE-}" = yes ]; then
    cp "$scratch/now" "$released"
    exit 0
fi

# The dump itself, changed: each must be noticed, and growth must not.
noticed()
{
    cmp -s "$scratch/changed" "$scratch/now" && fail "not planted: $1"
    ! compare "$scratch/now" "$scratch/changed" >"$scratch/out" 2>&1 ||
        fail "overlooked: $1"
}
# in_struct NAME AWK-STATEMENTS: with `n` the number of the member.
in_struct()
{
    awk -v name="$1" "
        index(\$0, \"class-decl name='\" name \"'\") { inside = 1; n = 0 }
        inside && /<data-member/ { n++ }
        /<\\/class-decl>/ { if (inside) { ${3-} } inside = 0 }
        $2
        { print }" "$scratch/now" >"$scratch/changed"
}
in_struct dew_stats 'inside && /name=.conns_idle./ { sub(/conns_idle/, "other") }'
noticed 'a field with another name'
in_struct dew_config 'inside && n == 9 && /layout-offset/ {
    sub(/layout-offset-in-bits=.[0-9]+/, "layout-offset-in-bits=\0471") }'
noticed 'a field in another place'
in_struct dew_error 'inside { sub(/size-in-bits=.4288./, "size-in-bits=\0474352\047") }'
noticed 'dew_error of another size'
in_struct dew_conn 'inside && n == 3 { next }'
noticed 'a field that is gone'
sed "s/\(enumerator name='DEW_ESTALE' value='\)[-0-9]*/\1-99/" \
    "$scratch/now" >"$scratch/changed"
noticed 'a code with another number'
sed "/elf-symbol name='dew_pool_abort'/d
    /function-decl name='dew_pool_abort'/,/<\\/function-decl>/d" \
    "$scratch/now" >"$scratch/changed"
noticed 'a function that is gone'

# Grown: another field behind the last one, at so many bits.
grow()
{
    in_struct "$1" "inside && /class-decl/ {
        sub(/size-in-bits=.[0-9]+./, \"size-in-bits='$3'\") }" \
        "print \"      <data-member access='public' layout-offset-in-bits='$2'>\"
         print \"        <var-decl name='new_field' type-id='$number_type' visibility='default'/>\"
         print \"      </data-member>\""
}
number_type=$(sed -n "s/.*var-decl name='port' type-id='\([^']*\)'.*/\1/p" \
    "$scratch/now")
for struct in $may_grow; do
    size=$(size_of "$struct" "$scratch/now")
    grow "$struct" "$size" $((size + 64))
    cmp -s "$scratch/changed" "$scratch/now" && fail "$struct did not grow"
    compare "$scratch/now" "$scratch/changed" >"$scratch/out" 2>&1 || {
        cat "$scratch/out" >&2
        fail "$struct may grow at its end"
    }
    # Growth is no cover for anything else.
    cp "$scratch/changed" "$scratch/grown"
    sed "s/name='\(conns_idle\|connects_max\|age_ms\)'/name='other'/" \
        "$scratch/grown" >"$scratch/changed"
    noticed "$struct grew, and a field has another name"
done
grow dew_config "$(($(size_of dew_config "$scratch/now") - 32))" \
    "$(size_of dew_config "$scratch/now")"
noticed 'a field in what was padding'
grow dew_error "$(size_of dew_error "$scratch/now")" 4352
noticed 'dew_error, which never grows, grew'

[ -f "$released" ] || fail "there is no $released: run scripts/abi --update"
if ! compare "$released" "$scratch/now" >"$scratch/out" 2>&1; then
    cat "$scratch/out" >&2
    fail "include/dewpond.h:1: programs of the last release would break" \
        "(on purpose? scripts/abi --help)"
fi
verdict '' "$(grep -c '<elf-symbol ' "$scratch/now") functions"
