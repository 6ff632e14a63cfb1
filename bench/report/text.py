# SPDX-License-Identifier: MIT
"""The result as Markdown: the machine, the targets, one table per question."""

TITLES = {
    "limits": "What the machine's primitives cost",
    "acquire_idle": "A borrow and its return, sessions at rest",
    "acquire_crowded": "More threads than sessions",
    "handoff": "From a return to the waiter running",
    "scale": "Many sessions, many threads",
    "keeper": "Rest, open and close",
    "server": "With a real server",
}
# What is told beside the time: figure, title, scale, form.
COLUMNS = (
    ("cpu_ns", "cpu ns", 1, "{:.1f}"),
    ("pairs_per_s", "pairs/s", 1, "{:,.0f}"),
    ("acquire_p50", "acquire p50 us", 1e-3, "{:.2f}"),
    ("acquire_p99", "p99 us", 1e-3, "{:.1f}"),
    ("acquire_p999", "p99.9 us", 1e-3, "{:.1f}"),
    ("acquire_max", "max us", 1e-3, "{:.0f}"),
    ("release_p50", "return p50 us", 1e-3, "{:.2f}"),
    ("whole_p99", "whole p99 us", 1e-3, "{:.1f}"),
    ("fairness", "fairness", 1, "{:.2f}"),
    ("wakes_per_loan", "wakes", 1, "{:.3f}"),
    ("switches_per_pair", "switches", 1, "{:.3f}"),
    ("wake_p99", "wake p99 us", 1e-3, "{:.1f}"),
    ("returner_p50", "returner p50 us", 1e-3, "{:.2f}"),
    ("two_threads_ns", "2 threads ns", 1, "{:.1f}"),
    ("rotate_ns", "rotating ns", 1, "{:.0f}"),
    ("slot_bytes", "slot B", 1, "{:.0f}"),
    ("session_bytes", "session B", 1, "{:.0f}"),
    ("client_bytes", "client library B", 1, "{:.0f}"),
    ("waiter_bytes", "waiter B", 1, "{:.0f}"),
    ("cpu_us_per_s", "cpu us/s", 1, "{:.0f}"),
    ("tend_max", "tend max us", 1e-3, "{:.0f}"),
)


def question_of(name):
    return name.split("/", 1)[0]


def columns_of(results, names):
    known = {figure for name in names for figure in results.figures(name)}
    return [column for column in COLUMNS if column[0] in known]


def cells_of(results, name, columns):
    ns = results.median(name)
    mark = " *" if results.is_disturbed(name) else ""
    row = [f"{name.split('/', 1)[1]}{mark}",
           f"{ns:.1f}" if ns < 1e5 else f"{ns:,.0f}",
           f"{results.spread(name):.0%}"]
    for figure, _, scale, form in columns:
        seen = results.median(name, figure)
        row.append("" if seen is None else form.format(seen * scale))
    return row


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |",
             "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def question_table(results, question):
    names = results.names(question + "/")
    columns = columns_of(results, names)
    head = ["cell", "ns", "+-"] + [title for _, title, _, _ in columns]
    return table(head, [cells_of(results, name, columns) for name in names])


POLICIES = ("dewpond_never", "dewpond_rollback", "dewpond_auto",
            "dewpond_always", "mutex_lifo", "mutex_lifo_reset",
            "mutex_lifo_reset_proof")


def policy_table(results):
    """What each reset policy costs, and the same done the plain way."""
    def figure(name, key, scale, form):
        seen = results.median(f"server/unix/{name}", key)
        return "" if seen is None else form.format(seen * scale)

    rows = []
    for policy in POLICIES:
        gap = f"{policy}/threads:1/sessions:1/gap:100us"
        rows.append(
            [policy] +
            [figure(name, key, 1e-3, "{:.1f}")
             for name in (gap, gap + "/one_cpu")
             for key in ("acquire_p50", "release_p50")] +
            [figure(f"{policy}/threads:{n}/sessions:{n}", key, scale, form)
             for n in (2, 8)
             for key, scale, form in (("pairs_per_s", 1, "{:,.0f}"),
                                      ("cpu_ns", 1e-3, "{:.0f}"))])
    return table(["policy", "borrow p50 us", "return p50 us",
                  "one CPU: borrow", "one CPU: return", "queries/s 2/2",
                  "cpu us", "queries/s 8/8", "cpu us"], rows)


def questions_of(results):
    there = {question_of(name) for name in results.cells}
    return [question for question in TITLES if question in there]


def machine_lines(context):
    keys = ("date", "commit", "cpu", "num_cpus", "kernel", "glibc",
            "compiler", "build_type", "client", "server", "repetitions",
            "window_ms", "disturbed_cells")
    lines = [f"- {key.replace('_', ' ')}: {context[key]}" for key in keys
             if key in context]
    rivals = [f"{key[len('rival_'):]} {value}"
              for key, value in sorted(context.items())
              if key.startswith("rival_")]
    return lines + ["- rivals: " + "; ".join(rivals)]


def markdown(results, verdicts):
    lines = ["# dewpond's benchmarks", "", *machine_lines(results.context), "",
             "`ns` is the time of one pair of borrow and return of all threads "
             "together, the median of the undisturbed repetitions; `+-` half "
             "the distance from the lowest to the highest. A star: others used "
             "the machine in nearly all of them.", "", "## Targets", ""]
    lines += table(["what", "must be", "seen", ""],
                   [list(row) for row in verdicts])
    for question in questions_of(results):
        lines += ["", f"## {question}: {TITLES[question]}", ""]
        lines += question_table(results, question)
        if question == "server":
            lines += ["", "### What each reset policy costs", ""]
            lines += policy_table(results)
    return "\n".join(lines) + "\n"
