"""Write articles in other ways, and say what share of their events is found as before.

    python scripts/metamorphic.py [--only NAME …] [--goal 0.95] [--seed 0] [--json FILE]

The articles of the packaged open corpus are read as they are, and after each change. Every word of a changed
text knows which word of the original it was, and a mention there stands for the words, from the first to the
last, that it covers wholly or in part: so both readings are told in words of the original. An event is
unchanged if it has the same type, trigger, factuality and arguments with their roles; one argument that is
lost, or a word longer, is a change. Triggers alone are compared with their type, arguments with their role
and their event's type and trigger, entities with their label. Gold annotation plays no part: where the model
was wrong, another answer is a change as well.

"Unchanged" is the share of what is found in the original that is found in the changed text too (the recall of
the second reading, held against the first); "precision" the share of the events of the changed text that are
in the original. Changes that a reader hardly sees must leave the share `--goal` of the events, or the exit
code is 1. Of those that change letters, words or their order, the figures are told. The table is Markdown.
"""

import argparse
import json
import re
import sys
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from libyaevents import Extractor
from libyaevents.datasets import load_corpus
from libyaevents.documents import Document, Span
from libyaevents.words import split_sentences, split_words

KINDS = ("events", "triggers", "arguments", "entities")


@dataclass(frozen=True, slots=True)
class Piece:
    """A word of an article, by its number, or what stands between words.

    `sentence` is the number of the sentence that it is in; None between sentences.
    """

    text: str
    word: int | None
    sentence: int | None


def cut(text: str) -> list[Piece]:
    """Cut a text into its words and what stands between them."""
    pieces: list[Piece] = []
    position = n_words = 0
    for sentence, (start, end) in enumerate(split_sentences(text)):
        pieces.append(Piece(text[position:start], None, None))
        position = start
        for word_start, word_end in split_words(text, start, end):
            pieces.append(Piece(text[position:word_start], None, sentence))
            pieces.append(Piece(text[word_start:word_end], n_words, sentence))
            position, n_words = word_end, n_words + 1
        pieces.append(Piece(text[position:end], None, sentence))
        position = end
    pieces.append(Piece(text[position:], None, None))
    return [piece for piece in pieces if piece.text]


Change = Callable[[list[Piece], Random], Iterable[Piece]]
Rewrite = Callable[[str, Random], str]
Found = dict[str, Counter[Any]]


def in_words(rewrite: Rewrite) -> Change:
    """A change of each word by itself."""
    return lambda pieces, random: [
        piece if piece.word is None else replace(piece, text=rewrite(piece.text, random)) for piece in pieces
    ]


def in_gaps(rewrite: Rewrite) -> Change:
    """A change of the white space between words, wherever there is some."""
    return lambda pieces, random: [
        replace(piece, text=rewrite(piece.text, random)) if piece.word is None else piece for piece in pieces
    ]


LETTER = re.compile("[ء-غف-ي]")
# A letter that is joined to the next one: only there is a tatweel written.
JOINED = re.compile("(?<=[بتثجحخسشصضطظعغفقكلمنهيئ])(?=[ء-غف-ي])")
HARAKAT = "\u064e\u064f\u0650\u0651\u0652"
RLM = "\u200f"
# Alone or around a word: LRM, ALM, ZWNJ, ZWSP, BOM; embeddings and isolates with their ends.
INVISIBLE = ("\u200e", "\u061c", "\u200c", "\u200b", "\ufeff", "\u202c\u202b", "\u2069\u2067", "\u2069\u2068")
SPACES = ("  ", "   ", "\t", "\u00a0", " \u00a0", "\u2009", "\u3000")
ISOLATED = {
    int(letter, 16): chr(code)
    for code in range(0xFE80, 0xFEF5)
    for form, letter in [unicodedata.decomposition(chr(code)).split(" ", 1)]
    if form == "<isolated>"
}
LIGATURES = {"لا": "\ufefb", "لأ": "\ufef7", "لإ": "\ufef9", "لآ": "\ufef5"}
TO_LIGATURES = re.compile("|".join(LIGATURES))
ASCII_DIGITS, ARABIC_DIGITS = "0123456789", "٠١٢٣٤٥٦٧٨٩"
OTHER_DIGITS = str.maketrans(ASCII_DIGITS + ARABIC_DIGITS, ARABIC_DIGITS + ASCII_DIGITS)
PLACES = ("سرت", "مصراتة", "درنة", "سبها", "غريان", "ترهونة", "زليتن", "بنغازي", "طرابلس", "أجدابيا", "زوارة")
A_PLACE = re.compile(f"([وف]?[بل]?)({'|'.join(PLACES)})")


