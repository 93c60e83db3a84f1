"""Run a command and print its wall time and peak memory as JSON: `python -m libyaevents.benchmark.launch …`.

A process of its own and a small one: until its `exec`, a child counts its parent's memory as its own.
"""

import json
import os
import subprocess
import sys
import time

__all__ = ["main"]

_TO_BYTES = 1 if sys.platform == "darwin" else 1024  # of `ru_maxrss`


def main(command: list[str]) -> int:
    """Run, print, and return the command's exit code."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    peak = None
    if hasattr(os, "wait4"):
        _, status, usage = os.wait4(process.pid, 0)
        code, peak = os.waitstatus_to_exitcode(status), usage.ru_maxrss * _TO_BYTES
        process.returncode = code
    else:
        code = process.wait()
    print(json.dumps({"seconds": time.perf_counter() - start, "peak_bytes": peak}))
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
