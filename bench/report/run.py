#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the questions, interleaved, and writes what came out (see bench/run)."""
import datetime
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# pylint: disable=wrong-import-position
from report import outside, page, server, targets, text  # noqa: E402
from report.arguments import QUESTIONS, arguments  # noqa: E402
from report.compare import compare  # noqa: E402
from report.results import Results, from_google, from_outside  # noqa: E402

ROOT = os.path.dirname(outside.BENCH)
# Without these rows the quick run has all that the targets and plots need.
QUICK = {
    "acquire_idle": "-(dewpond_touched|poco_sessionpool|mysqlpp)/",
    "acquire_crowded": "-(dewpond_fifo|dewpond_barging|poco_sessionpool|"
                       "libzdb)/|blocks:1ms",
    "handoff": "-(soci|apr_reslist|poco_objectpool)/|anywhere",
    "server": "-server/tcp|threads:(64|256)/|threads:32/sessions:8",
    "keeper": "-rest|tend",
}


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
        self.outside, self.missing, self.notes = [], {}, []
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
        if chosen and not self.environment.get("DEWPOND_BENCH_SOCKET"):
            chosen = chosen.replace("server/tcp|", "")  # it is all there is
        if chosen:
            command.append(f"--benchmark_filter={chosen}")
        ran = subprocess.run(command, capture_output=True, text=True,
                             env=self.environment, check=False)
        if ran.returncode != 0:
            raise RuntimeError(f"{question}: {ran.stderr[-3000:]}")
        self.take_notes(ran.stderr)
        if not ran.stdout.strip():
            return  # the filter matched nothing
        context, benchmarks = from_google(ran.stdout, repetition)
        self.context.update(context)
        self.benchmarks += benchmarks

    def take_notes(self, told):
        """What a program left out or did otherwise: said once, and kept."""
        for line in told.splitlines():
            note = line.removeprefix("note: ")
            if note != line and note not in self.notes:
                self.notes.append(note)
                say(f"NOTE {note}")

    def ask_outside(self, program, repetition):
        self.benchmarks += [
            from_outside(cell, repetition)
            for cell in program.run(self.environment)
            if text.question_of(cell["name"]) in self.wanted.questions
            and self.matches(cell["name"])]

    def matches(self, name):
        wanted = self.wanted.filter or ""
        if wanted.startswith("-"):
            return not re.search(wanted[1:], name)
        return bool(re.search(wanted, name))

    def progress(self, repetition, name):
        all_jobs = self.wanted.repetitions * (len(self.wanted.questions)
                                              + len(self.outside))
        spent = time.monotonic() - self.began
        left = (f", about {spent / self.done * (all_jobs - self.done) / 60:.0f}"
                " min to go" if self.done > len(self.wanted.questions) else "")
        say(f"[{repetition + 1}/{self.wanted.repetitions}] "
            f"{self.done * 100 // all_jobs:3d} %  {name}{left}")

    def repeat(self):
        """The failure that ended it, if there was one after the first
        repetition: what was measured until then is told."""
        for repetition in range(self.wanted.repetitions):
            for name, job in self.jobs():
                self.progress(repetition, name)
                try:
                    job(repetition)
                except RuntimeError as failure:
                    if repetition == 0:
                        raise
                    self.notes.append(f"ENDED in repetition {repetition + 1}: "
                                      f"{name} failed")
                    return failure
                self.done += 1
        return None

    def results(self):
        context = dict(self.context, cpu=cpu_name(), commit=commit(),
                       repetitions=self.wanted.repetitions,
                       window_ms=self.wanted.window_ms,
                       quick=self.wanted.quick, notes=self.notes)
        if self.wanted.filter:
            context["filter"] = self.wanted.filter
        for one in self.outside:
            context["rival_" + one.name] = one.version
        for name in self.missing:
            context["rival_" + name] = "missing"
        if {"server", "keeper"} & set(self.wanted.questions):
            context["server"] = server.version(self.environment)
        results = Results(context, sorted(self.benchmarks, key=in_order))
        disturbed = sum(map(results.is_disturbed, results.cells))
        if disturbed:
            context["disturbed_cells"] = f"{disturbed} of {len(results.cells)}"
        return results


def write(results, directory, stem):
    """The tables and plots, and what of them a terminal shows."""
    verdicts = targets.judge(results)
    base = os.path.join(directory, stem)
    for suffix, content in ((".md", text.markdown(results, verdicts)),
                            (".html", page.page(results, verdicts))):
        with open(base + suffix, "w", encoding="utf-8") as file:
            file.write(content)
    print("\n".join(text.machine_lines(results.context)) + "\n")
    for what, must, seen, verdict in verdicts:
        if seen != "-":
            print(f"{verdict:13} {seen:>10}  must be {must:10}  {what}")
    print(f"\n{page.score(verdicts)}")
    for line in text.caveats(results.context):
        print(line)
    for suffix in (".json", ".md", ".html"):
        print(os.path.relpath(base + suffix))


def measure(wanted):
    environment = dict(os.environ, DEWPOND_BENCH_WINDOW_MS=str(
        wanted.window_ms))
    private = None
    directory = wanted.output or os.path.join(outside.BENCH, "results")
    os.makedirs(directory, exist_ok=True)
    stem = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    try:
        if wanted.server:
            environment.update(server.environment_of_uri(wanted.server))
            server.connections(environment)
            pid = server.local_pid(environment)
            if pid:
                environment["DEWPOND_BENCH_LOCAL_PID"] = str(pid)
        elif {"server", "keeper"} & set(wanted.questions):
            say("starting a private MariaDB server")
            private = server.PrivateServer()
            environment.update(private.start())
        with tempfile.TemporaryDirectory(prefix="dewpond-bench-") as scratch:
            run = Run(wanted, scratch, environment)
            failure = run.repeat()
        results = run.results()
        results.save(os.path.join(directory, stem + ".json"))
        write(results, directory, stem)
        if failure:
            raise failure
    finally:
        if private is not None:
            private.stop()


def obey(wanted):
    if wanted.compare:
        return compare(*wanted.compare)
    if wanted.report:
        directory, name = os.path.split(os.path.abspath(wanted.report))
        write(Results.load(wanted.report), wanted.output or directory,
              name.removesuffix(".json"))
    elif wanted.programs:  # else only the arguments were to be looked at
        measure(wanted)
    return 0


def stop(number, _):
    """As by Ctrl-C, so that the server and the directories go, too."""
    sys.exit(128 + number)


def main():
    wanted = arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        sys.exit(obey(wanted))
    except (RuntimeError, ValueError, OSError) as failure:
        sys.exit(f"error: {failure}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()
