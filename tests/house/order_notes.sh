# SPDX-License-Identifier: MIT
# Goal: every atomic access says its order and why, and partners know it.
# Method: find each access's ORDER note, each note's partners, and back again.
#
# An access is a call of base/order.h or of Concurrency Kit. Its note ends at
# most four lines above it, or stands in a run of notes that does. A note is
#     ORDER name.1 acquire <-> other.2 other.3: because
# and every partner's note names it back. (order_init_* needs no note, nor does
# a planted bug.)
. "$(dirname "$0")/lib.sh"

files=$(sources src/core src/base src/keeper | grep -v '^src/base/order\.h$')
[ -n "$files" ] || fail "no sources to look at"

# shellcheck disable=SC2086
offences=$(awk "$awk_code"'
function flush_notes(    rest, head, name, partners, token, colon) {
    rest = comment
    while (match(rest, /ORDER [a-z_]+\.[0-9]+/)) {
        name = substr(rest, RSTART + 6, RLENGTH - 6)
        rest = substr(rest, RSTART + RLENGTH)
        colon = index(rest, ":")
        head = colon ? substr(rest, 1, colon - 1) : ""
        if (!colon || head !~ /^ (relaxed|acquire|release|acq_rel|seq_cst|fence)/)
            printf "%s:%d: the note %s does not read \"ORDER name.n order [<-> partners]: because\"\n", note_file, note_line, name
        if (name in where)
            printf "%s:%d: the note %s is at %s already\n", note_file,
                note_line, name, where[name]
        else where[name] = note_file ":" note_line
        if (index(head, "<->")) {
            partners = substr(head, index(head, "<->") + 3)
            while (match(partners, /[a-z_]+\.[0-9]+/)) {
                token = substr(partners, RSTART, RLENGTH)
                names[name, token] = 1
                partners = substr(partners, RSTART + RLENGTH)
            }
        }
    }
    comment = ""
}
FNR == 1 { flush_notes(); last_note = -100; run_has_note = 0 }
{
    was_in_comment = in_comment
    text = code($0)
    bare = text
    gsub(/[ \t]/, "", bare)
    is_comment = (bare == "" && (was_in_comment || index($0, "/*")))
}
was_in_comment || index($0, "/*") {
    if (comment == "") { note_file = FILENAME; note_line = FNR }
    part = $0
    sub(/^[ \t]*(\/\*|\*)?[ \t]*/, "", part)
    if (index(part, "ORDER ") && comment !~ /ORDER /) note_line = FNR
    comment = comment " " part
    if ($0 ~ /ORDER [a-z_]+\.[0-9]+/) run_has_note = 1
    if (run_has_note) last_note = FNR
    if (!in_comment) flush_notes()
}
!is_comment { run_has_note = 0 }
/^}/ { last_note = -100 } # a note does not reach into the next function
match(text, "(^|[^A-Za-z0-9_])(" order_access "|ck_(stack|fifo|pr|ring)_[a-z0-9_]+)[ \t]*[(]") &&
text !~ /(^|[^A-Za-z0-9_])ck_stack_init[ \t]*\(/ && text !~ /^#[ \t]*define/ &&
text !~ /MUTANT\([0-9]/ {
    call = substr(text, RSTART, RLENGTH)
    gsub(/[^a-z0-9_]/, "", call)
    if (FNR - last_note > 4)
        printf "%s:%d: %s has no ORDER note\n", FILENAME, FNR, call
}
END {
    flush_notes()
    for (pair in names) {
        split(pair, at, SUBSEP)
        if (!(at[2] in where))
            printf "%s: %s names %s, which is nowhere\n", where[at[1]], at[1],
                at[2]
        else if (!((at[2], at[1]) in names))
            printf "%s: %s does not name %s back\n", where[at[2]], at[2], at[1]
    }
}' $files | LC_ALL=C sort -u)
verdict "$offences" "$(printf '%s\n' "$files" | wc -l) files"
