"""Read millions of characters that hypothesis made up, and check every document against the library's laws.

    python scripts/fuzz.py [--characters 10000000] [--seed 0] [--failures FOLDER]

A text is up to five blocks: any Unicode but surrogates; words of Arabic letters with marks, tatweel and bidi
controls, of other scripts, numbers and addresses, in any mixture; one of these many times over; sentences of
the packaged open corpus, plain and with noise spliced in. Every 400th text is repeated until it has 100,000
characters. Each second round of texts goes through `extract_many`, the others text by text through `extract`,
with all enrichers, one thread, and the shipped model on ONNX Runtime.

The laws: the text comes back as it was; what has offsets is the text there, a run of whole words of one
sentence; sentences are in order and disjoint; scores are probabilities; ids are unique and those of entities
lead to one; labels are the ontology's; an argument neither begins nor ends inside an entity; the JSON of a
document reads back equal. A text that breaks one, or raises, is written to `--failures`, whole and cut down
to what is still wrong, and the exit code is 1.
"""

import argparse
import logging
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import hypothesis
from hypothesis import strategies as st

from libyaevents import Extractor
from libyaevents.datasets import load_corpus
from libyaevents.documents import Document, Entity
from libyaevents.ontology import load_ontology
from libyaevents.words import split_words

MIB = 2**20
BYTES_A_KIB = 1024 if sys.platform.startswith("linux") else 1  # the unit of a peak

TEXTS_A_ROUND = 200
LONG_EACH, LONG = 400, 100_000
LONGEST_REPEAT = 2000  # characters of a block that repeats something
MOST_TRIES = 300  # to make a text that is wrong smaller

LETTERS = "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيٱپچژگکی"
MARKS = "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0653\u0654\u0670\u0640"
CONTROLS = (
    "\u200b\u200c\u200d\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\xad"
)
SPACES = [" ", " ", " ", "\n", "\r\n", "\t", "  ", "\u00a0", "\u2028", "\x85", ". ", "، ", ""]
FRAGMENTS = [
    *["قصفت", "الطائرات", "وبدرنة", "سرت", "أُصيبَ", "هجوماً", "حـــلب", "ﷺ", "ﻻ", "﷼", "اللواء", "أمس", "غدا"],
    *["مقتل 12 جنديا", "يوم الجمعة", "منتصف 2011", "١٧ فبراير/شباط", "عشرات القتلى", "قال إن", "د."],
    *["٢٠٢٠", "3.5", "10:30", "31/02/2015", "1441 ه", "99999999999999999999", "٪٥٠", "1e9", "-0", "½"],
    *["GNA", "Libya", "é", "e\u0301", "Триполи", "Λιβύη", "リビア", "ትሪፖሊ", "तिरपोली", "😀", "👨\u200d👩"],
    *[".", "...", "…", "؟", "?!", "،", "؛", ":", "-", "_", "#", "%", "'", '"', "«", "»", "“", "(", ")", "["],
    *["https://example.org/خبر?q=١", "www.example.com", "a@example.org", "#ليبيا_الآن", "<b>", "&amp;", "\0"],
]

