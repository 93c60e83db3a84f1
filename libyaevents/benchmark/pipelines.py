"""What people run today, in a process of its own: two `transformers` token-classification pipelines.

    python -m libyaevents.benchmark.pipelines ENTITIES TRIGGERS TEXTS.json [THREADS]

ENTITIES and TRIGGERS are folders of classifiers, TEXTS.json is a list of texts. With THREADS it serves
commands (see `workers.serve`); else it reads the texts once, at batch size 1, and prints the spans.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import pipeline

from libyaevents.benchmark.workers import serve, timed

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Load both pipelines, then serve or read once."""
    entities, triggers, file, *threads = arguments
    if threads:
        torch.set_num_threads(int(threads[0]))
    texts = json.loads(Path(file).read_text(encoding="utf-8"))
    finders: list[Any] = [
        pipeline("token-classification", model=folder, aggregation_strategy="first", device="cpu")
        for folder in (entities, triggers)
    ]

    def read(batch_size: int) -> list[Any]:
        return [finder(texts, batch_size=batch_size) for finder in finders]

    if not threads:
        print(json.dumps(read(1), ensure_ascii=False, default=float))
        return
    n_subwords = sum(len(finders[0].tokenizer(text)["input_ids"]) for text in texts)
    serve(
        {
            "batch_1": lambda: timed(lambda: read(1)),
            "batch_16": lambda: timed(lambda: read(16)),
            "count": lambda: {"n_subwords": n_subwords},
        }
    )


if __name__ == "__main__":
    main(sys.argv[1:])
