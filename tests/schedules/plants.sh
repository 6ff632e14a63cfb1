#!/bin/sh
# SPDX-License-Identifier: MIT
# Goal: the search finds bugs, so that finding none says something.
# Method: one line of a copy of the core is broken at a time; a search that
# does not find it within the budget fails.
#
#     plants.sh SOURCE_DIR WORK_DIR COMPILER FLAG...
#
# It prints, for each planted bug, what was found after how many schedules.
set -eu
source=$1 work=$2 compiler=$3
shift 3
here=$source/tests/schedules
budget=${SCHEDULES_PLANT_SECONDS:-10}
core="slot extents pond_resize pace idle quota waiters waiters_list waiters_nodes waiters_owner pond pond_open
      pond_serve pond_life pond_audit pond_loans pond_wait"
own="stand_ins world world_borrow inspect parts scenarios_borrow
     scenarios_open scenarios_flags scenarios_resize"
missed=0

# compile OUT TEXT FLAG...
compile() {
    out=$1 text=$2
    shift 2
    "$compiler" "$@" -std=c11 -O1 -U_FORTIFY_SOURCE -I"$work/src" \
        -I"$source/include" -I"$here" -c "$text" -o "$out"
}

# compile_core NAME FLAG...
compile_core() {
    unit=$1
    shift
    [ "$unit" != slot ] || set -- "$@" -DSCHED_POINT=sched_point_minor
    compile "$work/$unit.o" "$work/src/core/$unit.c" "$@" \
        -include "$here/hooks.h"
}

fresh_copy() {
    rm -rf "$work/src"
    mkdir -p "$work/src"
    cp -R "$source/src/core" "$source/src/base" "$work/src"
}

compile_own() {
    for name in $own; do
        compile "$work/own_$name.o" "$here/$name.c" $flags \
            -include "$here/hooks.h"
    done
}

# compile_with FILE: it, and of a header all that may include it.
compile_with() {
    case $1 in
    *.c) compile_core "$(basename "$1" .c)" $flags ;;
    *)
        for name in $core; do compile_core "$name" $flags; done
        compile_own
        ;;
    esac
}

