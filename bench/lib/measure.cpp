/* SPDX-License-Identifier: MIT */
/* The loop that every pool runs in: threads borrow, hold and return. */
#include "lib/measure.h"

namespace bench {

Snapshot
look(const std::vector<std::unique_ptr<Worker>> &workers)
{
    Snapshot seen;
    seen.usage = Usage::now();
    for (const auto &worker : workers) {
        seen.pairs.push_back(worker->pairs.load(std::memory_order_relaxed));
        /* Plain counters of a running thread: each is one word, and being
         * one off does not matter. */
        seen.counted.wakes += worker->counted.wakes;
        seen.counted.parks += worker->counted.parks;
        seen.counted.polls += worker->counted.polls;
    }
    return seen;
}

void
settle_up(const Snapshot &before, const Snapshot &after, Result &result)
{
    result.seconds =
        static_cast<double>(after.usage.ns - before.usage.ns) * 1e-9;
    for (size_t i = 0; i < after.pairs.size(); i++) {
        const auto pairs =
            static_cast<double>(after.pairs[i] - before.pairs[i]);
        result.pairs += pairs;
        result.fewest = i == 0 ? pairs : std::min(result.fewest, pairs);
        result.most = std::max(result.most, pairs);
    }
    result.switches = static_cast<double>(after.usage.switches -
                                          before.usage.switches);
    result.cpu_s = after.usage.own_s - before.usage.own_s;
    result.others = after.usage.others(before.usage);
    result.wakes =
        static_cast<double>(after.counted.wakes - before.counted.wakes);
    result.parks =
        static_cast<double>(after.counted.parks - before.counted.parks);
    result.polls =
        static_cast<double>(after.counted.polls - before.counted.polls);
}

} // namespace bench
