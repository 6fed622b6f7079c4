"""The parts that the pages of figures share: the machine, tables, and what was missed
with its cause (benchmarks/causes.json, kept by hand)."""
import fnmatch
import json
import os

from . import host, rows

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def table(result):
    lines = ["| " + " | ".join(rows.HEADINGS) + " |", "| --- | --: | --: | --: | --- | --- |"]
    lines += ["| " + " | ".join(rows.cells(row)) + " |" for row in result]
    return "\n".join(lines) + "\n"


def missed(result):
    with open(os.path.join(HERE, "causes.json"), encoding="utf-8") as file:
        causes = json.load(file)
    text, told = "", {}
    for row in result:
        if row.met is not False:
            continue
        known = [cause["text"] for cause in causes
                 if fnmatch.fnmatchcase(row.name, cause["rows"])]
        ratio = f" ({row.ratio:.2f}x)" if row.ratio else ""
        if row.bounds:
            low, high = map(rows.times, row.bounds)
            ratio = f" ({rows.times(row.ratio)}x, {low} to {high})"
        cause = known[0] if known else "Cause not found yet."
        first = told.setdefault(cause, row.name) if known else row.name
        text += f"* **{row.name}**: {rows.number(row.value)} {row.unit}{ratio}, goal " \
            f"{row.goal}. {cause if first == row.name else f'As {first}.'}\n"
    return text or "None.\n"


def text_of(title, intro, method, chapters):
    """chapters are pairs of heading and text."""
    machine = "".join(f"| {label} | {text} |\n" for label, text in host.describe())
    return f"# Benchmarks: {title}\n\n{intro}\n## Machine\n\n| | |\n| --- | --- |\n" \
        f"{machine}\n## Method\n\n{method}" + \
        "".join(f"\n## {heading}\n\n{text}" for heading, text in chapters)


def write(args, name, docs_name, text):
    """Beside the figures, and with --docs into docs/."""
    paths = [os.path.join(args.out, name)]
    if args.docs:
        paths.append(os.path.join(HERE, os.pardir, "docs", docs_name))
    for path in paths:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
