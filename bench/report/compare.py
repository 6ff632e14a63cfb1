# SPDX-License-Identifier: MIT
"""Two results of one machine: what got slower, or faster, beyond the noise."""
import math

from report.results import Results

# What is compared: figure, title, scale, and below what no change is told: a
# share of the earlier figure, and an amount (times are kept in sixteenths).
FIGURES = (("ns", "ns", 1, 0.05, 0), ("acquire_p99", "us p99", 1e-3, 0.15, 1e3),
           ("slot_bytes", "B of a slot", 1, 0.01, 1),
           ("session_bytes", "B of a session", 1, 0.01, 1),
           ("waiter_bytes", "B of a waiter", 1, 0.01, 1))
# Of n values with a normal spread: the width from lowest to highest, and the
# standard error of the median, both in standard deviations. From eight on the
# last entry stands for all.
WIDTH = {3: 1.69, 4: 2.06, 5: 2.33, 6: 2.53, 7: 2.70, 8: 2.85}
ERROR = {3: 0.67, 4: 0.55, 5: 0.54, 6: 0.46, 7: 0.46, 8: 0.41}
FEWEST, MOST = 3, 8
# A change of so many standard errors is no chance.
SURE = 3
# What should be the same on both sides, or times cannot be compared.
SAME = ("cpu", "num_cpus", "kernel", "glibc", "compiler", "build_type",
        "client", "server", "window_ms")


def error_of(values):
    """The standard error of their median, by their width."""
    n = min(len(values), MOST)
    return (max(values) - min(values)) / WIDTH[n] * ERROR[n]


def is_apart(a, b):
    """No measurement of the one lies among those of the other."""
    return max(a) < min(b) or max(b) < min(a)


def is_ours(name):
    """Whether the cell tells of dewpond. All others are the control: their
    code is the same, so what changes there is the machine."""
    parts = name.split("/")
    return (any(part.startswith("dewpond") for part in parts)
            or parts[0] == "keeper" and not parts[1].startswith("connects"))


def judge(before, after, name, figure, share, amount):
    """The change if it is one, 0 if it is not, None if nobody can say."""
    a, b = before.values(name, figure), after.values(name, figure)
    if not a or not b:
        return 0
    if (min(len(a), len(b)) < FEWEST or before.is_disturbed(name)
            or after.is_disturbed(name)):
        return None
    middle_a, middle_b = (before.median(name, figure),
                          after.median(name, figure))
    noise = SURE * math.hypot(error_of(a), error_of(b))
    least = max(noise, share * abs(middle_a), amount)
    if middle_a and abs(middle_b - middle_a) > least and is_apart(a, b):
        return middle_b / middle_a - 1
    return 0


def differences(before, after):
    """([(change, name, before, after, title)], cells with too few values)."""
    found, unknown = [], set()
    for name in before.cells:
        for figure, title, scale, share, amount in FIGURES:
            change = judge(before, after, name, figure, share, amount)
            if change is None:
                unknown.add(name)
            elif change:
                found.append((change, name,
                              before.median(name, figure) * scale,
                              after.median(name, figure) * scale, title))
    return sorted(found, reverse=True), unknown


def context_line(results):
    c = results.context
    return (f"{c.get('date', '?')}  commit {c.get('commit', '?')}  "
            f"{c.get('cpu', '?')}, {c.get('num_cpus', '?')} CPUs, "
            f"kernel {c.get('kernel', '?')}, {c.get('repetitions', '?')} x "
            f"{c.get('window_ms', '?')} ms")


def tell_changes(whose, changes):
    slower = [one for one in changes if one[0] > 0]
    faster = [one for one in changes if one[0] < 0][::-1]
    for word, rows in (("slower or more", slower), ("faster or less", faster)):
        print(f"\n{whose}, {word}: {len(rows)}")
        for change, name, a, b, unit in rows:
            print(f"  {change:+7.1%}  {a:12.1f} -> {b:12.1f} {unit}  {name}")


def tell_coverage(before, after, unknown):
    common = set(before.cells) & set(after.cells)
    print(f"\n{len(common)} cells in both; what is not named differs by less "
          "than its own noise")
    for cells, where in ((set(before.cells) - common, "before"),
                         (set(after.cells) - common, "after")):
        if cells:
            print(f"NOT COMPARED, only in {where}: {len(cells)}: "
                  + ", ".join(sorted(cells)[:3])
                  + (", ..." if len(cells) > 3 else ""))
    if unknown:
        print(f"NOT JUDGED: {len(unknown)} cells without {FEWEST} undisturbed "
              "repetitions on both sides")


def compare(path_before, path_after):
    """Prints it; exit status 1 if something of dewpond got slower."""
    before, after = Results.load(path_before), Results.load(path_after)
    print(f"before  {context_line(before)}\nafter   {context_line(after)}")
    for what in SAME:
        a, b = before.context.get(what), after.context.get(what)
        if a != b:
            print(f"WARNING: not the same {what}: {a} and {b}")
    changes, unknown = differences(before, after)
    ours = [one for one in changes if is_ours(one[1])]
    tell_changes("dewpond", ours)
    tell_changes("the rest, where only the machine can have changed",
                 [one for one in changes if not is_ours(one[1])])
    tell_coverage(before, after, unknown)
    return 1 if any(one[0] > 0 for one in ours) else 0
