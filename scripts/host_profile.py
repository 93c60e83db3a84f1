"""Profile reading the open corpus, and print where the time beside the model goes.

    python scripts/host_profile.py [--model NAME] [--engine onnx]

One thread, nothing is enriched. Times are cProfile's, which adds to each call of a Python function and
nothing to the model: shares of stages made of many small calls look larger than they are.
"""

import argparse
from collections.abc import Sequence
from cProfile import Profile
from pathlib import Path
from pstats import Stats

from libyaevents import Extractor, load_corpus

# By stage, the functions (module, name) whose time is all spent in it.
STAGES = {
    "words and sentences": [
        ("words", "split_words"),
        ("words", "split_sentences"),
        ("windows", "sentence_words"),
    ],
    "subwords": [("subwords", "encode_words")],
    "windows and batches": [
        ("windows", "make_windows"),
        ("windows", "collate"),
        ("windows", "batch_by_length"),
    ],
    "model: encoder": [("onnx", "encode"), ("openvino", "encode"), ("torch", "encode")],
    "model: roles": [("onnx", "roles"), ("torch", "roles")],
    "decoding": [("assemble", "decode_mentions"), ("assemble", "decode_roles")],
    "documents": [("assemble", "assemble"), ("calibration", "calibrate")],
}


def main(command_line: Sequence[str] | None = None) -> None:
    """Read the command line, profile, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--engine", default="onnx")
    arguments = parser.parse_args(command_line)
    texts = [document.text for document in load_corpus("open")]
    extractor = Extractor.from_pretrained(arguments.model, engine=arguments.engine, n_threads=1, enrich=False)
    list(extractor.extract_many(texts))  # what is loaded once is no article's
    profile = Profile()
    profile.runcall(lambda: list(extractor.extract_many(texts)))
    stats = Stats(profile)
    seconds = {name: _cumulative(stats, functions) for name, functions in STAGES.items()}
    seconds["the rest"] = stats.total_tt - sum(seconds.values())  # type: ignore[attr-defined]
    for name, value in seconds.items():
        print(f"{name:20} {1000 * value:8.1f} ms")
    host = sum(value for name, value in seconds.items() if not name.startswith("model"))
    print(f"{'beside the model':20} {1000 * host:8.1f} ms, {stats.total_calls} calls")  # type: ignore[attr-defined]


def _cumulative(stats: Stats, functions: Sequence[tuple[str, str]]) -> float:
    """Sum the seconds of functions, what they call included."""
    return sum(
        cumulative
        for (file, _, name), (*_, cumulative, _) in stats.stats.items()  # type: ignore[attr-defined]
        if (Path(file).stem, name) in functions and "libyaevents" in file
    )


if __name__ == "__main__":
    main()
