# SPDX-License-Identifier: MIT
# Goal: the layers point downward and each outside library has one door.
# Method: read the #include lines and the calls of every file under src/.
. "$(dirname "$0")/lib.sh"

files=$(sources src)
[ -n "$files" ] || fail "no sources under src/"

# shellcheck disable=SC2086
offences=$(awk "$awk_code"'
function offence(text) { printf "%s:%d: %s\n", FILENAME, FNR, text }
BEGIN {
    below["api"] = " api keeper core session base "
    below["keeper"] = " keeper core session base "
    below["core"] = " core base "
    below["session"] = " session base "
    below["base"] = " base "
}
FNR == 1 {
    split(FILENAME, part, "/")
    layer = part[2]
    if (!(layer in below)) offence("no layer is called " layer)
}
{ text = code($0) }
line_is_include {
    if (match(text, /"[^"]*"/)) {
        name = substr(text, RSTART + 1, RLENGTH - 2)
        split(name, part, "/")
        if (name == "dewpond.h") next
        if (name !~ /\//)
            offence("\"" name "\" is not written from src/")
        else if (index(below[layer], " " part[1] " ") == 0)
            offence(layer " may not include " name)
    } else if (match(text, /<[^>]*>/)) {
        name = substr(text, RSTART + 1, RLENGTH - 2)
        if (name ~ /^ck_/ && layer != "core")
            offence("<" name "> belongs to core")
        if (name ~ /^urcu/ && FILENAME !~ /^src\/base\/reclaim\./)
            offence("<" name "> belongs to base/reclaim")
        if (name == "stdatomic.h" && FILENAME != "src/base/order.h")
            offence("<" name "> belongs to base/order.h")
        if (name == "linux/futex.h" && FILENAME != "src/base/park.c")
            offence("<" name "> belongs to base/park.c")
        if (name ~ /^(mysql|errmsg|mysqld_error|mysqld_ername|ma_|mariadb)/ &&
            layer != "session")
            offence("<" name "> belongs to session")
    }
    next
}
{
    if (text ~ /(^|[^A-Za-z0-9_])(mysql|mariadb)_[a-z_]+[ \t]*\(/ &&
        layer != "session")
        offence("a call into the client library belongs to session")
    if (text ~ /(^|[^A-Za-z0-9_])(SYS_futex|__NR_futex|FUTEX_[A-Z]+)/ &&
        FILENAME != "src/base/park.c" && text !~ /FAULT_FUTEX/)
        offence("a futex call belongs to base/park.c")
    if (text ~ /(^|[^A-Za-z0-9_])(_Atomic|atomic_[a-z_]+|__atomic_[a-z_]+|__sync_[a-z_]+|memory_order_[a-z_]+)([^A-Za-z0-9_]|$)/ &&
        FILENAME != "src/base/order.h")
        offence("atomics have their names from base/order.h")
    if ((layer == "api" || layer == "session") &&
        text ~ ("(^|[^A-Za-z0-9_])(" order_access "|order_init_[a-z0-9]+|order_pause)[ \t]*[(]"))
        offence(layer " has no atomics")
    if (text ~ /(^|[^A-Za-z0-9_])ck_[a-z_0-9]+[ \t]*\(/ && layer != "core")
        offence("calls of Concurrency Kit belong to core")
    if (text ~ /(^|[^A-Za-z0-9_])(rcu|urcu|cds|synchronize|call_rcu)_[a-z_]+[ \t]*\(/ &&
        FILENAME !~ /^src\/base\/reclaim\./)
        offence("calls of liburcu belong to base/reclaim")
}' $files)

# What stands on the library sees its public header only.
outside=$(sources tools examples)
if [ -n "$outside" ]; then
    # shellcheck disable=SC2086
    offences=$offences$(grep -nE \
        '^[[:space:]]*#[[:space:]]*include[[:space:]]*"(api|keeper|core|session|base)/' \
        /dev/null $outside || true)
fi
verdict "$offences" "$(printf '%s\n' "$files" | wc -l) files"
