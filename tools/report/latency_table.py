"""Prints the times of a report.json of understudy-stage as a table."""

import json
import sys

COLUMNS = ("count", "mean", "p50", "p90", "p99", "p99_9", "max")
ROWS = {
    "capture": "last packet -> pose",
    "capture_retargeted": "last packet -> palette",
    "span_b": "span B, every frame",
    "span_b_shown": "span B, shown frames",
}


def row(name, times):
    cells = [f"{times.get('count', 0):>9}"]
    cells += [f"{times[key]:>9.0f}" if times.get(key) is not None else f"{'-':>9}" for key in COLUMNS[1:]]
    print(f"{name:<24}" + "".join(cells))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        report = json.load(file)
    print(f"{'microseconds':<24}" + "".join(f"{column:>9}" for column in COLUMNS))
    for key, name in ROWS.items():
        if isinstance(report.get(key), dict):
            row(name, report[key])
    for name, times in (report.get("stages") or {}).items():
        row("  cpu of " + name if name != "render_gpu" else "  render_gpu", times)
    dropped = report.get("frames_dropped") or {}
    reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items() if count)
    print(
        f"frames: {report.get('frames_captured', '-')} captured, {report.get('frames_rendered', '-')} rendered"
        + (f", not shown: {reasons}" if reasons else "")
    )
    machine = report.get("machine") or {}
    print(f"machine: {machine.get('cpu')}, {machine.get('cores')} cores, {machine.get('gpu')}")


if __name__ == "__main__":
    main()
