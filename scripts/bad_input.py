"""Read the worst input there is at full size, half and a quarter of it, and say what it took.

    python scripts/bad_input.py [--size 1.0] [--only NAME …] [--threads N] [--json FILE]

Each input at each size is read by a process of its own, with all enrichers. A line tells its processor time
(which other load of the machine disturbs least) at full size; its peak memory at each of the sizes, to be
held against that of a process that reads one word; and the time of a quarter and of a half as shares of the
whole: 0.25 and 0.5 where time is linear. Where documents are many, none of the results is kept, and memory
stays; the result of one large document is large. Unix alone tells the peak.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle, islice
from pathlib import Path

from libyaevents import Extractor
from libyaevents.datasets import load_corpus

SIZES = (0.25, 0.5, 1.0)
MIB = 2**20
BYTES_A_KIB = 1024 if sys.platform.startswith("linux") else 1  # the unit of a peak


def news() -> str:
    """The texts of the open corpus."""
    return "\n".join(document.text for document in load_corpus("open"))


def repeat(text: str, n_bytes: int) -> str:
    """So many bytes of a text, over and over."""
    times = n_bytes // len(text.encode()) + 1
    return (text * times).encode()[:n_bytes].decode(errors="ignore")


def words(n: int) -> Iterable[str]:
    """So many words of the corpus, one by one."""
    return islice(cycle(news().split()), n)


INPUTS: dict[str, Callable[[float], Iterable[str]]] = {
    "a word alone": lambda size: ["سرت"],
    "a text of 5 MB": lambda size: [repeat(news(), int(5e6 * size))],
    "a sentence of 5 MB": lambda size: [repeat(re.sub(r"[.؟?!…\s]+", " ", news()), int(5e6 * size))],
    "1,000,000 documents of a word": lambda size: words(int(1e6 * size)),
    "1,000,000 documents, 9 of 10 empty": lambda size: (
        "" if n % 10 else word for n, word in enumerate(words(int(1e6 * size)))
    ),
    "10,000 newlines": lambda size: ["سرت" + "\n" * int(1e4 * size) + "طرابلس"],
    "a word of 1 MB": lambda size: ["ب" * int(5e5 * size)],
    "a million dots": lambda size: ["." * int(1e6 * size)],
    "a million lone tatweels": lambda size: ["ـ " * int(1e6 * size)],
}


def measure(name: str, size: float, n_threads: int) -> dict[str, float]:
    """Read one input in this process."""
    extractor = Extractor.from_pretrained(n_threads=n_threads)
    extractor.extract("سرت")
    started, n_documents = time.process_time(), 0
    for _ in extractor.extract_many(INPUTS[name](size)):
        n_documents += 1
    return {
        "documents": n_documents,
        "seconds": round(time.process_time() - started, 2),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES_A_KIB / MIB, 1),
    }


def in_a_process(name: str, size: float, n_threads: int) -> dict[str, float]:
    """Read one input in a process that has read nothing else."""
    command = [sys.executable, __file__, "--only", name, "--size", str(size), "--threads", str(n_threads)]
    done = subprocess.run([*command, "--here"], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", type=float, default=1.0, help="Share of the full size that is the most.")
    parser.add_argument("--only", nargs="+", choices=list(INPUTS), default=list(INPUTS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.here:
        print(json.dumps(measure(options.only[0], options.size, options.threads)))
        return 0
    rows: dict[str, list[dict[str, float]]] = {}
    for name in options.only:
        rows[name] = [in_a_process(name, share * options.size, options.threads) for share in SIZES]
        seconds = [row["seconds"] for row in rows[name]]
        shares = " ".join(f"{each / seconds[-1]:5.2f}" if seconds[-1] else "    -" for each in seconds[:-1])
        peaks = " ".join(f"{row['peak_mib']:7.1f}" for row in rows[name])
        print(f"{name:36} {seconds[-1]:9.2f} s  {peaks} MiB  {shares}", flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
