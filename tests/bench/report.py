"""The table: medians, ratios to the peers, and the goal of each row."""

_SUBJECTS = ("dataplane", "nginx", "haproxy")

# (what, digits, goal). A goal is a bound on the ratio to nginx ("x nginx") or on the value itself.
_ROWS = [
    ("CPU us per manifest GET, plain upstream", 2, ("nginx", 1.5)),
    ("CPU us per manifest GET, tls upstream", 2, ("nginx", 1.5)),
    ("manifest GETs per second, plain upstream", 0, None),
    ("manifest GETs per second, tls upstream", 0, None),
    ("system calls per manifest GET, 1 connections", 2, None),
    ("system calls per manifest GET, 32 connections", 2, None),
    ("CPU s per GB down, plain upstream", 3, ("nginx", 1.3)),
    ("CPU s per GB up, plain upstream", 3, ("nginx", 1.3)),
    ("CPU s per GB down, tls upstream", 3, ("nginx", 1.3)),
    ("CPU s per GB up, tls upstream", 3, ("nginx", 1.3)),
    ("added latency p50 us", 1, None),
    ("added latency p99 us", 1, None),
    ("KiB per idle connection", 2, None),
    ("MiB more memory in one big pull", 2, ("value", 16)),
    ("MiB more memory in one big push", 2, ("value", 16)),
    ("MiB on disk in one big pull", 2, ("value", 1)),
    ("MiB on disk in one big push", 2, ("value", 1)),
    ("IssueToken per second", 0, None),
    ("CPU us per IssueToken", 1, None),
    ("IssueToken p99 ms", 2, None),
]


def _number(value, digits):
    return "-" if value is None else f"{value:,.{digits}f}"


def _ratio(ours, theirs):
    return "-" if ours is None or not theirs else f"{ours / theirs:.2f}"


def _goal(goal, ours, nginx):
    if goal is None:
        return ""
    kind, bound = goal
    text = f"<= {bound} x nginx" if kind == "nginx" else f"<= {bound}"
    reached = ours if kind == "value" else ours / nginx if ours is not None and nginx else None
    if reached is None:
        return text
    return f"{text}: {'met' if reached <= bound else 'NOT met'}"


def _table(samples):
    """Rows of text, the heads first; rows without any value are left out."""
    rows = [["what", "data plane", "nginx", "HAProxy", "/ nginx", "/ HAProxy", "goal", "spread"]]
    for what, digits, goal in _ROWS:
        ours, nginx, haproxy = (samples.median(what, name) for name in _SUBJECTS)
        if (ours, nginx, haproxy) == (None, None, None):
            continue
        spreads = [samples.spread(what, name) for name in _SUBJECTS]
        spreads = [spread for spread in spreads if spread is not None]
        rows.append([
            what, _number(ours, digits), _number(nginx, digits), _number(haproxy, digits),
            _ratio(ours, nginx), _ratio(ours, haproxy), _goal(goal, ours, nginx),
            f"{max(spreads):.0%}" if spreads else "",
        ])  # fmt: skip
    return rows


def print_table(samples):
    rows = _table(samples)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) if i in (0, 6) else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]  # fmt: skip
        print("  ".join(cells).rstrip())
    rate = samples.median("requests per second offered", "direct")
    if rate:
        direct = [samples.median(f"latency {which} us", "direct") for which in ("p50", "p99")]
        print(f"\nLatency was added to {direct[0]:.1f} us (p50) and {direct[1]:.1f} us (p99) without "
              f"a proxy, at {rate:,.0f} requests a second.")  # fmt: skip


def write_results(path, facts, samples):
    rows = _table(samples)
    lines = [
        "# Results of tests/bench/run",
        "",
        "Written by `tests/bench/run`; medians of interleaved rounds in one run. nginx and HAProxy only",
        "add a static `Authorization` header. The data plane also verifies who may do what, and writes",
        "its access log. `spread` is the largest (max - min) / median among the three.",
        "",
        *(f"- {fact}: {value}" for fact, value in facts),
        "",
        "| " + " | ".join(rows[0]) + " |",
        "|---|" + "---:|" * 5 + "---|---:|",
        *("| " + " | ".join(row) + " |" for row in rows[1:]),
    ]
    rate = samples.median("requests per second offered", "direct")
    if rate:
        p50, p99 = (samples.median(f"latency {which} us", "direct") for which in ("p50", "p99"))
        lines += ["", f"Added latency: open loop at {rate:,.0f} requests a second, half of what the "
                  f"slowest of the three can do; without a proxy p50 is {p50:.1f} us and p99 "
                  f"{p99:.1f} us."]  # fmt: skip
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    print(f"\nwritten: {path}")
