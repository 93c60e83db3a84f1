"""Triggers, found or given, and what the role head is asked about them.

In: the sentences of a chunk with the spans found in them, or a part of an article whose events are given.
Out: questions with their contexts, batches for an engine, and given events with what was read for them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from libyaevents.articles import Part
from libyaevents.assemble import Labels, pad_rows
from libyaevents.documents import Document
from libyaevents.engines import TriggerBatch
from libyaevents.errors import LabelError
from libyaevents.tags import DecodedSpan
from libyaevents.words import Span

__all__ = ["ROLE_REACH", "Question", "check_types", "given_triggers", "trigger_batch", "with_unread_events"]

ROLE_REACH = 128  # words on either side of a trigger among which its arguments are looked for


@dataclass(frozen=True, slots=True)
class Question:
    """A trigger put to the role head: the word range of its context, its span and type in it.

    The context is the sentence, or as much of an over-long one as is in reach; `shift` is the number of words
    of the sentence before it. `names` are the entities in it.
    """

    context: Span
    span: Span
    event_type: int
    shift: int
    names: tuple[Span, ...]

    @classmethod
    def of(cls, sentence: Span, trigger: DecodedSpan, entities: Sequence[DecodedSpan]) -> "Question":
        """Ask about a trigger of a sentence, whose entities are given in order and disjoint."""
        shift = max(0, trigger.start - ROLE_REACH)
        end = min(sentence[1] - sentence[0], trigger.end + ROLE_REACH)
        # By bisection, as they are disjoint and in order: a sentence of a million words has many.
        first = bisect_left(entities, shift, key=attrgetter("start"))
        last = bisect_right(entities, end, key=attrgetter("end"))
        return cls(
            context=(sentence[0] + shift, sentence[0] + end),
            span=(trigger.start - shift, trigger.end - shift),
            event_type=trigger.label,
            shift=shift,
            names=tuple((entity.start - shift, entity.end - shift) for entity in entities[first:last]),
        )


def trigger_batch(
    states: NDArray[np.float32], asked: Sequence[Question]
) -> tuple[TriggerBatch, NDArray[np.int64]]:
    """Gather the contexts, each once; with the length of each trigger's context (triggers,)."""
    rows = {context: row for row, context in enumerate(dict.fromkeys(question.context for question in asked))}
    word_states, lengths = pad_rows(states, list(rows))
    sentence = np.array([rows[question.context] for question in asked], np.int64)
    batch = TriggerBatch(
        word_states=word_states,
        word_mask=np.arange(word_states.shape[1]) < lengths[:, np.newaxis],
        sentence=sentence,
        span=np.array([question.span for question in asked], np.int64),
        event_type=np.array([question.event_type for question in asked], np.int64),
    )
    return batch, lengths[sentence]


def check_types(document: Document, labels: Labels) -> Document:
    """Return the document.

    Raises:
        LabelError: an event's type is not one of the model's.
    """
    for event in document.events:
        if event.type not in labels.events:
            raise LabelError(
                f"event {event.id} has type {event.type!r}: the model knows {', '.join(labels.events)}"
            )
    return document


def given_triggers(part: Part, labels: Labels) -> list[list[DecodedSpan]]:
    """The triggers of a part's events by sentence, as if decoded; those that do not fit are left out."""
    words = part.article.words[slice(*part.words)]
    starts = {start: index for index, (start, _) in enumerate(words, part.words[0])}
    ends = {end: index for index, (_, end) in enumerate(words, part.words[0] + 1)}
    last_words = [end for _, end in part.sentences]
    given: list[list[DecodedSpan]] = [[] for _ in part.sentences]
    for event in sorted(part.article.document.events, key=lambda event: event.trigger.start):
        start, end = starts.get(event.trigger.start), ends.get(event.trigger.end)
        if start is None or end is None:
            continue
        place = bisect_right(last_words, start)
        (first, last), spans = part.sentences[place], given[place]
        if end <= last and (not spans or spans[-1].end <= start - first):
            label = labels.events.index(event.type)
            spans.append(DecodedSpan(start=start - first, end=end - first, label=label, score=1.0))
    return given


def with_unread_events(given: Document, read: Document) -> Document:
    """Put the events as given, with what was read for them: by trigger, in text order."""
    found = {(event.trigger.start, event.trigger.end): event for event in read.events}
    events = []
    for event in sorted(given.events, key=lambda event: event.trigger.start):
        # Taken once: of two events with the same trigger only the first was read.
        answer = found.pop((event.trigger.start, event.trigger.end), None)
        arguments = answer.arguments if answer is not None else ()
        factuality = answer.factuality if answer is not None else "actual"
        events.append(replace(event, arguments=arguments, factuality=factuality))
    return replace(read, events=tuple(events))
