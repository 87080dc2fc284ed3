"""What is different between a registry asked directly and the same registry through a data plane."""

from suite import FAILED, PASSED


class Difference:
    """`bad` ones make the run fail; what went wrong directly and works through is only told."""

    def __init__(self, bad, test, what):
        self.bad, self.test, self.what = bad, test, what

    def __str__(self):
        return f"{self.test}: {self.what}"

    def __eq__(self, other):
        return (self.bad, self.test, self.what) == (other.bad, other.test, other.what)

    __repr__ = __str__


def differences(direct, through):
    """Of two Results, test by test."""
    found = []
    for test in sorted(direct.tests.keys() | through.tests.keys()):
        before, after = direct.tests.get(test), through.tests.get(test)
        if before is None:
            found.append(Difference(True, test, "ran through only"))
        elif after is None:
            found.append(Difference(True, test, "ran directly only"))
        elif before != after:
            found.append(_of_one(test, before, after, through.reasons.get(test, "")))
    # What fails is the cause of what is missing.
    return sorted(found, key=lambda each: (not each.what.startswith("fails"), each.test))


def _of_one(test, before, after, reason):
    if after[FAILED] > before[FAILED]:
        text = f"fails through: {reason}" if reason else "fails through"
        return Difference(True, test, text)
    if after.total() != before.total():
        text = f"ran {before.total()} times directly, {after.total()} through"
        return Difference(True, test, text)
    if after[PASSED] < before[PASSED]:
        return Difference(True, test, "passes directly, is skipped through")
    return Difference(False, test, "does not pass directly, passes through")
