# SPDX-License-Identifier: MIT
"""From single measurements to medians: what was undisturbed counts."""
import json
import re
import statistics

# The share of all processors that others may use in an undisturbed cell.
DISTURBED_FROM = 0.06
# What Google Benchmark adds to the names that were registered.
SUFFIX = re.compile(r"/iterations:1/manual_time$")
NOT_A_FIGURE = {"family_index", "per_family_instance_index", "repetitions",
                "repetition_index", "threads", "iterations", "cpu_time",
                "real_time", "repetition"}


class Results:
    """All cells of one run: name -> the measurements, one per repetition."""

    def __init__(self, context, benchmarks):
        # The medians of a result that was loaded are reckoned anew.
        self.context, self.benchmarks = context, [
            entry for entry in benchmarks
            if entry.get("run_type", "iteration") == "iteration"]
        self.cells, self.asked = {}, set()
        for entry in self.benchmarks:
            self.cells.setdefault(entry["name"], []).append(entry)

    @staticmethod
    def load(path):
        try:
            with open(path, encoding="utf-8") as file:
                whole = json.load(file)
            return Results(whole["context"], whole["benchmarks"])
        except OSError as failure:
            raise ValueError(f"{path}: {failure.strerror}") from failure
        except (ValueError, KeyError, TypeError) as failure:
            raise ValueError(f"{path} is not a result of bench/run: "
                             f"{failure!r}") from failure

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"context": self.context,
                       "benchmarks": self.benchmarks + self.medians()},
                      file, indent=1)
            file.write("\n")

    def undisturbed(self, name):
        entries = self.cells.get(name, [])
        return [entry for entry in entries
                if entry.get("others", 0) <= DISTURBED_FROM]

    def usable(self, name):
        """Undisturbed ones; if there are not two of them, all."""
        calm = self.undisturbed(name)
        return calm if len(calm) >= 2 else self.cells.get(name, [])

    def is_disturbed(self, name):
        return len(self.undisturbed(name)) < min(2, len(self.cells[name]))

    def values(self, name, figure="ns"):
        return [entry[figure] for entry in self.usable(name)
                if isinstance(entry.get(figure), (int, float))]

    def median(self, name, figure="ns"):
        self.asked.add(name)  # so that who asks can tell what he judged by
        values = self.values(name, figure)
        return statistics.median(values) if values else None

    def spread(self, name, figure="ns"):
        """Half of the width from lowest to highest, by the median."""
        values = self.values(name, figure)
        middle = statistics.median(values) if values else 0
        return (max(values) - min(values)) / 2 / middle if middle else 0.0

    def way(self):
        """How the server was asked: what is told of it is of this way."""
        return "unix" if self.names("server/unix/") else "tcp"

    def names(self, start=""):
        return [name for name in self.cells if name.startswith(start)]

    def figures(self, name):
        return [figure for figure, value in self.cells[name][0].items()
                if isinstance(value, (int, float))
                and figure not in NOT_A_FIGURE]

    def medians(self):
        """As Google Benchmark writes its aggregates."""
        rows = []
        for name in self.cells:
            ns = self.median(name)
            row = {"name": name + "_median", "run_name": name,
                   "run_type": "aggregate", "aggregate_name": "median",
                   "aggregate_unit": "time", "iterations":
                   len(self.usable(name)), "real_time": ns, "cpu_time": ns,
                   "time_unit": "ns", "spread": self.spread(name),
                   "disturbed": self.is_disturbed(name)}
            for figure in self.figures(name):
                row[figure] = self.median(name, figure)
            rows.append(row)
        return rows


def from_google(text, repetition):
    """What one run of one program wrote to its standard output."""
    whole = json.loads(text)
    for entry in whole["benchmarks"]:
        entry["name"] = SUFFIX.sub("", entry["name"])
        entry["run_name"] = entry["name"]
        entry["repetition"] = repetition
    return whole["context"], whole["benchmarks"]


def from_outside(cell, repetition):
    return dict(cell, run_name=cell["name"], run_type="iteration",
                iterations=1, real_time=cell["ns"], cpu_time=cell["ns"],
                time_unit="ns", repetition=repetition)
