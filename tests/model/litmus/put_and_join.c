/* SPDX-License-Identifier: MIT */
/* Put-then-look against join-then-look for CBMC, under sc and under x86-TSO. */
/*
 * MAP
 *  put    src/core/idle.h:idle_warm_put idle.2:seq_cst
 *         src/core/pond_quick.h:pond_look pond.2:seq_cst
 *  join   src/core/waiters.c:count_in pond.1:seq_cst
 *         src/core/idle.c:idle_any idle.5:seq_cst
 * A seq_cst read-modify-write is a locked instruction, which is a full fence; PLAIN
 * takes it away.
 */
unsigned char warm, front, put_is_over, join_is_over, waits, rests;

#ifdef PLAIN
#define LOCKED(write) write
#else
#define LOCKED(write)                                                         \
    do {                                                                      \
        __CPROVER_fence("WWfence", "RRfence", "RWfence", "WRfence");          \
        write;                                                                \
        __CPROVER_fence("WWfence", "RRfence", "RWfence", "WRfence");          \
    } while (0)
#endif

int
main(void)
{
__CPROVER_ASYNC_1:
    ({
        LOCKED(warm = 1);
        waits = front;
        __CPROVER_fence("WWfence", "RRfence", "RWfence", "WRfence");
        put_is_over = 1;
    });
__CPROVER_ASYNC_2:
    ({
        LOCKED(front = 1);
        rests = warm;
        __CPROVER_fence("WWfence", "RRfence", "RWfence", "WRfence");
        join_is_over = 1;
    });
    __CPROVER_assume(put_is_over && join_is_over);
    __CPROVER_assert(waits || rests, "one of the two sees the other");
    return 0;
}
