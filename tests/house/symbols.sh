# SPDX-License-Identifier: MIT
# Goal: no object reaches past its layer, whatever its includes say.
# Method: match what each object of the library lacks with who defines it.
. "$(dirname "$0")/lib.sh"

objects_dir=${build_dir:?the build directory}/CMakeFiles/dewpond_objects.dir
[ -d "$objects_dir/src" ] || fail "no objects in $objects_dir"
cd "$objects_dir"
objects=$(find src -name '*.o' | LC_ALL=C sort)
[ -n "$objects" ] || fail "no objects in $objects_dir"

# An object of a source that is gone stays in the build directory: leave it out.
present=
for object in $objects; do
    if [ -f "$source_dir/${object%.o}" ]; then
        present="$present $object"
    fi
done

# nm -A -P: "FILE: NAME TYPE ...".
# shellcheck disable=SC2086
nm -A -P $present | awk '
{
    file = $1
    sub(/:$/, "", file)
    sub(/\.o$/, "", file)
    split(file, part, "/")
    layer = part[2]
    if ($3 == "U") lacks[file, $2] = layer
    else if ($3 ~ /^[TDBRVWC]$/ && $2 !~ /^(__odr_asan|__asan|DW\.ref)/) {
        home[$2] = layer
        home_file[$2] = file
    }
}
END {
    below["api"] = " api keeper core session base "
    below["keeper"] = " keeper core session base "
    below["core"] = " core base "
    below["session"] = " session base "
    below["base"] = " base "
    for (key in lacks) {
        split(key, at, SUBSEP)
        file = at[1]
        name = at[2]
        layer = lacks[key]
        if ((name in home) && index(below[layer], " " home[name] " ") == 0)
            printf "%s:1: %s needs %s of %s\n", file, layer, name,
                home_file[name]
        if (name ~ /^(mysql|mariadb|mysqlclient)_/ && layer != "session")
            printf "%s:1: %s calls %s, as only session may\n", file, layer,
                name
        # The read side is inline: what it looks at shows up wherever it is.
        if (name ~ /^(urcu|rcu|cds)_/ &&
            name !~ /^urcu_bp_(reader|gp|register|has_sys_membarrier)$/ &&
            file !~ /^src\/base\/reclaim\./)
            printf "%s:1: %s calls %s, as only base/reclaim may\n", file,
                layer, name
        if (name ~ /^ck_/ && layer != "core")
            printf "%s:1: %s calls %s, as only core may\n", file, layer, name
    }
}' >"$build_dir/house-symbols.txt"
verdict "$(LC_ALL=C sort "$build_dir/house-symbols.txt")" \
    "$(printf '%s\n' "$present" | wc -w) objects"
