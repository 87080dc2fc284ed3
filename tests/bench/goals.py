"""What a benchmark measured, each with its goal: printed as it comes, and as a table at the end."""


class Goals:
    def __init__(self, digits=1):
        self._digits = digits
        self._rows = []

    def add(self, what, measured, goal, unit):
        """`goal`: the most that is good; None where there is none."""
        self._rows.append((what, measured, goal, unit))
        print(f"    {what}: {self._text(measured)} {unit}", flush=True)

    def report(self):
        """Prints the table. The exit code: 1 when a goal was missed."""
        missed = 0
        print("\n| what | goal | measured |\n|---|---:|---:|")
        for what, measured, goal, unit in self._rows:
            late = goal is not None and measured > goal
            missed += late
            aim = "-" if goal is None else f"at most {self._text(goal)} {unit}".rstrip()
            print(f"| {what} | {aim} | {self._text(measured)} {unit}{' (missed)' if late else ''} |")
        return 1 if missed else 0

    def _text(self, value):
        return f"{value:.{self._digits}f}" if isinstance(value, float) else str(value)
