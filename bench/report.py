"""`make bench-plots`: pictures, and the tables of docs/benchmarks.md, from the results in docs/benchmarks/results."""

import json
import re

from bench.plots import DOCS, NAMES, chart
from bench.workloads import COMPARED

PAGE = DOCS.parent / "benchmarks.md"


def results():
    found = [json.loads(path.read_text()) for path in sorted((DOCS / "results").glob("*.json"))]
    order = list(COMPARED)
    compared = sorted((each for each in found if "by" in each), key=lambda each: order.index(each["workload"]))
    return compared, [each for each in found if "by" not in each]


def table(compared):
    """Median seconds, and beneath them how many times the first Tidemill's of the same round."""
    who = list(dict.fromkeys(name for each in compared for name in each["by"]))
    lines = ["| workload | " + " | ".join(NAMES.get(name, name) for name in who) + " |", "|---|" + "---:|" * len(who)]
    for each in compared:
        cells = [cell(each["by"].get(name)) for name in who]
        picture = f"[{each['workload']}](benchmarks/{each['workload'].lower()}.svg)"
        lines.append(f"| {picture} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cell(told):
    if told is None:
        return ""
    if "seconds" not in told:
        return "did not finish"
    seconds = told["seconds"]["median"]
    return f"{seconds:.2f} s<br>× {told['ratio']:g}" if seconds < 10 else f"{seconds:.0f} s<br>× {told['ratio']:g}"


def sessions(compared):
    """The machine and the moment, from the first result."""
    if not compared:
        return ""
    session, versions = compared[0]["session"], compared[0]["session"]["versions"]
    return (
        f"{session['cpu']}, {session['cores']} cores, {session['memory_gib']} GiB, Linux {session['kernel']}, "
        f"{session['fdatasync_per_second']:,} fdatasync/s; load average at the start {session['load_average'][0]:.1f}"
        f"; {session['time']}; Tidemill {versions['commit']}, Python {versions['python']}, SQLite {versions['sqlite']}."
    )


def own(others):
    lines = ["| workload | database | found |", "|---|---|---|"]
    for each in others:
        found = "; ".join(f"{name} {words(value)}" for name, value in each["found"].items())
        lines.append(f"| {each['workload'].rpartition('-')[0]} | {each['database']} | {found} |")
    return "\n".join(lines)


def words(value):
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {words(each)}" for name, each in value.items()) + ")"
    if isinstance(value, list):
        return ", ".join(words(each) for each in value)
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def main():
    compared, others = results()
    for each in compared:
        (DOCS / f"{each['workload'].lower()}.svg").write_text(chart(each))
    page = PAGE.read_text()
    for name, text in (("table", table(compared)), ("session", sessions(compared)), ("own", own(others))):
        page = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda it, t=text: f"{it[1]}{t}\n{it[2]}", page, flags=re.S
        )
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
