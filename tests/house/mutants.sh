# SPDX-License-Identifier: MIT
# Goal: planted bugs are lines of their own, each is told in tests/mutants.txt,
# and none of them is in what is shipped.
# Method: compare sources and table; compile each file, as it is shipped, with
# and without its lines: the same bytes. (tests/mutants looks whether each bug
# changes what is compiled for tests.)
. "$(dirname "$0")/lib.sh"

: "${build_dir:?the build directory}"
table=tests/mutants.txt
mark='dewpond: a mutant'
least=25
make_scratch

# "number file function", of the sources and of the table.
# shellcheck disable=SC2046
awk '
/^[a-z_0-9]+\(/ { name = $0; sub(/\(.*/, "", name) }
/MUTANT\([0-9]/ && FILENAME != "src/base/mutant.h" {
    if ($0 !~ /^ +if \(MUTANT\([0-9]+\)( && .*)?\) \{ .*\}$/)
        printf "%s:%d: not a line of its own: if (MUTANT(n)) { ... }\n",
            FILENAME, FNR >"/dev/stderr"
    number = $0
    sub(/.*MUTANT\(/, "", number)
    sub(/\).*/, "", number)
    print number, substr(FILENAME, 5), name
}' $(sources src) 2>"$scratch/shape" | LC_ALL=C sort >"$scratch/planted"
awk -F ' *[|] *' '/^[0-9]/ { print $1, $2, $3 }' "$table" |
    LC_ALL=C sort >"$scratch/told"
files=$(awk '{ print $2 }' "$scratch/planted" | LC_ALL=C sort -u)

# compile FILE OUT FLAG...: not the build's own flags, so that it is the same
# in a debug build and in a release.
compile()
{
    text=$1 out=$2
    shift 2
    # shellcheck disable=SC2086
    $cc -std=c11 -O1 -fPIC -D_GNU_SOURCE=1 -DDEWPOND_VERSION='"0"' \
        -DDEWPOND_URCU_INLINE=1 -D__x86_64__ -Isrc -Iinclude \
        ${CLIENT_SYSTEM_CFLAGS-} -frandom-seed=0 "$@" -c "$text" -o "$out"
}

offences=$(
    cat "$scratch/shape"
    LC_ALL=C comm -23 "$scratch/planted" "$scratch/told" |
        sed "s|^|$table:1: not told: |"
    LC_ALL=C comm -13 "$scratch/planted" "$scratch/told" |
        sed "s|^|$table:1: told, but not planted there: |"
    for list in planted told; do
        awk '{ print $1 }' "$scratch/$list" | LC_ALL=C sort | uniq -d |
            sed "s|^|$table:1: $list more than once: |"
    done
    count=$(wc -l <"$scratch/told")
    [ "$count" -ge $least ] ||
        printf '%s:1: %d planted bugs of at least %d\n' $table "$count" $least
    awk -F ' *[|] *' '/^[0-9]/ {
        if (NF != 5 || $4 == "" || $5 == "")
            printf "%s:%d: not number | file | function | what | who\n",
                FILENAME, FNR
        count = split($5, test, " ")
        for (i = 1; i <= count; i++) {
            path = test[i]
            if (sub(/^schedules\./, "", path)) {
                command = "grep -q \"\\\"" path "\\\",\" tests/schedules/*.c"
                if (system(command) != 0)
                    printf "%s:%d: there is no scenario %s\n", FILENAME, FNR,
                        path
                continue
            }
            sub(/\./, "/", path)
            if ((getline line <("tests/" path ".c")) < 0)
                printf "%s:%d: there is no test %s\n", FILENAME, FNR, test[i]
            close("tests/" path ".c")
        }
    }' $table

    for file in $files; do
        mkdir -p "$scratch/$(dirname "$file")"
        bare=$scratch/$file
        sed '/MUTANT([0-9]/s/.*//' "src/$file" >"$bare"
        compile "src/$file" "$scratch/shipped.o"
        compile "$bare" "$scratch/bare.o"
        # The name of the source is told by the symbol table.
        for object in shipped bare; do
            objdump -drs -j .text -j .rodata -j .data "$scratch/$object.o" |
                sed 1,3d >"$scratch/$object.txt"
        done
        cmp -s "$scratch/shipped.txt" "$scratch/bare.txt" ||
            printf 'src/%s:1: its planted bugs change what is shipped\n' "$file"
        ! compile "src/$file" - -DDEW_MUTANT=1 -E >"$scratch/all" 2>&1 ||
            printf 'src/%s:1: -DDEW_MUTANT is not refused\n' "$file"
    done
    for library in libdewpond.so libdewpond.a; do
        ! grep -q "$mark" "$build_dir/$library" ||
            printf '%s:1: a planted bug is in it\n' "$library"
    done
)
verdict "$offences" "$(wc -l <"$scratch/planted") planted bugs"
