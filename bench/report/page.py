# SPDX-License-Identifier: MIT
"""The result as one HTML page that is read in a minute; no script in it."""
import html

from report import text
from report.svg import bars_plot, lines_plot, range_plot

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #0f172a; margin: 2rem auto;
       max-width: 1340px; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
p.about { color: #475569; margin: .2rem 0 1rem }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(600px, 1fr));
         gap: 1.2rem }
.plots figure { margin: 0; border: 1px solid #e2e8f0; border-radius: 8px;
                padding: 1rem }
svg { width: 100%; height: auto }
table { border-collapse: collapse; font-size: 13px; width: 100% }
th, td { text-align: right; padding: .2rem .6rem; border-bottom: 1px solid #e2e8f0 }
th:first-child, td:first-child { text-align: left }
.met { color: #15803d; font-weight: 600 } .missed { color: #b91c1c; font-weight: 700 }
.absent, .beside { color: #64748b } details { margin: .6rem 0 } summary { cursor: pointer }
.score { font-size: 1.1rem; font-weight: 600 }
"""
THREADS = (1, 2, 4, 8, 16, 64)


def pools_of(results, question, position=1):
    """The pools of a question, ours first, and of these the default one."""
    found = []
    for name in results.names(question + "/"):
        pool = name.split("/")[position]
        if pool not in found:
            found.append(pool)
    return sorted(found, key=lambda pool: (
        not pool.startswith("dewpond"), pool != "dewpond",
        pool != "dewpond_auto", pool))


def idle_plot(results):
    left_out = ("dewpond_so", "dewpond_touched")
    series = []
    for pool in pools_of(results, "acquire_idle"):
        if pool not in left_out:
            cell = "acquire_idle/{}/threads:{}/sessions:64"
            series.append((pool, {n: results.median(cell.format(pool, n),
                                                    "pairs_per_s")
                                  for n in THREADS}))
    return lines_plot("Borrow + return, sessions at rest", THREADS, series,
                      "pairs per second, all threads; higher is better",
                      "threads, on 64 sessions")


def waits_plot(results, threads, hold):
    rows = []
    for pool in pools_of(results, "acquire_crowded"):
        name = f"acquire_crowded/{pool}/threads:{threads}/sessions:4/{hold}"
        if pool != "no_pool" and name in results.cells:
            rows.append((pool, [
                (label, (results.median(name, "acquire_" + figure) or 0) / 1e3)
                for label, figure in (("p50", "p50"), ("p99", "p99"),
                                      ("p99.9", "p999"), ("max", "max"))]))
    return range_plot(f"Wait for a session: {threads} threads on 4, "
                      f"{hold.replace(':', ' ')}", rows, " us",
                      "p50, p99, p99.9, max; left is better")


def crowd_plot(results):
    rows = []
    for pool in pools_of(results, "acquire_crowded"):
        name = f"acquire_crowded/{pool}/threads:16/sessions:4/hold:1us"
        if name in results.cells:
            rows.append((pool, results.median(name) / 1e3))
    return bars_plot("Time by loan, 16 threads on 4 sessions, busy hold of "
                     "1 us", rows, " us", "shorter is better")


def scale_plot(results):
    sizes = sorted({int(name.rsplit(":", 1)[1]) for name in
                    results.names("scale/dewpond/sessions:")})
    series = []
    for title, figure in (("dewpond", "ns"), ("dewpond, 2 threads",
                                              "two_threads_ns"),
                          ("dewpond, all in turn", "rotate_ns")):
        series.append((title, {n: results.median(
            f"scale/dewpond/sessions:{n}", figure) for n in sizes}))
    return lines_plot("Cost of a pair as the pool grows", sizes, series,
                      "ns per pair; lower is better", "sessions")


def queries_plot(results, threads, sessions):
    rows, way = [], results.way()
    for pool in pools_of(results, "server", 2):
        # Without a pool each thread has a session of its own.
        for own in (sessions, threads):
            name = f"server/{way}/{pool}/threads:{threads}/sessions:{own}"
            if name in results.cells:
                rows.append((pool, results.median(name, "pairs_per_s")))
                break
    return bars_plot(f"Queries per second, {threads} threads on {sessions} "
                     f"sessions, {way}", rows, "", "longer is better")


def server_waits_plot(results):
    rows = []
    for pool in pools_of(results, "server", 2):
        name = f"server/{results.way()}/{pool}/threads:32/sessions:4"
        if name in results.cells:
            rows.append((pool, [
                (label, (results.median(name, "acquire_" + figure) or 0) / 1e3)
                for label, figure in (("p50", "p50"), ("p99", "p99"),
                                      ("p99.9", "p999"))]))
    return range_plot("Wait for a session, real server, 32 threads on 4",
                      rows, " us", "p50, p99, p99.9; left is better")


def resets_plot(results):
    rows = []
    for pool in pools_of(results, "server", 2):
        name = (f"server/{results.way()}/{pool}/threads:1/sessions:1"
                "/gap:100us")
        if name in results.cells:
            for title, figure in (("borrow", "acquire_p50"),
                                  ("return", "release_p50")):
                seen = results.median(name, figure)
                rows.append((f"{pool}, {title}",
                             seen / 1e3 if seen else None))
    return bars_plot("What a clean-up costs with 100 us between loans (p50)",
                     rows, " us", "shorter is better")


def plots(results):
    return [idle_plot(results), crowd_plot(results),
            waits_plot(results, 16, "blocks:50us"),
            waits_plot(results, 64, "blocks:50us"),
            queries_plot(results, 2, 2), queries_plot(results, 8, 8),
            queries_plot(results, 32, 4), server_waits_plot(results),
            resets_plot(results), scale_plot(results)]


def table(head, rows, classes=None):
    def cell(content, kind, css=""):
        mark = f' class="{css}"' if css else ""
        return f"<{kind}{mark}>{html.escape(str(content))}</{kind}>"

    lines = ["<table><tr>" + "".join(cell(one, "th") for one in head)
             + "</tr>"]
    for row in rows:
        css = classes(row) if classes else ""
        lines.append("<tr>" + "".join(
            cell(one, "td", css if i == len(row) - 1 else "")
            for i, one in enumerate(row)) + "</tr>")
    return "".join(lines) + "</table>"


def verdict_class(row):
    """Of the page's style, and how the score counts it."""
    return {"met": "met", "NOT MET": "missed", "not measured": "absent"}.get(
        row[-1].removesuffix(" *"), "beside")


def score(verdicts):
    kinds = [verdict_class(row) for row in verdicts]
    met, missed, absent = map(kinds.count, ("met", "missed", "absent"))
    if met + missed == 0:
        return "no target was measured"
    line = f"{met} of {met + missed} targets met"
    return line + (f", {absent} not measured" if absent else "")


def question_details(results, question):
    names = results.names(question + "/")
    columns = text.columns_of(results, names)
    rows = [text.cells_of(results, name, columns) for name in names]
    more = ("<p>What each reset policy costs:</p>"
            + table(*text.policies(results)) if question == "server" else "")
    return (f"<details><summary><b>{question}</b>: "
            f"{html.escape(text.TITLES[question])}</summary>"
            f"<p>{html.escape(text.MEANINGS.get(question, ''))}</p>"
            f"{table(text.head_of(columns), rows)}{more}</details>")


def page(results, verdicts):
    context = results.context
    about = " · ".join(str(context[key]) for key in
                       ("date", "cpu", "kernel", "compiler", "server")
                       if context.get(key))
    warnings = [f'<p class="missed">{html.escape(line)}</p>'
                for line in text.caveats(context)]
    parts = ["<!doctype html><html lang=en><meta charset=utf-8>",
             "<meta name=viewport content='width=device-width'>",
             "<title>dewpond's benchmarks</title>",
             f"<style>{STYLE}</style><h1>dewpond's benchmarks</h1>",
             f'<p class="about">{html.escape(about)} · commit '
             f"{html.escape(str(context.get('commit')))} · medians of "
             f"{context.get('repetitions')} interleaved repetitions</p>",
             f'<p class="score">{score(verdicts)}</p>', *warnings,
             f'<p class="about">{html.escape(text.HOW)}</p>',
             '<div class="plots">']
    parts += [f"<figure>{plot}</figure>" for plot in plots(results) if plot]
    parts += ["</div><h2>Targets</h2>",
              table(["ratio within this run", "must be", "seen", ""],
                    verdicts, verdict_class), "<h2>All figures</h2>"]
    parts += [question_details(results, question)
              for question in text.questions_of(results)]
    parts += ["<h2>Machine</h2><ul>"]
    parts += [f"<li>{html.escape(line[2:])}</li>"
              for line in text.machine_lines(context)]
    return "\n".join(parts) + "</ul></html>\n"
