# SPDX-License-Identifier: MIT
# Goal: the table of what broke in other pools names tests that there are.
# Method: look up each file of tests/README.md, and each function in its file.
. "$(dirname "$0")/lib.sh"

table=tests/README.md
names=$(awk '
    # | pain | `file`: `test`, `test`; `file`: ... | ; a file has a colon.
    /^\| / && !/^\|---/ {
        text = $0
        sub(/^\|[^|]*\|/, "", text)
        file = ""
        while (match(text, /`[^`]+`:?/)) {
            word = substr(text, RSTART + 1, RLENGTH - 2)
            is_file = sub(/`$/, "", word)
            text = substr(text, RSTART + RLENGTH)
            if (is_file || word ~ /\// || word == "schedules") {
                file = word
                print FNR, file, "-"
            } else
                print FNR, (file == "" ? "?" : file), word
        }
    }' "$table")
[ "$(printf '%s\n' "$names" | wc -l)" -gt 60 ] || fail "$table: no table"

offences=$(printf '%s\n' "$names" | while read -r line name test; do
    case $name in
    */*) path=tests/$name ;;
    schedules) path=tests/schedules/main ;;
    *) path=tests/live/$name ;;
    esac
    # Written, and entered in the list of what is run; or a countdown's stage.
    if [ -f "$path.c" ]; then
        [ "$test" = - ] || [ "$(grep -cw -e "$test" "$path.c")" -ge 2 ] ||
            grep -qF ".name = \"$test\"" "$path.c" ||
            printf '%s:%s: no test %s in %s.c\n' "$table" "$line" "$test" \
                "$path"
    elif [ ! -f "$path.sh" ]; then
        printf '%s:%s: there is no %s.c\n' "$table" "$line" "$path"
    fi
done)
verdict "$offences" "$(printf '%s\n' "$names" | wc -l) names"
