"""The comparison goes red on everything that a data plane could have broken."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from compare import Difference, differences  # noqa: E402
from suite import FAILED, PASSED, SKIPPED, Results  # noqa: E402


def results(**tests):
    made = Results()
    for name, statuses in tests.items():
        for status in statuses:
            made.add(name, status, "because")
    return made


CASES = {
    "equal results": ([FAILED, PASSED], [PASSED, FAILED], None),
    "a new failure": ([PASSED], [FAILED], (True, "fails through: because")),
    "one failure more": ([FAILED, PASSED], [FAILED, FAILED], (True, "fails through: because")),
    "a pass that is now a skip": ([PASSED], [SKIPPED], (True, "passes directly, is skipped through")),
    "a run that is missing": (
        [PASSED, PASSED], [PASSED], (True, "ran 2 times directly, 1 through")),
    "a run too many": ([PASSED], [PASSED, PASSED], (True, "ran 1 times directly, 2 through")),
    "a failure that is gone": ([FAILED], [PASSED], (False, "does not pass directly, passes through")),
}  # fmt: skip


@pytest.mark.parametrize("case", list(CASES))
def test_a_comparison_sees(case):
    direct, through, expected = CASES[case]

    found = differences(results(test=direct), results(test=through))

    assert found == ([] if expected is None else [Difference(expected[0], "test", expected[1])])


def test_a_comparison_sees_a_test_that_ran_on_one_side_only():
    found = differences(results(one=[PASSED]), results(other=[PASSED]))

    assert found == [
        Difference(True, "one", "ran directly only"),
        Difference(True, "other", "ran through only"),
    ]
