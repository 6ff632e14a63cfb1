/* SPDX-License-Identifier: MIT */
/* Lets one caller a second through. */
#include "base/seldom.h"

#include "base/clock.h"
#include "base/fault.h"

#define SELDOM_NS (1000 * CLOCK_NS_PER_MS)

static bool
is_long_ago(uint64_t last_ns, int64_t now_ns)
{
    return last_ns == 0 || now_ns - (int64_t)last_ns >= SELDOM_NS;
}

bool
seldom_may(struct seldom *seldom, int64_t now_ns)
{
    /* ORDER seldom.2 relaxed <-> seldom.3: what the CAS compares with. */
    uint64_t last_ns = order_load_relaxed_u64(&seldom->last_ns);

    race_point("seldom.read");
    /* ORDER seldom.3 seq_cst <-> seldom.2: of all who found the same
     * last time one writes; nothing else hangs on it. */
    return is_long_ago(last_ns, now_ns) &&
           order_cas_seq_u64(&seldom->last_ns, &last_ns, (uint64_t)now_ns);
}