units = st.one_of(
    st.sampled_from(FRAGMENTS),
    st.text(st.sampled_from(LETTERS), min_size=1, max_size=12),
    st.text(st.sampled_from(LETTERS + MARKS + CONTROLS), min_size=1, max_size=20),
    st.text(st.sampled_from("0123456789٠١٢٣٤٥٦٧٨٩.,:/-٫٬%"), min_size=1, max_size=12),
    st.text(max_size=10),
)
mixtures = st.lists(st.tuples(units, st.sampled_from(SPACES)), max_size=60).map(
    lambda pairs: "".join(part for pair in pairs for part in pair)
)
repeats = st.builds(
    lambda unit, size: unit * (size // max(len(unit), 1)),
    st.one_of(units, mixtures),
    st.integers(1, LONGEST_REPEAT),
)
choices = st.integers(0, 2**32 - 1).map(Random)  # of what hypothesis would draw too slowly


def texts() -> st.SearchStrategy[str]:
    """Texts of up to five blocks; see above."""
    sentences = [document.text[start:end] for document in load_corpus() for start, end in document.sentences]
    news = st.builds(lambda random, n: "\n".join(random.choices(sentences, k=n)), choices, st.integers(1, 12))
    spliced = st.builds(splice, news, st.lists(units, min_size=1, max_size=8), choices, st.integers(1, 60))
    marked = st.builds(mark, news, choices)
    blocks = st.one_of(st.text(max_size=400), mixtures, repeats, news, spliced, marked)
    return st.lists(st.tuples(blocks, st.sampled_from(SPACES)), max_size=5).map(
        lambda pairs: "".join(part for pair in pairs for part in pair)
    )


def splice(text: str, noise: Sequence[str], random: Random, n: int) -> str:
    """Put pieces of noise into a text, so many at random places."""
    places = sorted(random.randrange(len(text) + 1) for _ in range(n))
    parts = (text[start:end] + random.choice(noise) for start, end in pairwise([0, *places]))
    return "".join(parts) + text[places[-1] :]


def mark(text: str, random: Random) -> str:
    """Put a mark, a tatweel or a bidi control behind characters of a text."""
    signs, share = random.choice((MARKS, CONTROLS, MARKS + CONTROLS)), random.random()
    return "".join(letter + (random.choice(signs) if random.random() < share else "") for letter in text)


def rounds(n_characters: int, seed: int) -> Iterator[list[str]]:
    """Yield lists of texts until they have so many characters together."""
    strategy, n_read, n_texts = texts(), 0, 0
    number = 0
    while n_read < n_characters:
        made = draw_texts(strategy, seed * 1_000_003 + number)
        number += 1
        taken: list[str] = []
        for text in made:
            n_texts += 1
            is_long = n_texts % LONG_EACH == 0 and text
            taken.append(text * (LONG // len(text) + 1) if is_long else text)
            n_read += len(taken[-1])
            if n_read >= n_characters:
                break
        yield taken


def draw_texts(strategy: st.SearchStrategy[str], seed: int) -> list[str]:
    """Draw the texts of one round."""
    made: list[str] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=TEXTS_A_ROUND,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy)
    def draw(text: str) -> None:
        made.append(text)

    draw()
    return made


def faults(text: str, document: Document) -> Iterator[str]:
    """Say which laws the document of a text breaks."""
    if document.text != text:
        yield "the text is another"
    if Document.from_json(document.to_json()) != document:
        yield "the JSON reads back as another document"
    if any(start >= end for start, end in document.sentences):
        yield "a sentence is empty"
    bounds = [offset for span in document.sentences for offset in span]
    if bounds != sorted(bounds) or (bounds and not 0 <= bounds[0] <= bounds[-1] <= len(text)):
        yield "the sentences are not in order, overlap or leave the text"
    for items in (document.entities, document.events):
        if len({item.id for item in items}) < len(items):
            yield "an id is there twice"
    yield from _wrong_labels(document)
    yield from _wrong_spans(text, document)
    for record in _records(document):
        score = getattr(record, "score", None)
        if score is not None and not 0 <= score <= 1:
            yield f"a score is {score}"


def _wrong_labels(document: Document) -> Iterator[str]:
    ontology = load_ontology()
    ids = {None, *(entity.id for entity in document.entities)}
    for entity in document.entities:
        if entity.label not in ontology.entity_labels:
            yield f"no entity type is called {entity.label}"
    for event in document.events:
        if event.type not in ontology.event_labels or event.factuality not in ontology.factuality_labels:
            yield f"no event type or factuality is called {event.type}, {event.factuality}"
        for argument in event.arguments:
            if argument.role not in ontology.role_labels:
                yield f"no role is called {argument.role}"
            if argument.entity_id not in ids:
                yield f"no entity has the id {argument.entity_id}"


def _wrong_spans(text: str, document: Document) -> Iterator[str]:
    words = split_words(text)
    starts, ends = {first for first, _ in words}, {last for _, last in words}
    sentence_of = [-1] * (len(text) + 1)
    for number, (first, last) in enumerate(document.sentences):
        sentence_of[first:last] = [number] * (last - first)
    inside = {offset for each in document.entities for offset in range(each.start + 1, each.end)}
    for record in _records(document):
        start, end = getattr(record, "start", None), getattr(record, "end", None)
        if start is None or end is None:
            continue
        where = f"{type(record).__name__} at {start} to {end}"
        if not 0 <= start < end <= len(text) or text[start:end] != record.text:
            yield f"{where} is {record.text!r}, and not the text there"
        elif start not in starts or end not in ends:
            yield f"{where} is no run of whole words"
        elif sentence_of[start] < 0 or sentence_of[start] != sentence_of[end - 1]:
            yield f"{where} is not in one sentence"
        core = record.core if isinstance(record, Entity) else None
        if core is not None and not start <= core[0] < core[1] <= end:
            yield f"{where} has the core {core} outside"
    for event in document.events:
        for argument in event.arguments:
            if argument.start in inside or argument.end in inside:
                yield f"an argument cuts an entity at {argument.start} to {argument.end}"


def _records(value: Any) -> Iterator[Any]:
    """Yield every dataclass below a value."""
    if is_dataclass(value):
        yield value
        for item in fields(value):
            yield from _records(getattr(value, item.name))
    elif isinstance(value, tuple):
        for element in value:
            yield from _records(element)


def what_is_wrong(extractor: Extractor, text: str) -> str:
    """Read one text; return the laws that it breaks, or the error that it raises."""
    try:
        return "; ".join(dict.fromkeys(faults(text, extractor.extract(text, published="2020-06-06"))))
    except Exception as error:  # of any type: that none is raised is what is tried
        return f"{type(error).__name__}: {error}"


def minimise(text: str, is_wrong: Callable[[str], bool]) -> str:
    """Cut pieces out of a text as long as it stays wrong, large ones first."""
    size, n_tries = len(text) // 2, 0
    while size and n_tries < MOST_TRIES:
        start = 0
        while start < len(text) and n_tries < MOST_TRIES:
            shorter = text[:start] + text[start + size :]
            n_tries += 1
            if is_wrong(shorter):
                text = shorter
            else:
                start += size
        size //= 2
    return text


def read_round(
    extractor: Extractor, made: Sequence[str], counts: Counter[str], *, together: bool
) -> set[str]:
    """Read a round of texts and count what is found; return the texts that are wrong."""
    wrong: set[str] = set()
    documents: Iterator[Document] = (
        extractor.extract_many(made)
        if together
        else (extractor.extract(text, published="2020-06-06") for text in made)
    )
    try:
        for text, document in zip(made, documents, strict=True):
            counts.update(texts=1, characters=len(text), sentences=len(document.sentences))
            counts.update(entities=len(document.entities), events=len(document.events))
            if any(faults(text, document)):
                wrong.add(text)
    except Exception as error:  # of any type, as above; which text it was is found one by one
        print(f"a round raised {type(error).__name__}: {error}", file=sys.stderr)
        wrong |= {text for text in made if what_is_wrong(extractor, text)} or set(made)
    return wrong


def write_failure(extractor: Extractor, text: str, folder: Path) -> None:
    """Write a text that is wrong, whole and made smaller, and what is wrong with it."""
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.glob("*-whole.txt")))
    reason = what_is_wrong(extractor, text)
    small = minimise(text, lambda shorter: bool(what_is_wrong(extractor, shorter))) if reason else text
    for name, content in (("whole", text), ("small", small), ("reason", reason or "in company alone")):
        (folder / f"{number:03}-{name}.txt").write_text(content, encoding="utf-8", newline="")
    print(f"{folder}/{number:03}: {reason[:300] or 'in company alone'}", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--characters", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--failures", type=Path, default=Path("fuzz_failures"))
    options = parser.parse_args(arguments)
    extractor = Extractor.from_pretrained(options.model, engine="onnx", n_threads=1)
    counts: Counter[str] = Counter()
    n_wrong, started = 0, time.perf_counter()
    for number, made in enumerate(rounds(options.characters, options.seed)):
        wrong = read_round(extractor, made, counts, together=number % 2 == 1)
        n_wrong += len(wrong)
        for text in sorted(wrong):
            write_failure(extractor, text, options.failures)
        if number % 20 == 19:
            print(f"{counts['characters']} characters, {n_wrong} texts wrong", file=sys.stderr, flush=True)
    for name, count in counts.items():
        print(f"{name:12} {count:12,}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES_A_KIB / MIB
    print(f"{'seconds':12} {time.perf_counter() - started:12,.0f}\n{'peak MiB':12} {peak:12,.0f}")
    print(f"{'wrong':12} {n_wrong:12,}")
    return 1 if n_wrong else 0


if __name__ == "__main__":
    logging.getLogger("libyaevents").setLevel(logging.ERROR)  # words longer than a window are meant here
    sys.exit(main())