# plant FUNCTION-OR-HEADER SCENARIO SED-SCRIPT WHAT: in the file that defines
# the function; a header's plant is compiled into all that may include it.
plant() {
    scenario=$2 script=$3 what=$4
    case $1 in
    *.h) file=$1 ;;
    *)
        file=$(grep -l "^$1(" "$source"/src/core/*.[ch])
        file=${file#"$source/src/"}
        ;;
    esac
    sed "$script" "$source/src/$file" > "$work/src/$file"
    if cmp -s "$source/src/$file" "$work/src/$file"; then
        echo "$what: nothing was planted in $file"
        missed=$((missed + 1))
        return
    fi
    compile_with "$file"
    if "$compiler" "$work"/*.o -o "$work/planted" &&
        found=$("$work/planted" --seconds="$budget" "$scenario"); then
        echo "$what: NOT FOUND in $budget s of $scenario"
        missed=$((missed + 1))
    else
        echo "$what:"
        printf '%s\n' "$found" | sed '/--replay/!s/^/    /;/--replay/d'
    fi
    cp "$source/src/$file" "$work/src/$file"
    compile_with "$file"
}

flags=$*
mkdir -p "$work"
rm -f "$work"/*.o
fresh_copy
for name in $core; do compile_core "$name" $flags; done
compile_own
for name in sched sched_choose main; do
    compile "$work/own_$name.o" "$here/$name.c" $flags
done

plant pond_put_staying timeout_against_wake \
    '/^pond_put_staying(/,/^}/{/idle_put/,/pond_look/s/pond_look(pond);//;}' \
    'a return does not look for waiters'
plant pond_put_warm timeout_against_wake \
    '/^pond_put_warm(/,/^}/s/return order_load_seq_u64(&pond->waiters.front) == 0 ? POND_PUT_DONE/return true ? POND_PUT_DONE/' \
    'a quick return does not look for waiters'
plant pond_is_calm suspend_and_resume \
    '/^pond_is_calm(/,/^}/s/^    return .*/    (void)pond; return true;/' \
    'a quick take does not look at the flags'
plant pond_join three_on_one \
    '/race_point("pond.joined")/,/pond_serve/s/pond_serve(pond);//' \
    'a waiter does not look after it has joined'
plant waiter_leave timeout_against_wake \
    '/^waiter_leave/,/^}/s/waiters_clear_token(waiters);//' \
    'a wake leaves with one who timed out'
plant lose three_on_one \
    '/if (waiter_lost/,/pond_serve/s/waiters_clear_token(&pond->waiters);//' \
    'a woken loser keeps the wake token'
plant lose three_on_one \
    '/if (waiter_lost/,/pond_serve/s/pond_serve(pond);//' \
    'a woken loser does not look again'
plant unlock three_on_one \
    's/return order_cas_seq_u32(&waiters->lock, &locked, 0);/order_store_seq_u32(\&waiters->lock, 0); return locked != 0;/' \
    'the list is unlocked although a note came'
plant waiters_exit three_on_one \
    's/^        waiters->owing = owing;//' \
    'a wake that is owed is forgotten when a note came'
plant rest_beside_waiters three_on_one \
    '/^rest_beside_waiters/,/^}/{s/^    slot_rest(slot);/    const bool comes = waiters_one_comes(\&pond->waiters); slot_rest(slot);/;s/!waiters_one_comes(&pond->waiters)/!comes/;}' \
    'a return trusts a wake that it saw before its put'
plant core/waiters_words.h naps_and_hand_over \
    's/return state == WAITER_WOKEN || state == WAITER_NAPPING;/return state == WAITER_WOKEN;/' \
    'what is given to one who naps leaves the token with him'
plant lose naps \
    's/^        node->nap_until_ns == 0 ? waiters_count_futile(&pond->waiters) : 0;/        INT64_MAX - now_ns;/' \
    'a nap does not end'
plant pond_spin spins \
    '/^pond_spin/,/^}/s/slot = pond_take(pond);/slot = idle_take(\&pond->idle);/' \
    'who spins does not take what he takes'
plant waiters_collect three_on_one \
    's/oldest_first(order_swap_seq_ptr(&waiters->inbox, NULL));/oldest_first(order_load_seq_ptr(\&waiters->inbox)); order_store_seq_ptr(\&waiters->inbox, NULL);/' \
    'the inbox is read and emptied in two steps'
plant decide timeout_against_give \
    's/if (!order_cas_seq_u32(&node->word, &word,/if ((order_store_seq_u32(\&node->word, waiter_with_state(word, to)), 0) \&\& !order_cas_seq_u32(\&node->word, \&word,/' \
    'a grant does not mind that the waiter has left'
plant sleep_as three_on_one \
    's/if (!word_move(node, from, as, &state)) {/state = from; order_store_seq_u32(\&node->word, waiter_with_state(order_load_seq_u32(\&node->word), as)); if (state != from) {/' \
    'a waiter parks over a wake'
plant idle_warm_take three_on_one \
    's/return order_swap_seq_ptr(&shard->warm, NULL);/void *const warm = order_load_seq_ptr(\&shard->warm); order_store_seq_ptr(\&shard->warm, NULL); return warm;/' \
    'the warm slot is read and emptied in two steps'
plant core/stack.h the_same_head_again \
    's/entry = ck_stack_pop_mpmc(/entry = ck_stack_pop_upmc(/' \
    'a pop without the generation (ABA)'
plant quota_reserve two_orders_for_the_last_place \
    's/if (order_cas_seq_u64(&quota->word, &word, word + 1 + ONE_CHANGE)) {/(void)order_add_seq_u64(\&quota->word, 1 + ONE_CHANGE); if (true) {/' \
    'the quota is looked at and taken in two steps'
plant slot_claim one_ticket_two_hands \
    's/return order_cas_acq_rel_u64(&slot->word, &lent, lent & ~SLOT_LENT);/order_store_release_u64(\&slot->word, lent \& ~SLOT_LENT); return true;/' \
    'a ticket is looked at and claimed in two steps'
plant pond_open_failed grow_while_opening_fails \
    '/^pond_open_failed/,/^}/s/pond_look(pond);//' \
    'a failed connect tells nobody'
plant pond_open_failed grow_while_opening_fails \
    '/^pond_open_failed/,/^}/s/pond_window_return(pond);//' \
    'a failed connect keeps its place in the window'
plant pond_vacate retire_against_join \
    '/^pond_vacate/,/^}/s/pond_look(pond);//' \
    'a place that is free again tells nobody'
plant pond_opened one_waits_and_one_is_opened \
    '/^pond_opened/,/^}/s/slot_opened(slot);/slot_opened(slot); pond_window_return(pond);/;/^pond_opened/,/^}/{/^    pond_window_return(pond);/d;}' \
    'a place in the window is free before the session is there'
plant wants_opening one_waits_and_one_is_opened \
    '/^wants_opening/,/^}/s/!stack_any(&pond->offers)/true/' \
    'a pass does not look at the offers again before it orders'
plant wants_opening one_waits_and_one_comes_unasked \
    '/^wants_opening/,/^}/s/!idle_any(&pond->idle)/true/' \
    'a pass does not look at what rests again before it orders'
plant waiters_unserved one_waits_and_one_comes_unasked \
    's/const uint32_t fetching = .*/const uint32_t fetching = 0;/' \
    'a pass orders for who was woken'
plant waiter_leave one_waits_and_one_comes_unasked \
    '/^waiter_leave/,/^}/{s/^    waiters_uncount(waiters);//;s/^    return true;/    waiters_uncount(waiters); return true;/;}' \
    'who was woken clears the token before he is uncounted'
plant pond_set_window the_window_opens \
    '/^pond_set_window/,/^}/s/pond_look(pond);//' \
    'a window that grew tells nobody'
plant pond_order_own a_failed_order_hides_the_window \
    's/if (slot == NULL && held) {/if (slot == NULL \&\& held \&\& false) {/' \
    'a failed order does not look for whom it hid the window'
plant serve_first a_new_one_or_none \
    '/^serve_first/,/^}/s/if (waiters_first(&pond->waiters, false) != NULL &&/if (/' \
    'what is idle stops the order for a new one'
plant pond_may_take strict_order \
    's/return (front & WAITERS_COUNT_MASK) == 0 || pond->plan.handoff_ns != 0;/return true;/' \
    'a newcomer passes those who wait in strict order'
plant pond_allow suspend_and_resume \
    '/^pond_allow(/,/^}/s/if ((front & (POND_CLOSING | POND_PAUSED)) != 0) {/if (false) {/' \
    'a take does not look at the flags again'
plant pond_may_lend suspend_for_sure \
    '/^pond_may_lend/,/^}/s/^    return .*/    (void)pond; return true;/' \
    'what was got before a suspension is lent in it'
plant pond_opened refresh_against_growth \
    's/if (pond_is_outdated(pond, slot)) {/if (false) {/' \
    'what arrives after a refresh is lent'
plant pond_resize shrink_against_returns \
    's/^    reclaim_wait_readers();$//' \
    'a shrink does not wait for who looked at the limit before'
plant pond_resize sizes_are_read_whole \
    '/^pond_resize/,/^}/s/^    reclaim_wait_readers();$//' \
    'sizes are freed while somebody reads them'
plant pond_resize grow_against_wait \
    '/^pond_resize/,/^}/s/pond_look(pond);//' \
    'a pond that grew tells nobody'
plant pond_put shrink_against_returns \
    '/^pond_put(/,/^}/s/if (quota_has_excess(&pond->quota) && pond_retire_excess(pond, slot)) {/if (false) {/' \
    'a return does not look at the limit'
plant quota_leave_excess shrink_against_returns \
    '/^quota_leave_excess/,/^}/s/if (order_cas_seq_u64(&quota->word, &word,/if ((order_add_seq_u64(\&quota->word, ONE_CHANGE + ONE_LEAVING), true) || order_cas_seq_u64(\&quota->word, \&word,/' \
    'the excess is looked at and taken in two steps'
plant set_limit audit_a_shrinking_pond \
    's/^                        before > now.limit ? before : now.limit);/                        before);/' \
    'the audit hears of a falling limit too late'
plant pond_lower suspend_and_resume \
    '/^pond_lower/,/^}/s/pond_serve(pond);//' \
    'resume wakes nobody'
plant end_granted close_in_strict_order \
    '/^end_granted/,/^}/s/= pond_has(pond, POND_CLOSING);/= false;/' \
    'a grant that meets the close is kept'
plant pond_join close_a_suspended_pond \
    '/^pond_join/,/^}/s/= pond_has(pond, POND_CLOSING);/= false;/' \
    'a waiter joins a pond that is drained'
plant count_in the_place_in_line_that_came_free \
    '/^count_in/,/^}/s/^    do {/    if ((order_add_seq_u64(\&waiters->front, 1) \& WAITERS_COUNT_MASK) < max) { return true; } waiters_uncount(waiters); return false; do {/' \
    'who is turned away was counted for a moment'
plant pond_loan_at a_loan_is_told_whole \
    's/return slot_peek(slot) == word;/return true;/' \
    'who lists loans does not look again'
plant pond_is_drained close_against_growth \
    '/^pond_is_drained/,/^}/s/quota_look(&pond->quota).taken == 0/true/' \
    'a pond with an order is called drained'

[ "$missed" -eq 0 ] || { echo "$missed planted bugs were not found"; exit 1; }
echo "all planted bugs were found"
