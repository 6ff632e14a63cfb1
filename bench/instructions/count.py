#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts dewpond's own instructions in fixed scenarios and holds them to limits.

count.py [--accept] [--only NAME] SCENARIOS STANDIN LIMITS CC

SCENARIOS and STANDIN are the programs, LIMITS the committed file of limits, CC
the compiler that built them. Two things are counted: all instructions, and
those that lock a cache line (atomic read-modify-writes), of which one more is
too many. Those of the C library and of the client library do not count, so
their versions do not matter. Exit status 1: more than
a limit allows. 77: nothing to compare with here, and why. --accept writes the
file anew.
"""
import argparse
import collections
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

# What another patch release of the same compiler may add.
TOLERANCE = 0.02
# Rounding, and clocks that are sampled; an atomic more in one of four pairs is
# seen.
LOCKED_TOLERANCE = 0.25
SKIPPED = 77


def skip(why):
    print(f"instructions: SKIPPED: {why}", file=sys.stderr)
    sys.exit(SKIPPED)


def own_cost(path, program):
    """The self cost of all functions in `program`, from callgrind's output:
    instructions, those that lock, and the instructions of each function."""
    names, total, locked, mine, after_call = {}, 0, 0, False, False
    functions, function = collections.Counter(), ""
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            where = re.match(r"(ob|fn)=\((\d+)\)(?: (.*))?", line)
            callee = re.match(r"c(ob|fn)=\((\d+)\)(?: (.*))?", line)
            for found in (where, callee):
                if found and found.group(3):
                    names[found.group(1), found.group(2)] = found.group(3)
            if where:
                name = names[where.group(1), where.group(2)]
                if where.group(1) == "ob":
                    mine = os.path.basename(name) == os.path.basename(program)
                else:
                    function = name
            elif line.startswith("calls="):
                after_call = True
            elif re.match(r"[+*\-0-9]\S* \d+", line):
                if mine and not after_call:
                    costs = [int(word) for word in line.split()[1:]] + [0]
                    cost = costs[0]
                    total += cost
                    locked += costs[1]
                    functions[function] += cost
                after_call = False
    return total, locked, functions


class Standin:
    """The server that only listens, for as long as the block lasts."""

    def __init__(self, program):
        self.program = program

    def __enter__(self):
        self.process = subprocess.Popen(
            [self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)
        return self.process.stdout.readline().strip()

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def count(program, scenario, socket):
    """Of one pair: instructions, those that lock, those of each function."""
    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "out")
        ran = subprocess.run(
            ["valgrind", "--quiet", "--tool=callgrind", "--collect-atstart=no",
             "--collect-bus=yes", "--toggle-collect=measured", f"--callgrind-out-file={out}",
             program, scenario, socket],
            capture_output=True, text=True, timeout=120, check=False)
        if ran.returncode != 0:
            sys.exit(f"instructions: {scenario}: {ran.stderr.strip()}")
        total, locked, functions = own_cost(out, program)
        pairs = int(ran.stdout.split()[0])
        return (total / pairs, locked / pairs), [(name, cost / pairs) for name, cost
                               in functions.most_common(6)]


def compiler(command):
    version = subprocess.run([command, "-dumpfullversion", "-dumpversion"],
                             capture_output=True, text=True, check=False)
    about = subprocess.run([command, "--version"], capture_output=True,
                           text=True, check=False).stdout
    kind = "clang" if "clang" in about else "gcc"
    return f"{kind}-{version.stdout.split('.')[0].strip()}"


def read_limits(path):
    built, limits = None, {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if words[:1] == ["built"]:
                built = " ".join(words[1:])
            elif words and not line.startswith("#"):
                limits[words[0]] = (float(words[1]), float(words[2]))
    return built, limits


def write_limits(path, built, seen):
    with open(path, "w", encoding="utf-8") as file:
        file.write("# SPDX-License-Identifier: MIT\n"
                   "# Instructions of dewpond in one pair of borrow and "
                   "return, or in the one\n# step that the scenario names, and "
                   "how many of them lock a cache line.\n"
                   "# Written by: bench/run --instructions --accept\n"
                   f"built {built}\n")
        for name, (cost, locked) in seen.items():
            file.write(f"{name} {cost:.1f} {locked:.2f}\n")


def judge(seen, limit):
    if limit is None:
        return True, "no limit yet"
    if seen[0] > limit[0] * (1 + TOLERANCE):
        return False, f"MORE than {limit[0]:.1f} instructions"
    if seen[1] > limit[1] + LOCKED_TOLERANCE:
        return False, f"MORE than {limit[1]:.2f} that lock"
    if seen[0] < limit[0] * (1 - TOLERANCE):
        return True, (f"less than {limit[0]:.1f}: "
                      "bench/run --instructions --accept")
    return True, f"limits {limit[0]:.1f} and {limit[1]:.2f}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--accept", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--detail", action="store_true")
    parser.add_argument("paths", nargs=4)
    wanted = parser.parse_args()
    program, standin, limits_path, command = wanted.paths
    if shutil.which("valgrind") is None:
        skip("valgrind is missing (Debian: valgrind)")
    built = f"{compiler(command)} {platform.machine()}"
    limits_for, limits = read_limits(limits_path)
    if built != limits_for and not wanted.accept:
        skip(f"the limits are for {limits_for}, this is {built}")
    names = subprocess.run([program], capture_output=True, text=True,
                           check=True).stdout.split()
    seen, good = {}, True
    with Standin(standin) as socket:
        for name in names:
            if wanted.only and name != wanted.only:
                continue
            seen[name], functions = count(program, name, socket)
            fine, verdict = judge(seen[name], limits.get(name))
            good = good and (fine or wanted.accept)
            print(f"{name:20} {seen[name][0]:9.1f} {seen[name][1]:6.2f}  "
                  f"{verdict}", flush=True)
            if wanted.detail or not fine:
                for function, cost in functions:
                    print(f"    {cost:9.1f}  {function}")
    if wanted.accept:
        write_limits(limits_path, built, seen)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
