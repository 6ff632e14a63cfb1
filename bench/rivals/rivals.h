/* SPDX-License-Identifier: MIT */
/* All pools that are here, under their names; the rest is said to be missing. */
#ifndef DEWPOND_BENCH_RIVALS_RIVALS_H
#define DEWPOND_BENCH_RIVALS_RIVALS_H

namespace bench {

/* Tells Google Benchmark's context which rivals are in this build, and the
 * versions of what was linked. */
void describe_rivals();

} // namespace bench

#endif
