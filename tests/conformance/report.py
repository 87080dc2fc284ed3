"""One row for each pair of result sets, as a table on the terminal and as the committed summary."""

from dataclasses import dataclass, field

_HEAD = ("registry", "what", "form", "tests", "failed directly", "failed through", "new", "better")


@dataclass
class Row:
    registry: str
    what: str  # The suite's version, or probes, or bypass.
    form: str
    tests: int
    failed_directly: int
    failed_through: int
    differences: list = field(default_factory=list)

    @property
    def new(self):
        return [each for each in self.differences if each.bad]

    @property
    def better(self):
        return [each for each in self.differences if not each.bad]

    @property
    def cells(self):
        return (
            self.registry, self.what, self.form, self.tests, self.failed_directly,
            self.failed_through, len(self.new), len(self.better),
        )  # fmt: skip


def table(rows):
    lines = [_HEAD] + [tuple(str(cell) for cell in row.cells) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    text = ""
    for line in lines:
        cells = [
            cell.ljust(width) if column < 3 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths))
        ]
        text += "  ".join(cells).rstrip() + "\n"
    return text


def all_differences(rows):
    return "".join(_told(row, each) for row in rows for each in row.differences)


def some_differences(rows, most=10):
    """The new ones, cut so that the first cause stays in sight."""
    text = ""
    for row in rows:
        text += "".join(_told(row, each) for each in row.new[:most])
        if len(row.new) > most:
            text += f"    ... and {len(row.new) - most} more\n"
    return text


def _told(row, difference):
    kind = "NEW" if difference.bad else "better"
    return f"{kind} {row.registry} {row.what} {row.form}: {difference}\n"


def results_page(rows):
    better = sorted({(row.registry, str(each.test)) for row in rows for each in row.better})
    return _PAGE.format(
        table="\n".join("| " + " | ".join(str(cell) for cell in row.cells) + " |" for row in rows),
        better="\n".join(f"- {registry}: {test}" for registry, test in better),
    )


_PAGE = """# Results of tests/conformance/run

Written by `tests/conformance/run`. `new` counts tests that fail, are skipped or are missing through
the data plane and not directly; one is a failure of the run. What a registry fails directly it lacks
itself: sha512, the referrers API and the order of chunks, for the most part. `probes` are answers
that were compared word by word, `bypass` the requests that the registry saw.

| registry | what | form | tests | failed directly | failed through | new | better |
|---|---|---|---:|---:|---:|---:|---:|
{table}

Better through than directly, because the data plane answers it itself:

{better}
"""
