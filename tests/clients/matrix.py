"""The matrix of clients: what each did in every setting, and the tables that say so.

A cell holds only what a run has put there. What a client has no command for is no cell; the reason
stands below the table.
"""

import os
import re

CELLS = ("push", "pull", "re-push", "mount", "index", "tag pages", "delete")
PAGE = os.path.join(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
    "docs", "clients", "matrix.md",
)  # fmt: skip
BEGIN = "<!-- Written by tests/clients/run --write. -->"
END = "<!-- The end of what it writes. -->"


class Matrix:
    def __init__(self, clients, settings):
        self.clients, self.settings = clients, settings
        self._green = {}  # (client, cell, setting): whether it was.
        self._commands = {client.name: [] for client in clients}

    def record(self, client, cell, setting, green):
        self._green[client.name, cell, setting.name] = green

    def record_command(self, client, command):
        if command not in self._commands[client.name]:
            self._commands[client.name].append(command)

    def has_run(self):
        return bool(self._green)

    def missing(self):
        """What no run has shown to be green."""
        return [
            f"{client.name}: {cell}, {setting.name}"
            for client in self.clients
            for setting in self.settings
            for cell in cells_of(client, setting)
            if not self._green.get((client.name, cell, setting.name), False)
        ]

    def page(self):
        """The lines that belong into the page."""
        lines = ["", *_table(["client", "version", *CELLS, "also"], [
            [client.name, client.version(),
             *("-" if cell in client.cannot else self._word(client, cell) for cell in CELLS),
             ", ".join(cell if self._word(client, cell) == "yes" else f"{cell}: NO"
                       for cell in client.also)]
            for client in self.clients
        ])]  # fmt: skip
        lines += ["", "Where a dash stands:", ""]
        lines += [f"- {cell}: {'; '.join(reasons)}." for cell, reasons in self._reasons().items()]
        lines += ["", *_table(["client", "what was run", "plain HTTP", "TLS with a private CA"], [
            [client.name, ", ".join(f"`{command}`" for command in self._commands[client.name]),
             client.configured_plain, client.configured_tls]
            for client in self.clients
        ]), ""]  # fmt: skip
        return lines

    def terminal(self):
        """Every cell of every setting."""
        rows = [
            [client.name, client.version(), setting.name,
             *(self._colour(client, cell, setting) for cell in CELLS),
             ", ".join(f"{cell}: {self._colour(client, cell, setting)}" for cell in client.also)]
            for client in self.clients
            for setting in self.settings
        ]  # fmt: skip
        head = ["client", "version", "setting", *CELLS, "also"]
        widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
        return [
            "  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip()
            for row in [head, *rows]
        ]

    def _colour(self, client, cell, setting):
        if cell not in cells_of(client, setting):
            return "-"
        green = self._green.get((client.name, cell, setting.name))
        return "not run" if green is None else "green" if green else "RED"

    def _word(self, client, cell):
        seen = {
            self._green.get((client.name, cell, setting.name))
            for setting in self.settings
            if cell in cells_of(client, setting)
        }
        return "yes" if seen == {True} else "NO"

    def _reasons(self):
        reasons = {}
        for cell in CELLS:
            by_reason = {}
            for client in self.clients:
                if cell in client.cannot:
                    by_reason.setdefault(client.cannot[cell], []).append(client.name)
            if by_reason:
                reasons[cell] = [f"{', '.join(who)} ({why})" for why, who in by_reason.items()]
        return reasons


def cells_of(client, setting):
    without = [*client.cannot, *client.not_in.get(setting.name, ())]
    return [cell for cell in (*CELLS, *client.also) if cell not in without]


def in_page():
    """The lines that stand in the page between the two marks."""
    with open(PAGE, encoding="utf-8") as file:
        lines = file.read().split("\n")
    return lines[lines.index(BEGIN) + 1 : lines.index(END)]


def write_page(new):
    with open(PAGE, encoding="utf-8") as file:
        lines = file.read().split("\n")
    lines[lines.index(BEGIN) + 1 : lines.index(END)] = new
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


def without_point_releases(lines):
    """Debian may bring a newer version of a client at any time; that makes no page wrong."""
    return [re.sub(r"Debian 12 \([^)]*\)", "Debian 12", line) for line in lines]


def _table(head, rows):
    return ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
