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
HOW = ("ns is the time of one pair of borrow and return of all threads "
       "together, the median of the n undisturbed repetitions; +- half the "
       "distance from the lowest to the highest. A star: others used the "
       "machine in nearly all of them. bench/README.md tells how to read the "
       "rest.")
# What "ns" is where it is not the time of a pair of all threads together.
MEANINGS = {
    "limits": "ns is one operation of all threads together; a pair is two.",
    "acquire_crowded": "no_pool with a blocking hold has as many threads as "
                       "there are sessions.",
    "handoff": "ns is the median from the return to the waiter's acquire "
               "being back.",
    "scale": "In rows of waiters ns is until all have had the session, by "
             "their number; of a pool of one session the bytes of a slot are "
             "those of the pool.",
    "keeper": "ns is the whole call or all the connects; of rest the processor "
              "time in a second, of tend the median of a call.",
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
    ("polls_per_loan", "polls", 1, "{:.3f}"),
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
    ("cpu_us_per_session", "cpu us/session", 1, "{:.0f}"),
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
           f"{results.spread(name):.0%}" if len(results.usable(name)) > 1
           else "", str(len(results.usable(name)))]
    for figure, _, scale, form in columns:
        seen = results.median(name, figure)
        row.append("" if seen is None else form.format(seen * scale))
    return row


def head_of(columns):
    return ["cell", "ns", "+-", "n"] + [title for _, title, _, _ in columns]


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |",
             "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def question_table(results, question):
    names = results.names(question + "/")
    columns = columns_of(results, names)
    return table(head_of(columns), [cells_of(results, name, columns)
                                    for name in names])


POLICIES = ("dewpond_never", "dewpond_rollback", "dewpond_auto",
            "dewpond_always", "mutex_lifo", "mutex_lifo_reset",
            "mutex_lifo_reset_proof")


def policies(results):
    """What each reset policy costs, and the same done the plain way: the head
    of the table and its rows."""
    def figure(name, key, scale, form):
        seen = results.median(f"server/{results.way()}/{name}", key)
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
    return ["policy", "borrow p50 us", "return p50 us",
            "one CPU: borrow", "one CPU: return", "queries/s 2/2",
            "cpu us", "queries/s 8/8", "cpu us"], rows


def questions_of(results):
    there = {question_of(name) for name in results.cells}
    return [question for question in TITLES if question in there]


def machine_lines(context):
    keys = ("date", "commit", "cpu", "num_cpus", "kernel", "glibc",
            "compiler", "build_type", "client", "server", "repetitions",
            "window_ms")
    lines = [f"- {key.replace('_', ' ')}: {context[key]}" for key in keys
             if key in context]
    rivals = [f"{key[len('rival_'):]} {value}"
              for key, value in sorted(context.items())
              if key.startswith("rival_")]
    return lines + ["- rivals: " + "; ".join(rivals)]


def caveats(context):
    """What a reader must know before he believes a figure."""
    lines = []
    missing = [key[len("rival_"):] for key, value in sorted(context.items())
               if key.startswith("rival_") and value == "missing"]
    if missing:
        lines.append("MISSING, so without rows: " + ", ".join(missing))
    if context.get("quick"):
        lines.append("a quick run: rows that no target or plot needs are left "
                     "out")
    if context.get("filter"):
        lines.append(f"only rows that match {context['filter']}")
    if context.get("repetitions", 5) < 5:
        lines.append(f"{context['repetitions']} repetitions: a median wants 5")
    if "disturbed_cells" in context:
        lines.append(f"{context['disturbed_cells']} cells were disturbed by "
                     "others on this machine (marked with a star): measure "
                     "again when it is quiet")
    return lines + list(context.get("notes", []))


def markdown(results, verdicts):
    lines = ["# dewpond's benchmarks", "", *machine_lines(results.context)]
    lines += [f"- **{line}**" for line in caveats(results.context)]
    lines += ["", HOW, "", "## Targets", ""]
    lines += table(["what", "must be", "seen", ""],
                   [list(row) for row in verdicts])
    for question in questions_of(results):
        lines += ["", f"## {question}: {TITLES[question]}", ""]
        lines += [MEANINGS[question], ""] if question in MEANINGS else []
        lines += question_table(results, question)
        if question == "server":
            lines += ["", "### What each reset policy costs", ""]
            lines += table(*policies(results))
    return "\n".join(lines) + "\n"
