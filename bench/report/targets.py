# SPDX-License-Identifier: MIT
"""What is aimed at, as ratios within one run, and what was seen."""

OURS = "dewpond"


class Target:
    """`seen` gives the ratio or None; `most` or `least` is what it must keep.
    What is told `beside` a target is no target: it does not count as met."""

    def __init__(self, text, seen, most=None, least=None, unit="x",
                 beside=False):
        self.text, self.seen, self.unit = text, seen, unit
        self.most, self.least, self.beside = most, least, beside

    def told(self, value):
        """With as many digits as tell it from the limit."""
        limit = self.least if self.most is None else self.most
        for digits in (3, 4, 5):
            text = f"{value:.{digits}g}"
            if float(text) != limit or value == limit:
                break
        return text + self.unit

    def limit(self):
        return (f"<= {self.most:g}" if self.most is not None
                else f">= {self.least:g}") + self.unit

    def verdict(self, value):
        if value is None or value < 0:  # nothing here can be below zero
            return "beside: -" if self.beside else "not measured"
        met = (value <= self.most if self.most is not None
               else value >= self.least)
        if self.beside:
            return "beside: kept" if met else "beside: not kept"
        return "met" if met else "NOT MET"


def ratio(results, above, below, figure="ns", figure_below=None):
    """median(above) / median(below), or None if one of them is missing."""
    top = results.median(above, figure)
    bottom = results.median(below, figure_below or figure)
    return top / bottom if top is not None and bottom else None


def value(results, name, figure, scale=1.0):
    seen = results.median(name, figure)
    return None if seen is None else seen * scale


def difference(whole, part):
    """Nothing is left where the part alone took longer, by chance."""
    return None if whole is None or part is None else max(0.0, whole - part)


def lowest(values):
    """None if one is missing: the worst of the others is not the worst."""
    values = list(values)
    return min(values) if values and None not in values else None


def highest(values):
    values = list(values)
    return max(values) if values and None not in values else None


def idle(pool, threads):
    return f"acquire_idle/{pool}/threads:{threads}/sessions:64"


def crowded(pool, threads, hold):
    return f"acquire_crowded/{pool}/threads:{threads}/sessions:4/{hold}"


def server(way, pool, threads, sessions, more=""):
    return f"server/{way}/{pool}/threads:{threads}/sessions:{sessions}{more}"


CROWD = (2, 4, 8, 16, 64)
SEND_WAKES = "limits/send_wakes/gap:100us"


def idle_targets(r):
    yield Target("acquire_idle, 1 thread, against one uncontended 16-byte-CAS "
                 "pair", lambda: ratio(r, idle(OURS, 1),
                                       "limits/cas16_pair/threads:1"), most=1.0)
    yield Target("acquire_idle, 2-64 threads against its own 1 thread (worst)",
                 lambda: highest(ratio(r, idle(OURS, n), idle(OURS, 1))
                                 for n in CROWD), most=0.6)
    for rival, at_one, at_many in (
            ("soci", 3, 25), ("hikaricp", 8, 8), ("libzdb_no_ping", 10, 60),
            ("libzdb", 200, 200), ("apr_reslist", 4, 30),
            ("poco_objectpool", 4, 30), ("go_database_sql", 20, 20),
            ("r2d2", 20, 20)):
        yield Target(f"throughput against {rival}, 1 thread",
                     lambda rival=rival: ratio(r, idle(rival, 1),
                                               idle(OURS, 1)), least=at_one)
        yield Target(f"throughput against {rival}, 2-64 threads (worst)",
                     lambda rival=rival: lowest(
                         ratio(r, idle(rival, n), idle(OURS, n))
                         for n in CROWD), least=at_many)
    yield Target("system calls of an untouched loan (polls + wakes), worst",
                 lambda: highest(value(r, idle(pool, n), figure)
                                 for pool in (OURS, "dewpond_auto")
                                 for n in (1, *CROWD)
                                 for figure in ("polls_per_loan",
                                                "wakes_per_loan")),
                 most=1e-4, unit="")


def crowded_targets(r):
    for hold, most in (("hold:1us", 1.12), ("hold:50us", 1.08)):
        yield Target(f"16 threads, 4 sessions, busy {hold}, against no pool",
                     lambda hold=hold: ratio(r, crowded(OURS, 16, hold),
                                             crowded("no_pool", 16, hold)),
                     most=most)
    for threads, most in ((16, 0.4), (64, 0.15)):
        yield Target(f"{threads}/4, blocking 50 us: p99 of acquire against "
                     "mutex+condvar", lambda n=threads: ratio(
                         r, crowded(OURS, n, "blocks:50us"),
                         crowded("mutex_lifo", n, "blocks:50us"),
                         "acquire_p99"), most=most)
        yield Target(f"{threads}/4, blocking 50 us: throughput against "
                     "mutex+condvar", lambda n=threads: ratio(
                         r, crowded("mutex_lifo", n, "blocks:50us"),
                         crowded(OURS, n, "blocks:50us")), least=0.95)
    yield Target("16/4 and 64/4, blocking 50 us: fewest / most loans of a "
                 "thread (worst)",
                 lambda: lowest(value(r, crowded(OURS, n, "blocks:50us"),
                                      "fairness") for n in (16, 64)),
                 least=0.85, unit="")
    yield Target("wakes for each loan, all crowds (worst)",
                 lambda: highest(value(r, name, "wakes_per_loan") for name in
                                 r.names(f"acquire_crowded/{OURS}/")),
                 most=1.0, unit="")