def stretch(word: str, random: Random) -> str:
    """Write one to three tatweels at a place in the word where letters are joined."""
    places = [found.start() for found in JOINED.finditer(word)]
    place = random.choice(places) if places else 0
    return word[:place] + "ـ" * (random.randint(1, 3) if places else 0) + word[place:]


def vocalize(word: str, random: Random) -> str:
    """Write a mark, whichever, on four letters of five."""
    return LETTER.sub(
        lambda found: found[0] + (random.choice(HARAKAT) if random.random() < 0.8 else ""), word
    )


def beside(marks: Sequence[str]) -> Rewrite:
    """Put a mark before or behind white space, so that it touches a word or a full stop."""

    def rewrite(space: str, random: Random) -> str:
        mark = random.choice(marks)
        return mark + space if random.random() < 0.5 else space + mark

    return rewrite


def widen(space: str, random: Random) -> str:
    """Write other and more white space; lines stay lines."""
    return space.replace("\n", " \n\n ") if "\n" in space else random.choice(SPACES)


def decompose(pieces: list[Piece], random: Random) -> Iterable[Piece]:
    """Write letters and their marks one by one."""
    return [replace(piece, text=unicodedata.normalize("NFD", piece.text)) for piece in pieces]


def begin_with_and(pieces: list[Piece], random: Random) -> Iterable[Piece]:
    """Write و before the first word of each sentence that begins with a letter and no conjunction."""
    begun: set[int | None] = set()
    for piece in pieces:
        is_first = piece.word is not None and piece.sentence not in begun
        if is_first:
            begun.add(piece.sentence)
        takes_it = is_first and LETTER.match(piece.text) and piece.text[0] not in "وف"
        yield replace(piece, text=f"و{piece.text}") if takes_it else piece


def change_quotes(pieces: list[Piece], random: Random) -> Iterable[Piece]:
    """Write «» for quotation marks that are straight, and these for «»."""
    is_open = False
    for piece in pieces:
        if piece.text == '"':
            is_open = not is_open
            yield replace(piece, text="«" if is_open else "»")
        else:
            yield replace(piece, text='"') if piece.text in ("«", "»") else piece


def drop_stops(pieces: list[Piece], random: Random) -> Iterable[Piece]:
    """Leave the full stop at the end of each line out."""
    for piece, following in pairwise([*pieces, Piece("\n", None, None)]):
        if piece.text != "." or not following.text.startswith("\n"):
            yield piece


def shuffle(pieces: list[Piece], random: Random) -> Iterable[Piece]:
    """Put the sentences into another order, each on a line of its own."""
    sentences: dict[int, list[Piece]] = {}
    for piece in pieces:
        if piece.sentence is not None:
            sentences.setdefault(piece.sentence, []).append(piece)
    order = list(sentences.values())
    random.shuffle(order)
    for sentence in order:
        yield from sentence
        yield Piece("\n", None, None)


def move(pieces: list[Piece], random: Random) -> Iterable[Piece]:
    """Write another town for each town, the same one throughout the article."""
    shift = random.randrange(1, len(PLACES))
    other = dict(zip(PLACES, PLACES[shift:] + PLACES[:shift], strict=True))
    for piece in pieces:
        found = A_PLACE.fullmatch(piece.text)
        yield replace(piece, text=found[1] + other[found[2]]) if found else piece


# By name: whether the goal is asked of the change, and what it is.
CHANGES: Mapping[str, tuple[bool, Change]] = {
    "tatweel in words": (True, in_words(stretch)),
    "harakat on letters": (True, in_words(vocalize)),
    "RLM beside white space": (True, in_gaps(beside([RLM]))),
    "other invisible marks there": (True, in_gaps(beside(INVISIBLE))),
    "letters decomposed (NFD)": (True, decompose),
    "ligature ﻻ": (True, in_words(lambda word, _: TO_LIGATURES.sub(lambda two: LIGATURES[two[0]], word))),
    "presentation forms": (True, in_words(lambda word, _: word.translate(ISOLATED))),
    "more white space": (True, in_gaps(widen)),
    "CRLF": (True, in_gaps(lambda space, _: space.replace("\n", "\r\n"))),
    "و before sentences": (False, begin_with_and),
    "أ إ آ as ا": (False, in_words(lambda word, _: re.sub("[أإآ]", "ا", word))),
    "ة as ه at the end": (False, in_words(lambda word, _: re.sub("ة$", "ه", word))),
    "ى as ي at the end": (False, in_words(lambda word, _: re.sub("ى$", "ي", word))),
    "the other digits": (False, in_words(lambda word, _: word.translate(OTHER_DIGITS))),
    "the other quotation marks": (False, change_quotes),
    "no full stop at line ends": (False, drop_stops),
    "sentences shuffled": (False, shuffle),
    "other towns": (False, move),
}


