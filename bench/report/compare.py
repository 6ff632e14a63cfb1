# SPDX-License-Identifier: MIT
"""Two results of one machine: what got slower, or faster, beyond the noise."""
from report.results import Results

# Below this a difference is not told, however still the machine was.
LEAST = 0.05


def noise(before, after, name):
    """What chance alone may do: the wider spread of the two, at the least."""
    return max(LEAST, before.spread(name), after.spread(name))


def is_apart(before, after, name):
    """No measurement of the one lies among those of the other."""
    a, b = before.values(name), after.values(name)
    return bool(a and b) and (max(a) < min(b) or max(b) < min(a))


def differences(before, after):
    """[(change, name, before, after)] of cells that both have."""
    found = []
    for name in before.cells:
        a, b = before.median(name), after.median(name)
        if not a or not b:
            continue
        change = b / a - 1
        if (abs(change) > noise(before, after, name)
                and is_apart(before, after, name)):
            found.append((change, name, a, b))
    return sorted(found, reverse=True)


def context_line(results):
    c = results.context
    return (f"{c.get('date', '?')}  commit {c.get('commit', '?')}  "
            f"{c.get('cpu', '?')}, {c.get('num_cpus', '?')} CPUs, "
            f"kernel {c.get('kernel', '?')}")


def compare(path_before, path_after):
    """Prints it; exit status 1 if something got slower."""
    before, after = Results.load(path_before), Results.load(path_after)
    print(f"before  {context_line(before)}\nafter   {context_line(after)}")
    for what in ("cpu", "num_cpus", "kernel"):
        if before.context.get(what) != after.context.get(what):
            print(f"WARNING: not the same {what}: this compares machines")
    changes = differences(before, after)
    slower = [one for one in changes if one[0] > 0]
    faster = [one for one in changes if one[0] < 0][::-1]
    for title, rows in (("slower", slower), ("faster", faster)):
        print(f"\n{title}: {len(rows)}")
        for change, name, a, b in rows:
            mark = "  (disturbed)" if (before.is_disturbed(name) or
                                       after.is_disturbed(name)) else ""
            print(f"  {change:+7.1%}  {a:12.1f} -> {b:12.1f} ns  {name}{mark}")
    common = len(set(before.cells) & set(after.cells))
    print(f"\n{common} cells in both; the rest of them differs by less than "
          "its own noise")
    return 1 if slower else 0
