# SPDX-License-Identifier: MIT
"""What bench/run is told on its command line."""
import argparse

QUESTIONS = ("limits", "acquire_idle", "acquire_crowded", "handoff", "scale",
             "keeper", "server")


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def arguments():
    parser = argparse.ArgumentParser(prog="bench/run", description=(
        "Builds and runs dewpond's benchmarks; everything is written to "
        "bench/results. Other forms: bench/run --compare A.json B.json; "
        "bench/run --instructions [--accept]."))
    parser.add_argument("questions", nargs="*", metavar="QUESTION",
                        help=f"of {', '.join(QUESTIONS)}; default: all")
    parser.add_argument("--quick", action="store_true",
                        help="about 5 minutes: fewer rows, shorter, 3 times")
    parser.add_argument("--repetitions", type=positive, metavar="N",
                        help="default: 5, with --quick 3")
    parser.add_argument("--window-ms", type=positive, metavar="MS",
                        help="how long one cell is measured; default: 300, "
                        "with --quick 100")
    parser.add_argument("--filter", metavar="REGEX",
                        help="only rows whose names match; -REGEX: only the "
                        "others")
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
            parser.error(f"no question {question}; there are "
                         + ", ".join(QUESTIONS))
    wanted.questions = wanted.questions or list(QUESTIONS)
    wanted.repetitions = wanted.repetitions or (3 if wanted.quick else 5)
    wanted.window_ms = wanted.window_ms or (100 if wanted.quick else 300)
    return wanted
