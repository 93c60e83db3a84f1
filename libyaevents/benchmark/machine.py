"""What was measured on: processor, instruction sets, versions."""

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["describe"]

PACKAGES = (*("libyaevents", "numpy", "onnxruntime", "openvino", "tokenizers", "torch", "transformers"),)
# Those that decide how fast products are, as Linux names them.
INSTRUCTIONS = (
    *("avx2", "fma", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "avx512_fp16"),
    *("amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm", "bf16", "sve", "sve2"),
)
CPU_FACTS = Path("/proc/cpuinfo")


def describe() -> dict[str, Any]:
    """The machine's processor and the versions of what is compared; what a system does not tell is empty."""
    facts = CPU_FACTS.read_text(encoding="utf-8") if CPU_FACTS.is_file() else ""
    model = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", facts, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", facts, re.MULTILINE)
    known = set(flags[1].split()) if flags else set()
    return {
        "cpu": model[1] if model else platform.processor() or platform.machine(),
        "n_cores": os.cpu_count(),
        "instructions": [name for name in INSTRUCTIONS if name in known],
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version()} | _versions(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
