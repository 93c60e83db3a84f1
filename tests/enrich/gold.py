"""What the tests on gold share: lines come in, a table of what was right goes out."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["print_scores", "read_cases"]


def read_cases(name: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of a file of `tests/gold`."""
    path = Path(__file__).parents[1] / "gold" / name
    yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def print_scores(right: Counter[str], total: Counter[str]) -> None:
    """Print how many of how many are right, by class and in all."""
    for name in (*total, "all"):
        n, of = (right.total(), total.total()) if name == "all" else (right[name], total[name])
        print(f"{name:<22} {n:>3} of {of:>3}  {n / of:.1%}")
