#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the questions, interleaved, and writes what came out (see bench/run)."""
import argparse
import datetime
import os
import random
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position
from report import outside, page, server, targets, text  # noqa: E402
from report.compare import compare  # noqa: E402
from report.results import Results, from_google, from_outside  # noqa: E402

ROOT = os.path.dirname(outside.BENCH)
QUESTIONS = ("limits", "acquire_idle", "acquire_crowded", "handoff", "scale",
             "keeper", "server")
# Without these rows the quick run has all that the targets and plots need.
QUICK = {
    "acquire_idle": "-(dewpond_so|dewpond_touched|poco_sessionpool|mysqlpp)/",
    "acquire_crowded": "-(dewpond_fifo|dewpond_barging|poco_sessionpool|"
                       "libzdb)/|blocks:1ms",
    "handoff": "-(soci|apr_reslist|poco_objectpool)/|anywhere",
    "server": "-server/tcp|threads:(64|256)/|threads:32/sessions:8",
    "keeper": "-rest|tend",
}


def arguments():
    parser = argparse.ArgumentParser(prog="bench/run", description=(
        "Builds and runs dewpond's benchmarks; everything is written to "
        "bench/results. Other forms: bench/run --compare A.json B.json; "
        "bench/run --instructions [--accept]."))
    parser.add_argument("questions", nargs="*", metavar="QUESTION",
                        help=f"of {', '.join(QUESTIONS)}; default: all")
    parser.add_argument("--quick", action="store_true",
                        help="about 5 minutes: fewer rows, shorter, 3 times")
    parser.add_argument("--repetitions", type=int)
    parser.add_argument("--window-ms", type=int,
                        help="how long one cell is measured")
    parser.add_argument("--filter", help="of Google Benchmark, for all rows")
    parser.add_argument("--server", metavar="URI", help="ask this server: "
                        "mysql://user:password@host:port/db?socket=PATH")
    parser.add_argument("--pymysql-pool", metavar="DIRECTORY",
                        help="holds a copy of it; bench/README.md tells how")
    parser.add_argument("--output", help="directory for what is written")
    parser.add_argument("--compare", nargs=2, metavar=("BEFORE", "AFTER"))
    parser.add_argument("--report", metavar="RESULT",
                        help="write the tables and plots of a result anew")
    parser.add_argument("--programs", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    for question in wanted.questions:
        if question not in QUESTIONS:
            parser.error(f"no question {question}")
    wanted.questions = wanted.questions or list(QUESTIONS)
    wanted.repetitions = wanted.repetitions or (3 if wanted.quick else 5)
    wanted.window_ms = wanted.window_ms or (100 if wanted.quick else 300)
    return wanted


def say(line):
    print(line, file=sys.stderr, flush=True)


def commit():
    def git(*words):
        return subprocess.run(["git", "-C", ROOT, *words], text=True,
                              capture_output=True, check=False).stdout.strip()
    changed = "+changes" if git("status", "--porcelain", "-uno") else ""
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + changed


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith(("model name", "Model")):
                return line.split(":", 1)[1].strip()
    return os.uname().machine


def in_order(entry):
    """By question; within one 2 before 16, whatever was measured first."""
    name = entry["name"]
    return (QUESTIONS.index(text.question_of(name)),
            [int(word) if word.isdigit() else word
             for word in re.split(r"(\d+)", name)])


class Run:
    """All repetitions of all questions."""

    def __init__(self, wanted, scratch, environment):
        self.wanted, self.environment = wanted, environment
        self.context, self.benchmarks = {}, []
        self.outside, self.missing = [], {}
        if {"acquire_idle", "acquire_crowded"} & set(wanted.questions):
            self.outside, self.missing = outside.all_of_them(
                scratch, wanted.pymysql_pool)
        for name, packages in self.missing.items():
            say(f"MISSING rival {name}: needs {packages}")
        self.done, self.began = 0, time.monotonic()

    def jobs(self):
        """(name, how to run it), in another order in each repetition."""
        jobs = [(name, lambda rep, q=name: self.ask(q, rep))
                for name in self.wanted.questions]
        jobs += [(one.name, lambda rep, o=one: self.ask_outside(o, rep))
                 for one in self.outside]
        random.shuffle(jobs)
        return jobs

    def ask(self, question, repetition):
        command = [os.path.join(self.wanted.programs, question),
                   "--benchmark_format=json",
                   "--benchmark_enable_random_interleaving=true"]
        chosen = self.wanted.filter or (
            QUICK.get(question) if self.wanted.quick else None)
        if chosen:
            command.append(f"--benchmark_filter={chosen}")
        ran = subprocess.run(command, capture_output=True, text=True,
                             env=self.environment, check=False)
        if ran.returncode != 0:
            raise RuntimeError(f"{question}: {ran.stderr[-3000:]}")
        if not ran.stdout.strip():
            return  # the filter matched nothing
        context, benchmarks = from_google(ran.stdout, repetition)
        self.context.update(context)
        self.benchmarks += benchmarks

    def ask_outside(self, program, repetition):
        self.benchmarks += [
            from_outside(cell, repetition)
            for cell in program.run(self.environment)
            if text.question_of(cell["name"]) in self.wanted.questions]

    def progress(self, repetition, name):
        all_jobs = self.wanted.repetitions * (len(self.wanted.questions)
                                              + len(self.outside))
        spent = time.monotonic() - self.began
        left = (f", about {spent / self.done * (all_jobs - self.done) / 60:.0f}"
                " min to go" if self.done > len(self.wanted.questions) else "")
        say(f"[{repetition + 1}/{self.wanted.repetitions}] "
            f"{self.done * 100 // all_jobs:3d} %  {name}{left}")

    def repeat(self):
        for repetition in range(self.wanted.repetitions):
            for name, job in self.jobs():
                self.progress(repetition, name)
                job(repetition)
                self.done += 1

    def results(self):
        context = dict(self.context, cpu=cpu_name(), commit=commit(),
                       repetitions=self.wanted.repetitions,
                       window_ms=self.wanted.window_ms,
                       quick=self.wanted.quick)
        for one in self.outside:
            context["rival_" + one.name] = one.version
        for name in self.missing:
            context["rival_" + name] = "missing"
        if "server" in self.wanted.questions:
            context["server"] = server.version(self.environment)
        results = Results(context, sorted(self.benchmarks, key=in_order))
        disturbed = sum(map(results.is_disturbed, results.cells))
        if disturbed:
            context["disturbed_cells"] = f"{disturbed} of {len(results.cells)}"
        return results


def write(results, directory, stem):
    os.makedirs(directory, exist_ok=True)
    verdicts = targets.judge(results)
    base = os.path.join(directory, stem)
    results.save(base + ".json")
    for suffix, content in ((".md", text.markdown(results, verdicts)),
                            (".html", page.page(results, verdicts))):
        with open(base + suffix, "w", encoding="utf-8") as file:
            file.write(content)
    print("\n".join(text.machine_lines(results.context)) + "\n")
    for what, must, seen, verdict in verdicts:
        print(f"{verdict:13} {seen:>10}  must be {must:10}  {what}")
    print(f"\n{page.score(verdicts)}")
    if "disturbed_cells" in results.context:
        print(f"DISTURBED: {results.context['disturbed_cells']} cells: others "
              "used this machine; these figures mean little")
    for suffix in (".json", ".md", ".html"):
        print(os.path.relpath(base + suffix))


def measure(wanted):
    environment = dict(os.environ, DEWPOND_BENCH_WINDOW_MS=str(
        wanted.window_ms))
    private = None
    directory = wanted.output or os.path.join(outside.BENCH, "results")
    stem = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    try:
        if wanted.server:
            environment.update(server.environment_of_uri(wanted.server))
        elif {"server", "keeper"} & set(wanted.questions):
            say("starting a private MariaDB server")
            private = server.PrivateServer()
            environment.update(private.start())
        with tempfile.TemporaryDirectory(prefix="dewpond-bench-") as scratch:
            run = Run(wanted, scratch, environment)
            run.repeat()
        write(run.results(), directory, stem)
    finally:
        if private is not None:
            private.stop()


def main():
    wanted = arguments()
    if wanted.compare:
        sys.exit(compare(*wanted.compare))
    if wanted.report:
        directory, name = os.path.split(os.path.abspath(wanted.report))
        write(Results.load(wanted.report), directory,
              name.removesuffix(".json"))
        return
    try:
        measure(wanted)
    except (RuntimeError, ValueError) as failure:
        sys.exit(f"error: {failure}")


if __name__ == "__main__":
    main()
