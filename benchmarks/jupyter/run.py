"""Measure the panel in a real notebook: JupyterLab or Notebook 7, headless Chromium.

``python benchmarks/jupyter/run.py`` prints one table with the goal beside each figure;
``--app notebook`` measures Notebook 7, ``--quick`` takes fewer samples, and
``--only clicks,burst`` some measures. Times on shared machines drift: the goals are for
two cores that do nothing else.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench import Bench
from measures import MEASURES
from table import Table, at_most


def main() -> None:
    """Read the arguments and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--app", choices=("lab", "notebook"), default="lab")
    parser.add_argument("--quick", action="store_true", help="fewer samples")
    parser.add_argument("--only", default="", help=f"some of {', '.join(MEASURES)}")
    arguments = parser.parse_args()
    wanted = [part for part in arguments.only.split(",") if part] or list(MEASURES)
    with Bench(arguments.app) as bench:
        table = Table(f"Notebook: {arguments.app}, headless Chromium")
        for name in wanted:
            table.add(MEASURES[name](bench, is_quick=arguments.quick))
        table.add([at_most("external requests", len(bench.external), 1, "")])
        table.add([at_most("errors in the page", len(bench.problems), 1, "")])
    for problem in bench.problems:
        print(f"- {problem[:300]}")


if __name__ == "__main__":
    main()
