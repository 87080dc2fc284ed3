"""One caller, or thousands without an identity, take nothing from the others (README.md)."""

import os

from hostile import LONG, SHORT, Hostile


def test_honest_callers_are_served_beside_hostile_ones(make_world):
    plan = LONG if os.environ.get("CONNECTOR_HOSTILE_FULL") else SHORT
    hostile = Hostile(make_world(), plan)

    rows = hostile.run()

    print("", *rows, "", *(f"{kind}: {seen}" for kind, seen in hostile.seen.items()), sep="\n")
    assert [str(row) for row in rows if not row.holds] == [], hostile.errors[:10]
    hostile.check_attacks()