def server_targets(r):
    never, way = "dewpond_never", r.way()
    for n, most in ((2, 1.8), (8, 1.15)):
        yield Target(f"server ({way}), {n}/{n}: queries/s against a connection "
                     "per thread", lambda n=n: ratio(
                         r, server(way, "per_thread", n, n),
                         server(way, never, n, n)), least=0.9)
        yield Target(f"server ({way}), {n}/{n}: queries/s against mutex LIFO",
                     lambda n=n: ratio(r, server(way, "mutex_lifo", n, n),
                                       server(way, never, n, n)), least=most)
    yield Target(f"server ({way}), 32/4: p99 of acquire against mutex+condvar",
                 lambda: ratio(r, server(way, never, 32, 4),
                               server(way, "mutex_lifo", 32, 4), "acquire_p99"),
                 most=0.35)
    yield Target(f"server ({way}), 32/4: queries/s against mutex+condvar",
                 lambda: ratio(r, server(way, "mutex_lifo", 32, 4),
                               server(way, never, 32, 4)), least=0.95)
    gap = server(way, "dewpond_auto", 1, 1, more="/gap:100us")
    yield Target(f"default reset ({way}), 100 us gap: a borrow pays (p50)",
                 lambda: value(r, gap, "acquire_p50", 1e-3), most=5,
                 unit=" us")
    yield Target(f"default reset ({way}), 100 us gap: a return pays (p50)",
                 lambda: value(r, gap, "release_p50", 1e-3), most=3,
                 unit=" us")
    yield Target("the same beyond one send that wakes a sleeper here",
                 lambda: difference(value(r, gap, "release_p50", 1e-3),
                                    value(r, SEND_WAKES, "ns", 1e-3)),
                 most=3, unit=" us", beside=True)
    for n in (1, 2, 8):
        yield Target(f"tight loop {n}/{n} ({way}): default reset against a "
                     "synchronous one", lambda n=n: ratio(
                         r, server(way, "dewpond_auto", n, n),
                         server(way, "mutex_lifo_reset", n, n)), most=1.0)
        yield Target(f"tight loop {n}/{n} ({way}): default reset against a "
                     "synchronous one that proves as much", lambda n=n: ratio(
                         r, server(way, "dewpond_auto", n, n),
                         server(way, "mutex_lifo_reset_proof", n, n)),
                     most=1.0, beside=True)


def scale_targets(r):
    def sizes():
        names = r.names("scale/dewpond/sessions:")
        return sorted(names, key=lambda name: int(name.rsplit(":", 1)[1]))

    def flat():
        costs = [r.median(name) for name in sizes()]
        return max(costs) / min(costs) if len(costs) == 5 else None

    def bytes_per_slot():
        if not sizes():
            return None
        last = sizes()[-1]
        return r.median(last, "slot_bytes") + r.median(last, "session_bytes")

    largest = sizes()[-1].rsplit(":", 1)[1] if sizes() else "10000"
    yield Target(f"cost of a pair, 1 to {largest} sessions: dearest / "
                 "cheapest", flat, most=1.2)
    yield Target("bytes of a slot with its session, client library apart",
                 bytes_per_slot, most=384, unit=" B")
    yield Target("1 000 parked waiters: processor time (0.1 % of one passes "
                 "for none)",
                 lambda: value(r, "scale/dewpond/waiters:1000",
                               "cpu_us_per_s"), most=1000, unit=" us/s")
    yield Target("opening 1 000 sessions against plain connects, as many at "
                 "once", lambda: ratio(r, "keeper/open/sessions:1000",
                                       "keeper/connects/sessions:1000"),
                 most=1.0)
    yield Target("the same against connects that ask the same question",
                 lambda: ratio(r, "keeper/open/sessions:1000",
                               "keeper/connects_furnished/sessions:1000"),
                 most=1.0, beside=True)


def judge(results):
    """[(what, must be, seen, verdict)], in the order of the questions. A
    verdict with a star rests on a cell that others disturbed."""
    rows = []
    for group in (idle_targets, crowded_targets, server_targets,
                  scale_targets):
        for target in group(results):
            results.asked.clear()
            seen = target.seen()
            disturbed = seen is not None and any(
                map(results.is_disturbed, results.asked & set(results.cells)))
            rows.append((target.text, target.limit(),
                         "-" if seen is None else target.told(seen),
                         target.verdict(seen) + (" *" if disturbed else "")))
    return rows
