#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Goal: bench/run tells no noise as a loss, and hides nothing that one must
know. Method: results are made up, and what is told of them is looked at."""
import contextlib
import io
import os
import random
import subprocess
import sys
import tempfile
import unittest

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                     "bench")
sys.path.insert(0, BENCH)
# pylint: disable=wrong-import-position
from report import page, svg, targets, text  # noqa: E402
from report.compare import compare, differences  # noqa: E402
from report.results import Results  # noqa: E402
from report.server import environment_of_uri  # noqa: E402

CONTEXT = {"repetitions": 5, "window_ms": 300, "rival_soci": "4.0"}
OURS = "acquire_idle/dewpond/threads:1/sessions:64"
SOCI = "acquire_idle/soci/threads:1/sessions:64"


def made_up(cells, **context):
    """{name: [ns...]} or {name: [{figure: value}...]}"""
    entries = []
    for name, values in cells.items():
        for value in values:
            figures = value if isinstance(value, dict) else {"ns": value}
            entries.append({"name": name, "run_type": "iteration", **figures})
    return Results(dict(CONTEXT, **context), entries)


def compared(before, after):
    """(exit status, what is printed)"""
    with tempfile.TemporaryDirectory() as directory:
        paths = [os.path.join(directory, name) for name in ("a", "b")]
        before.save(paths[0])
        after.save(paths[1])
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            return compare(*paths), printed.getvalue()


def verdict_of(results, start):
    return next(row for row in targets.judge(results)
                if row[0].startswith(start))


class Compare(unittest.TestCase):
    def test_noise_alone_is_hardly_ever_told(self):
        chance, cells = random.Random(5), 1000
        for n in (3, 5, 9):
            before, after = (made_up({
                f"limits/{i}": [chance.gauss(100, 15) for _ in range(n)]
                for i in range(cells)}) for _ in range(2))
            told = len(differences(before, after)[0])
            self.assertLess(told, cells / 50, f"{n} repetitions")

    def test_a_pool_with_two_speeds_is_not_slower(self):
        # As seen: 14 or 20 ns, by where a program's memory came to lie.
        chance, cells = random.Random(5), 1000
        before, after = (made_up({
            f"limits/{i}": [chance.choice((14, 20)) for _ in range(5)]
            for i in range(cells)}) for _ in range(2))
        self.assertLess(len(differences(before, after)[0]), cells / 50)

    def test_a_loss_is_told_and_ends_with_1(self):
        status, told = compared(made_up({OURS: [10, 11, 10, 10, 11]}),
                                made_up({OURS: [15, 16, 15, 14, 15]}))
        self.assertEqual(status, 1)
        self.assertIn("+50.0%", told)

    def test_waits_and_bytes_are_compared_too(self):
        for figure, now in (("acquire_p99", 9e6), ("slot_bytes", 200)):
            before = made_up({OURS: [{"ns": 1, figure: now / 2}] * 5})
            after = made_up({OURS: [{"ns": 1, figure: now}] * 5})
            self.assertEqual(compared(before, after)[0], 1, figure)

    def test_what_a_rival_lost_is_told_but_is_no_loss_of_ours(self):
        status, told = compared(made_up({SOCI: [10, 11, 10]}),
                                made_up({SOCI: [20, 21, 20]}))
        self.assertEqual(status, 0)
        self.assertIn(SOCI, told)

    def test_a_close_that_swings_is_not_slower(self):
        # As seen: three undisturbed repetitions on each side, apart by chance.
        close = "keeper/close/sessions:1000"
        status, told = compared(made_up({close: [25.0, 20.3, 19.2]}),
                                made_up({close: [65.8, 44.2, 25.4]}))
        self.assertEqual(status, 0, told)

    def test_who_was_disturbed_or_measured_twice_is_not_judged(self):
        others = {"ns": 90, "others": 0.5}
        for after in ([90, 90], [others] * 5):
            status, told = compared(made_up({OURS: [10] * 5}),
                                    made_up({OURS: after}))
            self.assertEqual(status, 0)
            self.assertIn("NOT JUDGED: 1", told)

    def test_another_window_and_a_row_of_one_side_are_told(self):
        _, told = compared(made_up({OURS: [1] * 5, SOCI: [1] * 5}),
                           made_up({OURS: [1] * 5}, window_ms=100))
        self.assertIn("not the same window_ms", told)
        self.assertIn(f"only in before: 1: {SOCI}", told)


class Targets(unittest.TestCase):
    def test_the_limits_are_those_that_were_agreed_on(self):
        agreed = ["1", "0.6", "3", "25", "8", "8", "10", "60", "200", "200",
                  "4", "30", "4", "30", "20", "20", "20", "20", "0.0001",
                  "1.12", "1.08", "0.4", "0.95", "0.15", "0.95", "0.85", "1",
                  "0.9", "1.8", "0.9", "1.15", "0.35", "0.95", "5", "3", "3",
                  "1", "1", "1", "1", "1", "1", "1.2", "384", "1000", "1", "1"]
        limits = [row[1] for row in targets.judge(made_up({}))]
        self.assertEqual([limit.split()[1].rstrip("xBus/ ")
                          for limit in limits], agreed)

    def test_the_worst_of_a_part_is_not_the_worst(self):
        cells = {targets.idle(pool, n): [ns] for pool, ns in
                 (("dewpond", 1), ("soci", 99)) for n in (1, 2, 4, 8, 16)}
        what = "throughput against soci, 2-64"
        self.assertEqual(verdict_of(made_up(cells), what)[3], "not measured")
        cells.update({targets.idle("dewpond", 64): [1],
                      targets.idle("soci", 64): [99]})
        self.assertEqual(verdict_of(made_up(cells), what)[3], "met")

    def test_a_verdict_on_disturbed_figures_has_a_star(self):
        cells = {OURS: [{"ns": 1, "others": 0.5}] * 5, SOCI: [9] * 5}
        row = verdict_of(made_up(cells), "throughput against soci, 1 ")
        self.assertEqual(row[3], "met *")
        self.assertEqual(page.verdict_class(row), "met")

    def test_what_explains_a_target_does_not_count_as_one(self):
        gap = "server/unix/dewpond_auto/threads:1/sessions:1/gap:100us"
        results = made_up({gap: [{"ns": 1, "release_p50": 8e3}],
                           targets.SEND_WAKES: [9e3]})
        row = verdict_of(results, "the same beyond one send")
        self.assertEqual(row[2:], ("0 us", "beside: kept"))
        self.assertEqual(page.score([row]), "no target was measured")

    def test_rounding_never_makes_a_miss_look_met(self):
        cells = {targets.crowded("dewpond", 16, "hold:50us"): [1081],
                 targets.crowded("no_pool", 16, "hold:50us"): [1000]}
        row = verdict_of(made_up(cells), "16 threads, 4 sessions, busy hold:50")
        self.assertEqual(row[2:], ("1.081x", "NOT MET"))

    def test_a_server_over_tcp_is_judged_and_drawn(self):
        results = made_up({f"server/tcp/{pool}/threads:2/sessions:2":
                           [{"ns": ns, "pairs_per_s": 1e9 / ns}]
                           for pool, ns in (("dewpond_never", 10),
                                            ("per_thread", 10))})
        self.assertEqual(verdict_of(results, "server (tcp), 2/2")[3], "met")
        self.assertIn("2 sessions, tcp", page.page(results, []))


class Report(unittest.TestCase):
    def test_what_is_missing_stands_at_the_top_of_both(self):
        results = made_up({OURS: [1, 2]}, rival_apr="missing", quick=True,
                          filter="idle", repetitions=2, notes=["few files"])
        for told in (text.markdown(results, []), page.page(results, [])):
            top = told[:told.index("Targets")]
            for line in ("MISSING, so without rows: apr", "quick run",
                         "match idle", "2 repetitions", "few files"):
                self.assertIn(line, top)

    def test_a_result_that_is_read_has_its_medians_once(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "a.json")
            made_up({OURS: [1, 2, 3]}).save(path)
            once = os.path.getsize(path)
            Results.load(path).save(path)
            self.assertEqual(os.path.getsize(path), once)

    def test_times_have_the_unit_that_is_read_easily(self):
        self.assertEqual([svg.told(us, " us") for us in
                          (12000, 3.5, 0.0458, 2e6)],
                         ["12 ms", "3.5 us", "45.8 ns", "2 s"])


class Arguments(unittest.TestCase):
    def run_with(self, *words):
        return subprocess.run(
            [sys.executable, "-B", os.path.join(BENCH, "report", "run.py"),
             *words], capture_output=True, text=True, check=False)

    def test_a_wrong_word_is_told_before_anything_is_built(self):
        for words, told in ((["nonsense"], "no question nonsense"),
                            (["--repetitions", "0"], "not above 0"),
                            (["--compare", "/none", "/none"], "No such file"),
                            (["--report", __file__], "not a result")):
            ran = self.run_with(*words)
            self.assertNotEqual(ran.returncode, 0)
            self.assertIn(told, ran.stderr)
            self.assertNotIn("Traceback", ran.stderr)

    def test_a_server_is_named_whole(self):
        for uri in ("http://u@h/d", "mysql://u@h", "mysql://h/d"):
            self.assertRaises(ValueError, environment_of_uri, uri)
        found = environment_of_uri("mysql://u:p%26@h/d%20e?socket=/s")
        self.assertEqual(found["DEWPOND_BENCH_PASSWORD"], "p&")
        self.assertEqual(found["DEWPOND_BENCH_DATABASE"], "d e")
        self.assertNotIn("DEWPOND_BENCH_PORT", found)


if __name__ == "__main__":
    unittest.main()
