"""One picture a workload, as SVG. docs/decisions/0015 says why no library draws it."""

import math
from html import escape
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs" / "benchmarks"
OURS, FLOOR, THEIRS = "#0b7285", "#868e96", "#e8590c"
LEFT, WIDTH, ROW, TOP, RIGHT = 190, 560, 34, 56, 150  # pixels; WIDTH is the scale's
NAMES = {"dbos": "DBOS", "luigi": "Luigi", "prefect": "Prefect", "dagster": "Dagster", "airflow": "Airflow"}


def chart(result):
    """Median seconds of everybody, the fastest on top, on a logarithmic scale; a thin line spans least and most."""
    done = sorted((each for each in result["by"].items() if "seconds" in each[1]), key=lambda it: _seconds(it[1]))
    failed = [each for each in result["by"].items() if "seconds" not in each[1]]
    low = math.floor(math.log10(min(each["seconds"]["min"] for _, each in done)))
    high = math.ceil(math.log10(max(each["seconds"]["max"] for _, each in done)))

    def x(seconds):
        return round(LEFT + (math.log10(seconds) - low) / (high - low) * WIDTH, 1)

    bottom = TOP + ROW * (len(done) + len(failed))
    parts = [_text(16, 26, f"{result['workload']}: {result['what']}", size=17, weight="bold")]
    for power in range(low, high + 1):
        at = x(10**power)
        parts += [
            _line(at, TOP - 8, at, bottom, "#dee2e6"),
            _text(at, bottom + 18, f"{10**power:g} s", anchor="middle"),
        ]
    for number, (name, each) in enumerate(done):
        middle, seconds = TOP + ROW * number + ROW // 2, each["seconds"]
        end, color = x(_seconds(each)), _color(name)
        parts += [
            f'<rect x="{LEFT}" y="{middle - 10}" width="{end - LEFT:.1f}" height="20" fill="{color}"/>',
            _line(x(seconds["min"]), middle, x(seconds["max"]), middle, "#212529"),
            _text(LEFT - 8, middle + 5, label(name, result), anchor="end"),
            _text(x(seconds["max"]) + 8, middle + 5, f"{_short(_seconds(each))} s  × {each['ratio']:g}"),
        ]
    for number, (name, _) in enumerate(failed, len(done)):
        middle = TOP + ROW * number + ROW // 2 + 5
        parts += [_text(LEFT - 8, middle, label(name, result), anchor="end"), _text(LEFT + 8, middle, "did not finish")]
    width, height = LEFT + WIDTH + RIGHT, bottom + 32
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="system-ui, sans-serif" font-size="14" fill="#212529">\n'
        f'<rect width="{width}" height="{height}" fill="white"/>\n{body}\n</svg>\n'
    )


def label(name, result):
    about = result["session"]["peers"].get(name)
    return name if about is None else f"{NAMES[name]} {next(iter(about.values()))}"


def _seconds(each):
    return each["seconds"]["median"]


def _short(seconds):
    return f"{seconds:.2f}" if seconds < 10 else f"{seconds:.0f}"


def _color(name):
    return OURS if name.startswith("Tidemill") else FLOOR if name == "floor" else THEIRS


def _line(x1, y1, x2, y2, color):
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{color}"/>'


def _text(x, y, words, size=14, weight="normal", anchor="start"):
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}">{escape(words)}</text>'
    )
