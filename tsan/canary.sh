#!/bin/sh
# SPDX-License-Identifier: MIT
# Goal: a planted race is reported, with the place where it was planted.
# Method: live with it until ThreadSanitizer ends the program, then look for a
# line marked CANARY(NAME in the two stacks of its report.
#
#     canary.sh SOURCE_DIR PROGRAM NAME
set -eu
source_dir=$1 program=$2 name=$3
cd "$source_dir"

places=$(grep -rn "CANARY($name\>" src tsan/canaries | cut -d: -f1,2)
[ -n "$places" ] || {
    echo "no line is marked CANARY($name"
    exit 1
}
status=0
# The first report is the last line of the program's life.
report=$(TSAN_OPTIONS="$TSAN_OPTIONS:halt_on_error=1" "$program" "$name" 2>&1) ||
    status=$?

# The two accesses; behind them come the stacks of who made threads and memory.
accesses=$(printf '%s\n' "$report" | awk '
    /WARNING: ThreadSanitizer: (data race|heap-use-after-free)/ { inside = 1 }
    inside && /^  (Location is|Thread T|As if|Mutex M)/ { exit }
    inside { print }')
for place in $places; do
    if [ $status -eq 66 ] &&
        printf '%s\n' "$accesses" | grep -qE "/$place(:[0-9]+)? "; then
        what=$(printf '%s\n' "$accesses" | sed -n '1s/.*Sanitizer: \(.*\) (pid.*/\1/p')
        echo "REPORTED $name: $what at $place"
        exit 0
    fi
done
printf '%s\n' "$report"
if [ -n "$accesses" ]; then
    echo "SILENT $name: something else was reported (exit status $status)"
else
    echo "SILENT $name: nothing was reported (exit status $status)"
fi
exit 1
