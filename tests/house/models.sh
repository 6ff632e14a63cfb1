# SPDX-License-Identifier: MIT
# Goal: a model does not outlive what it is a model of.
# Method: each function and ORDER note that a model's MAP names must still exist.
#
# A MAP begins with a line " * MAP" and ends with its comment. It names functions
# as src/FILE:FUNCTION and, behind each, notes of its body as NAME.N:ORDER.
. "$(dirname "$0")/lib.sh"

models=$(find tests/model -name "*.pml" -o -name "*.litmus" -o -path "tests/model/litmus/*.c" |
    LC_ALL=C sort)
[ -n "$models" ] || fail "no models to look at"

# shellcheck disable=SC2086
named=$(awk '
FNR == 1 { if (in_map) print last ":0: the map does not end"; in_map = 0; maps[FILENAME] = 0 }
{ last = FILENAME }
/MAP/ && /\*/ { in_map = 1; maps[FILENAME]++; next }
in_map {
    text = $0
    while (match(text, /(src\/[a-z_\/]+\.[ch]:[a-z_0-9]+|[a-z]+\.[0-9]+:[a-z_]+)/)) {
        token = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        if (token ~ /^src/) where = token
        print FILENAME ":" FNR, where, (token ~ /^src/ ? "" : token)
    }
    if ($0 ~ /\*\/|\*\)/) in_map = 0
}
END {
    for (file in maps)
        if (!maps[file]) print file ":1 - -"
}' $models)

offences=$(printf '%s\n' "$named" | while read -r at where note; do
    file=${where%%:*} function=${where##*:}
    if [ "$where" = - ]; then
        printf '%s: no MAP\n' "$at"
    elif [ ! -f "$file" ]; then
        printf '%s: there is no %s\n' "$at" "$file"
    elif ! grep -q "^$function(" "$file"; then
        printf '%s: %s has no function %s\n' "$at" "$file" "$function"
    elif [ -n "$note" ] && ! sed -n "/^$function(/,/^}/p" "$file" |
        grep -q "ORDER ${note%%:*} ${note##*:}\([^a-z_]\|\$\)"; then
        printf '%s: %s in %s has no note ORDER %s %s\n' "$at" "$function" \
            "$file" "${note%%:*}" "${note##*:}"
    fi
done)
verdict "$offences" "$(printf '%s\n' "$named" | wc -l) names"
