"""A row compares one figure with a goal, or with a peer's figure, or just states it."""
import dataclasses
import json


@dataclasses.dataclass
class Row:
    name: str
    value: float
    unit: str
    peer: str = None
    peer_value: float = None
    goal: str = None
    met: bool = None
    paired: float = None  # a better ratio than that of the two medians
    bounds: tuple = None  # of the ratio, at a confidence that the page tells

    @property
    def ratio(self):
        if self.paired is not None:
            return self.paired
        if self.value is None or not self.peer_value:
            return None
        return self.value / self.peer_value

    @property
    def missing(self):
        return self.value is None or (self.peer is not None and self.peer_value is None)

    def as_json(self):
        return {"name": self.name, "value": shorten(self.value), "unit": self.unit,
                "peer": self.peer, "peer_value": shorten(self.peer_value),
                "ratio": shorten(self.ratio), "goal": self.goal, "met": self.met,
                **({"bounds": list(map(shorten, self.bounds))} if self.bounds else {})}


def shorten(number):
    return None if number is None else float(f"{number:.5g}")


def against(name, value, unit, peer, peer_value, sense, factor, paired=None):
    """The figure must be <= or >= factor times the peer's."""
    row = Row(name, value, unit, peer, peer_value, f"{sense} {factor:g}x", paired=paired)
    ratio = row.ratio
    row.met = False if ratio is None else \
        ratio <= factor if sense == "<=" else ratio >= factor
    return row


def bounded(name, value, unit, peer, peer_value, ratios, limit=None):
    """The upper bound of the ratio (paired.Ratios) must be <= a number, if there is one."""
    row = Row(name, value, unit, peer, peer_value, paired=ratios.median, bounds=ratios.bounds)
    if limit is not None:
        row.goal = f"<= {limit:g}x, upper bound"
        row.met = bool(row.bounds) and row.bounds[1] <= limit
    return row


def at_limit(name, value, unit, sense, limit):
    """The figure must be <= or >= a fixed number."""
    row = Row(name, value, unit, goal=f"{sense} {limit:g} {unit}")
    row.met = False if value is None else \
        value <= limit if sense == "<=" else value >= limit
    return row


def stated(name, value, unit, peer=None, peer_value=None, paired=None):
    """No goal: the figure is wanted, with or without a peer's beside it."""
    return Row(name, value, unit, peer, peer_value, paired=paired)


def write(rows, path):
    with open(path, "w", encoding="utf-8") as file:
        json.dump([row.as_json() for row in rows], file, indent=1)
        file.write("\n")


def number(value):
    if value is None:
        return "missing"
    if abs(value) >= 10000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def times(ratio):
    return number(ratio) if ratio >= 100 else f"{ratio:.2f}" if ratio >= 0.1 else \
        f"{ratio:.2g}"


def interval(ratio, bounds):
    return f"{times(ratio)} ({times(bounds[0])} to {times(bounds[1])})"


def cells(row):
    """The columns of a table, as text."""
    peer = "" if row.peer is None else f"{row.peer} {number(row.peer_value)}"
    ratio = "" if row.ratio is None else interval(row.ratio, row.bounds) if row.bounds else \
        f"{row.ratio:.2f}"
    met = "MISSING" if row.missing else "" if row.met is None else \
        "yes" if row.met else "NO"
    return [row.name, f"{number(row.value)} {row.unit}", peer, ratio, row.goal or "", met]


HEADINGS = ["what", "figure", "beside", "ratio", "goal", "met"]


def table(rows):
    lines = [HEADINGS] + [cells(row) for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths))
                     .rstrip() for line in lines)
