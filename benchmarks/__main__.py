"""`python -m benchmarks [SUBJECT ...]`: every benchmark as a table, and as JSON in `var/benchmarks.json`.

Figures are CPU per unit, and ratios to a floor that was measured in the same run; compare ratios, not microseconds.
"""

import argparse
import importlib
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

SUBJECTS = ("sip", "kernels", "tick", "steps", "delay", "worker", "acd")


def machine() -> dict[str, Any]:
    """What this ran on."""
    model = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return {
        "cpu": model[0] if model else platform.processor(), "cores": os.cpu_count(), "kernel": platform.release(),
        "python": platform.python_version(),
    }  # fmt: skip


def main() -> None:
    """Run the subjects and print what they cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"{', '.join(SUBJECTS)} (all of them)")
    parser.add_argument("--json", type=Path, default=Path("var/benchmarks.json"), help="where the figures go")
    options = parser.parse_args()
    unknown = [subject for subject in options.subjects if subject not in SUBJECTS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(SUBJECTS)}")
    console = Console()
    results: dict[str, list[dict[str, Any]]] = {}
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=len(options.subjects or SUBJECTS))
        for subject in options.subjects or SUBJECTS:
            progress.update(task, description=subject)
            results[subject] = importlib.import_module(f"benchmarks.bench_{subject}").run()
            progress.advance(task)
            show(console, subject, results[subject])
    options.json.parent.mkdir(parents=True, exist_ok=True)
    report = {"at": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "machine": machine(), "results": results}
    options.json.write_text(json.dumps(report, indent=1) + "\n")
    console.print(f"{machine()}\nWritten to {options.json}")


def show(console: Console, subject: str, rows: list[dict[str, Any]]) -> None:
    """One table."""
    table = Table("what", "unit", "value", "floor", "ratio", "more", title=subject, title_justify="left")
    for row in rows:
        more = {key: value for key, value in row.items() if key not in ("name", "unit", "value", "floor", "ratio")}
        known = [str(row.get(key, "")) for key in ("name", "unit", "value", "floor", "ratio")]
        table.add_row(*known, ", ".join(f"{key} {value}" for key, value in more.items()))
    console.print(table)


if __name__ == "__main__":
    main()
