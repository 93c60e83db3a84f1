r"""Documents in columns, a word a line, in the format CoNLL-U Plus; the text comes back letter for letter.

    # global.columns = ID FORM LIBYAEVENTS:ENTITY … LIBYAEVENTS:ROLES MISC
    # newdoc id = a1
    # sent_id = 1-1
    # text = دخلت القوات سرت.
    1	دخلت	O	B-Advance	actual	_	_
    2	القوات	O	O	_	1:B-Agent	_
    3	سرت	B-GPE	O	_	1:B-Destination	SpaceAfter=No
    4	.	O	O	_	_	SpacesAfter=\n

Entities and triggers are IOB2 tags. The roles of a word are parted by `|`: each is the number of the first
word of the event's trigger, and an IOB2 tag. White space is written as UDPipe does. Words that lie in no
sentence stand in blocks without `sent_id`. An argument is linked to the entity that covers the same words.

Source: https://universaldependencies.org/ext-format.html
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import BinaryIO

from libyaevents.documents import Argument, Document, Entity, Event, Span, Trigger
from libyaevents.formats.columns_reading import COLUMNS, ESCAPES, OUTSIDE, UNKNOWN, read_columns
from libyaevents.formats.losses import ENRICHMENTS, SCORES, SPELLING, Losses, leave_out
from libyaevents.words import split_words

__all__ = ["read_columns", "write_columns"]

_NOT_IN_A_LABEL = re.compile(r"[\s|]")
_ESCAPED = re.compile(r"[ \t\n\r|\\]")
_ESCAPED_IN_A_COMMENT = re.compile(r"[\n\r\\]")
_WHITE_SPACE = re.compile(r"\s+")


def write_columns(documents: Iterable[Document], stream: BinaryIO) -> Losses:
    """Write documents in columns, and return what these cannot hold.

    Among it is what is no run of whole words in one sentence, and what lies across something of its kind: the
    longer stays.
    """
    losses: Losses = Counter()
    stream.write(f"# global.columns = {' '.join(COLUMNS)}\n".encode())
    for number, document in enumerate(documents, start=1):
        reduced, lost = leave_out(document, (*ENRICHMENTS, *SCORES))
        losses += lost
        for line in _Columns(reduced, losses).lines(number):
            stream.write(f"{line}\n".encode())
    return losses


class _Columns:
    """One document: its words, in blocks that are a sentence or what lies between two, and their tags.

    A range of words is half-open and counts the words of the document.
    """

    def __init__(self, document: Document, losses: Losses) -> None:
        self._document = document
        self._losses = losses
        self._words: list[Span] = []
        self._block_of: list[int] = []
        self._first_of: list[int] = []  # word of each block
        self._is_sentence: list[bool] = []
        for start, end, is_sentence in _blocks(document):
            words = split_words(document.text, start, end)
            if words:
                self._block_of += [len(self._is_sentence)] * len(words)
                self._first_of.append(len(self._words))
                self._is_sentence.append(is_sentence)
                self._words += words
            if is_sentence and not words:
                losses["sentence without a word"] += 1
            elif is_sentence:
                losses["white space at the edge of a sentence"] += (words[0][0], words[-1][1]) != (start, end)
        self._starts = {start: index for index, (start, _) in enumerate(self._words)}
        self._ends = {end: index + 1 for index, (_, end) in enumerate(self._words)}
        self._entities = [OUTSIDE] * len(self._words)
        self._triggers = [OUTSIDE] * len(self._words)
        self._factuality = [UNKNOWN] * len(self._words)
        self._roles: list[list[str]] = [[] for _ in self._words]
        self._add_events(self._add_entities())

    def lines(self, number: int) -> Iterator[str]:
        """Yield the lines of the document, which is the file's `number`th; the last is blank."""
        yield from self._head()
        borders = pairwise([*self._first_of, len(self._words)])
        for block, (first, last) in enumerate(borders):
            if self._is_sentence[block]:
                yield f"# sent_id = {number}-{block + 1}"
            text = self._document.text[self._words[first][0] : self._words[last - 1][1]]
            yield f"# text = {_WHITE_SPACE.sub(' ', text)}"
            for index in range(first, last):
                columns = (
                    str(index - first + 1),
                    self._document.text[slice(*self._words[index])],
                    self._entities[index],
                    self._triggers[index],
                    self._factuality[index],
                    "|".join(self._roles[index]) or UNKNOWN,
                    self._spaces(index),
                )
                yield "\t".join(columns)
            yield ""
        if not self._words:
            yield ""

    def _head(self) -> Iterator[str]:
        document = self._document
        yield "# newdoc" if document.id is None else f"# newdoc id = {_escape_comment(document.id)}"
        facts = {
            "title": document.title,
            "published": None if document.published is None else document.published.isoformat(),
            "source": document.source,
            "url": document.url,
            "metadata": json.dumps(dict(document.metadata), ensure_ascii=False)
            if document.metadata
            else None,
            # Without a word there is no line whose spaces it could be.
            "spaces": document.text if document.text and not self._words else None,
        }
        for name, value in facts.items():
            if value is not None:
                yield f"# {name} = {_escape_comment(value)}"

    def _spaces(self, index: int) -> str:
        """Return what stands before the first word and behind this one, if it is not one space alone."""
        text, (start, end) = self._document.text, self._words[index]
        is_last = index + 1 == len(self._words)
        after = text[end:] if is_last else text[end : self._words[index + 1][0]]
        notes = [f"SpacesBefore={_escape(text[:start])}"] if index == 0 and start > 0 else []
        if not after:
            notes.append("SpaceAfter=No")
        elif after != " ":
            notes.append(f"SpacesAfter={_escape(after)}")
        return "|".join(notes) or UNKNOWN

    def _add_entities(self) -> dict[Span, str]:
        """Tag the entities and return the id of each by its words."""
        kept: dict[Span, Entity] = {}
        for entity in sorted(self._document.entities, key=lambda entity: entity.start - entity.end):
            words = self._find(entity)
            if words is None:
                self._losses["entity that is no run of whole words in a sentence"] += 1
            elif not _put(self._entities, words, self._label(entity.label)):
                self._losses["entity inside or across another"] += 1
            else:
                kept[words] = entity
        entities = [kept[words] for words in sorted(kept)]
        self._count_order("order of the entities", entities, self._document.entities)
        for number, entity in enumerate(entities, start=1):
            self._losses["id of an entity"] += entity.id != f"T{number}"
        return {words: entity.id for words, entity in kept.items()}

    def _add_events(self, entities: dict[Span, str]) -> None:
        kept: dict[Span, Event] = {}
        triggers = sorted(self._document.events, key=lambda event: event.trigger.start - event.trigger.end)
        for event in triggers:
            words = self._find(event.trigger)
            if words is None:
                self._losses["event whose trigger is no run of whole words in a sentence"] += 1
            elif not _put(self._triggers, words, self._label(event.type)):
                self._losses["event whose trigger lies inside or across another's"] += 1
            else:
                kept[words] = event
                self._factuality[words[0]] = self._label(event.factuality)
        events = [kept[words] for words in sorted(kept)]
        self._count_order("order of the events", events, self._document.events)
        for number, (words, event) in enumerate(sorted(kept.items(), key=lambda item: item[0]), start=1):
            self._losses["id of an event"] += event.id != f"E{number}"
            self._add_roles(words[0], event, entities)

    def _add_roles(self, trigger: int, event: Event, entities: dict[Span, str]) -> None:
        head = trigger - self._first_of[self._block_of[trigger]] + 1
        taken: set[tuple[str, int]] = set()  # role and word
        kept: list[tuple[Span, str]] = []
        for argument in event.arguments:
            words, role = self._find(argument), self._label(argument.role)
            if words is None or self._block_of[words[0]] != self._block_of[trigger]:
                self._losses["argument that is no run of whole words in its event's sentence"] += 1
            elif taken & (own := {(role, index) for index in range(*words)}):
                self._losses["argument across another of its role"] += 1
            else:
                taken |= own
                kept.append((words, role))
                self._losses["link of an argument"] += entities.get(words) != argument.entity_id
                for index in range(*words):
                    self._roles[index].append(f"{head}:{_tag(index, words, role)}")
        self._losses["order of an event's arguments"] += kept != sorted(kept)

    def _find(self, mention: Entity | Argument | Trigger) -> Span | None:
        """Return the words that a mention covers; none where it cuts one, or leaves its block."""
        first, last = self._starts.get(mention.start), self._ends.get(mention.end)
        if first is None or last is None or self._block_of[first] != self._block_of[last - 1]:
            return None
        return first, last

    def _label(self, label: str) -> str:
        spelled = _NOT_IN_A_LABEL.sub("_", label) or "_"
        self._losses[SPELLING] += spelled != label
        return spelled

    def _count_order(
        self, loss: str, kept: Sequence[Entity | Event], given: Sequence[Entity | Event]
    ) -> None:
        ids = {item.id for item in kept}
        self._losses[loss] += [item.id for item in kept] != [item.id for item in given if item.id in ids]


def _blocks(document: Document) -> Iterator[tuple[int, int, bool]]:
    """Yield the sentences and what lies between them, and whether each is a sentence."""
    position = 0
    for start, end in document.sentences:
        yield position, start, False
        yield start, end, True
        position = end
    yield position, len(document.text), False


def _put(tags: list[str], words: Span, label: str) -> bool:
    """Tag words, unless one of them is tagged already; say whether it was done."""
    if any(tag != OUTSIDE for tag in tags[slice(*words)]):
        return False
    tags[slice(*words)] = [_tag(index, words, label) for index in range(*words)]
    return True


def _tag(index: int, words: Span, label: str) -> str:
    return f"{'B' if index == words[0] else 'I'}-{label}"


def _escape(spaces: str) -> str:
    return _ESCAPED.sub(lambda match: ESCAPES[match[0]], spaces)


def _escape_comment(value: str) -> str:
    """Return a value on one line, in which spaces may stand as they are."""
    return _ESCAPED_IN_A_COMMENT.sub(lambda match: ESCAPES[match[0]], value)
