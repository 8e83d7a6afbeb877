"""Ours beside what it is measured against, in rounds of one run: absolutes drift with the
machine, ratios within a round do not."""
import dataclasses
import statistics
import sys
import time
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of the table: a figure of one entrant over the same of another."""
    name: str
    ours: str     # An entrant.
    against: str  # Another.
    figure: str   # Which of their figures.
    unit: str


@dataclasses.dataclass
class Contest:
    """What does the work, each a function that returns its figures by name."""
    name: str
    entrants: dict[str, Callable[[], dict[str, float]]]
    lines: list[Line]


@dataclasses.dataclass(frozen=True)
class Result:
    """A line after all rounds."""
    line: Line
    ours: list[float]
    theirs: list[float]

    @property
    def ratio(self):
        ratios = [mine / other for mine, other in zip(self.ours, self.theirs)]
        return {"min": min(ratios), "median": statistics.median(ratios), "max": max(ratios)}

    def as_json(self):
        return {"name": self.line.name, "against": self.line.against, "unit": self.line.unit,
                "ratio": {word: round(value, 4) for word, value in self.ratio.items()}}


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def run(contest, rounds):
    """Every entrant once a round, so that all meet the same weather."""
    figures = {entrant: [] for entrant in contest.entrants}
    began, done, in_all = time.monotonic(), 0, rounds * len(contest.entrants)
    for number in range(1, rounds + 1):
        for entrant, work in contest.entrants.items():
            figures[entrant].append(work())
            done += 1
            left = (time.monotonic() - began) / done * (in_all - done)
            say(f"{contest.name}, round {number} of {rounds}: {entrant}: "
                f"{told(figures[entrant][-1])} (about {left:.0f} s left)")
    return [Result(line, *([of[line.figure] for of in figures[entrant]]
                           for entrant in (line.ours, line.against)))
            for line in contest.lines]


def told(figures):
    return ", ".join(f"{name} {number(value)}" for name, value in figures.items())


def number(value):
    """Three digits of it, or all of them if there are more before the point."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


HEADINGS = ("what", "unit", "ours", "against", "theirs", "ratio", "(min - max)")


def table(results):
    rows = [HEADINGS]
    for result in results:
        ratio = result.ratio
        rows.append((result.line.name, result.line.unit, number(statistics.median(result.ours)),
                     result.line.against, number(statistics.median(result.theirs)),
                     f"{ratio['median']:.3g}", f"{ratio['min']:.3g} - {ratio['max']:.3g}"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    for row in rows:
        cells = (cell.rjust(width) if column in (2, 4, 5) else cell.ljust(width)
                 for column, (cell, width) in enumerate(zip(row, widths)))
        yield "  ".join(cells).rstrip()