def write(pieces: Iterable[Piece]) -> tuple[str, list[tuple[Span, int]]]:
    """Return the text of pieces, and where in it each word of the original is, in the order of the text."""
    parts: list[str] = []
    placed: list[tuple[Span, int]] = []
    position = 0
    for piece in pieces:
        end = position + len(piece.text)
        if piece.word is not None and piece.text:
            placed.append(((position, end), piece.word))
        parts.append(piece.text)
        position = end
    return "".join(parts), placed


def found_in(document: Document, placed: Sequence[tuple[Span, int]]) -> Found:
    """Return what is found, by kind, in words of the original."""
    starts, ends = [span[0] for span, _ in placed], [span[1] for span, _ in placed]

    def words_of(mention: Any) -> tuple[int, ...]:
        first, behind = bisect_right(ends, mention.start), bisect_left(starts, mention.end)
        return (placed[first][1], placed[behind - 1][1]) if first < behind else ()

    found: Found = {kind: Counter() for kind in KINDS}
    for entity in document.entities:
        found["entities"][entity.label, words_of(entity)] += 1
    for event in document.events:
        trigger = event.type, words_of(event.trigger)
        arguments = sorted((argument.role, words_of(argument)) for argument in event.arguments)
        found["triggers"][trigger] += 1
        found["arguments"].update((*trigger, *argument) for argument in arguments)
        found["events"][*trigger, event.factuality, *arguments] += 1
    return found


def read(extractor: Extractor, texts: Iterable[str], change: Change, seed: int) -> list[Found]:
    """Change texts and read them; return what is found in each, in words of the original."""
    written = [write(change(cut(text), Random(f"{seed} {number}"))) for number, text in enumerate(texts)]
    documents = extractor.extract_many(text for text, _ in written)
    return [found_in(document, placed) for document, (_, placed) in zip(documents, written, strict=True)]


def compare(original: Sequence[Found], changed: Sequence[Found]) -> dict[str, dict[str, float]]:
    """Return counts and shares by kind."""
    shares: dict[str, dict[str, float]] = {}
    for kind in KINDS:
        n_original = sum(found[kind].total() for found in original)
        n_changed = sum(found[kind].total() for found in changed)
        n_both = sum((one[kind] & other[kind]).total() for one, other in zip(original, changed, strict=True))
        shares[kind] = {
            "original": n_original,
            "changed": n_changed,
            "both": n_both,
            "unchanged": n_both / n_original if n_original else 1.0,
            "precision": n_both / n_changed if n_changed else 1.0,
        }
    return shares


def table_row(name: str, goal: float | None, shares: Mapping[str, Mapping[str, float]]) -> str:
    """Return the row of a change in the table."""
    kept = [f"{100 * shares[kind]['unchanged']:.1f}" for kind in KINDS]
    cells = [
        name,
        "–" if goal is None else f"{100 * goal:g}",
        kept[0],
        f"{100 * shares['events']['precision']:.1f}",
    ]
    return f"| {' | '.join([*cells, *kept[1:]])} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", nargs="+", choices=list(CHANGES), default=list(CHANGES))
    parser.add_argument("--goal", type=float, default=0.95, help="Share of events that must be unchanged.")
    parser.add_argument("--documents", type=int, help="Read so many articles alone.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    extractor = Extractor.from_pretrained(options.model, engine="onnx", n_threads=1, enrich=False)
    texts = [document.text for document in load_corpus("open")][: options.documents]
    original = read(extractor, texts, lambda pieces, _: pieces, options.seed)
    results: dict[str, dict[str, dict[str, float]]] = {}
    print(f"| change | goal | {KINDS[0]} unchanged, % | precision, % | {' | '.join(KINDS[1:])} |")
    print(f"| --- |{' ---: |' * (2 + len(KINDS))}")
    for name in options.only:
        results[name] = compare(original, read(extractor, texts, CHANGES[name][1], options.seed))
        print(table_row(name, options.goal if CHANGES[name][0] else None, results[name]), flush=True)
    if options.json is not None:
        text = json.dumps(results, ensure_ascii=False, indent=1)
        options.json.write_text(f"{text}\n", encoding="utf-8")
    missed = [
        name
        for name, shares in results.items()
        if CHANGES[name][0] and shares["events"]["unchanged"] < options.goal
    ]
    if missed:
        print(f"goal missed: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
