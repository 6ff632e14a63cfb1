#!/bin/sh
# SPDX-License-Identifier: MIT
# Goal: the fuzz targets find bugs, so that finding none says something.
# Method: one line of one file is broken at a time; the target that is linked
# with it must end with a claim that does not hold, within the budget. What luck
# alone finds in more than a few seconds has its input in the corpus.
#
#     plants.sh SOURCE_DIR BUILD_DIR       (a build with the preset fuzz)
set -eu
source=$1 build=$2
work=$build/fuzz-plants
budget=${FUZZ_PLANT_SECONDS:-60}
missed=0
. "$source/scripts/lib.sh"

rm -rf "$work"
mkdir -p "$work"
export ASAN_OPTIONS=allocator_may_return_null=1:max_allocation_size_mb=64
ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=16:detect_leaks=0:symbolize=0

# command OUTPUT: what the build runs to make it, one line.
command_of()
{
    ninja -C "$build" -t commands "$1" | tail -n 1
}

# plant TARGET FILE SED-SCRIPT WHAT
plant()
{
    target=$1 file=$2 script=$3 what=$4
    object=CMakeFiles/dewpond_testing.dir/$file.o
    # Behind a directory of the same name, for the includes.
    mkdir -p "$work/$(dirname "$file")"
    sed "$script" "$source/$file" >"$work/$file"
    if cmp -s "$source/$file" "$work/$file"; then
        echo "$what: nothing was planted in $file"
        missed=$((missed + 1))
        return
    fi
    compile=$(command_of "$object" | sed "s|$object|$work/plant.o|g;
        s|[^ ]*/$file\$|$work/$file|")
    # The object defines what its twin in the archive does: that is not taken.
    link=$(command_of "tests/fuzz/fuzz_$target" |
        sed "s|-o tests/fuzz/fuzz_$target|& $work/plant.o|;
        s|-o tests/fuzz/fuzz_$target|-o $work/fuzz_$target|")
    (cd "$build" && eval "$compile" && eval "$link") >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        echo "$what: does not build"
        missed=$((missed + 1))
        return
    }
    rm -rf "$work/in"
    mkdir -p "$work/in"
    "$build/tests/fuzz/fuzz_pack" "$source/tests/fuzz/corpus/$target.hex" \
        "$work/in" >/dev/null
    began=$(date +%s) status=0
    $fixed_addresses "$work/fuzz_$target" -max_total_time="$budget" \
        -timeout=20 -print_funcs=0 -detect_leaks=0 \
        -artifact_prefix="$work/" "$work/in" >"$work/log" 2>&1 || status=$?
    if [ $status -ne 0 ] &&
        grep -qE 'does not hold|ERROR: AddressSanitizer|runtime error|timeout after' \
            "$work/log"; then
        echo "$what: found by $target after $(($(date +%s) - began)) s:" \
            "$(grep -aE -m 1 'does not hold|ERROR: |runtime error' "$work/log" |
            sed 's|^.*/||' | cut -c 1-60)"
    else
        echo "$what: NOT FOUND by $target in $budget s"
        missed=$((missed + 1))
    fi
}

plant uri src/api/uri.c \
    's|"the URI.s port is no number from 1 to 65535"|parts->password != NULL ? parts->password : "?"|' \
    'a refused port shows the password'
plant uri src/api/uri.c 's|if (low < 0) {|if (high < 0) {|' \
    'a percent sign with one digit is decoded'
plant uri src/api/uri.c 's|(size_t)(at - rest) > authority|& + 70000|' \
    'an @ behind the path is overlooked'
plant config src/api/config_numbers.c \
    's/default: return value >= number->min &&/default: return value >= number->min ||/' \
    'a number out of its range is taken'
plant config src/base/settings.c \
    's|memory_free(\*string_at(settings, i));|if (i > 0) &|' \
    'settings are not freed whole'
plant errnos src/session/errnos.c "s|sqlstate\[1\] == '8'|sqlstate[1] == '9'|" \
    'state 08 does not count'
plant errnos src/keeper/breaker.c 's|breaker->window = 1;|breaker->window = 0;|' \
    'a breaker never opens again'
plant wire src/session/inspect.c \
    's/if (flavour_unread_bytes(mysql) == FLAVOUR_SOME)/if (mysql == NULL)/' \
    'a return overlooks a reply that nobody read'
plant wire src/session/proof.c 's|flavour_unread_bytes(session->mysql) != FLAVOUR_SOME|session != NULL|; s|(!session->plain .. session_is_quiet(session))|true|' \
    'nobody looks behind the last answer'
plant calls src/keeper/lease_return.c \
    's|case SESSION_BROKEN:|& rest(pool, slot, false); break;|' \
    'a broken session comes back'
plant calls src/core/pond_loans.c \
    's/slot_is_lent(slot, ticket) ?/slot->session != NULL ?/' \
    'a loan that has ended is found'

[ $missed -eq 0 ] || {
    echo "$missed planted bugs were not found" >&2
    exit 1
}
