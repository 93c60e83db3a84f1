"""From logits to a `Document`: decode spans, keep admissible roles, carry the offsets over.

In: the logits of one document's words (entities, triggers) and of its triggers (roles, factuality).
Out: word spans first, then the same document with entities and events.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from libyaevents.documents import Argument, Document, Entity, Event, Trigger
from libyaevents.errors import CheckpointError
from libyaevents.ontology import Ontology
from libyaevents.records import fill
from libyaevents.tags import DecodedSpan, decode_spans, find_spans
from libyaevents.windows import batch_by_length
from libyaevents.words import Span, letters

__all__ = ["SOURCE", "Labels", "Roles", "assemble", "decode_mentions", "decode_roles", "pad_rows"]

SOURCE = "Source"
WORDS_A_BATCH = 8192

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The label inventory of a model, in the order of its logits, and which roles its event types admit."""

    entities: tuple[str, ...]
    events: tuple[str, ...]
    roles: tuple[str, ...]
    factuality: tuple[str, ...]
    admitted: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, ontology: Ontology, seen: Mapping[tuple[str, str], int]) -> "Labels":
        """Admit Source, Time, Place and Quantity everywhere, typical roles, and pairs seen twice in gold."""
        everywhere = [role.name for role in ontology.roles if role.everywhere]
        always = {(event.name, role) for event in ontology.event_types for role in everywhere}
        typical = {(event.name, role) for event in ontology.event_types for role in event.typical_roles}
        return cls(
            entities=ontology.entity_labels,
            events=ontology.event_labels,
            roles=ontology.role_labels,
            factuality=ontology.factuality_labels,
            admitted=frozenset(always | typical | {pair for pair, count in seen.items() if count >= 2}),
        )

    @property
    def other_roles(self) -> tuple[str, ...]:
        """The roles of the second role sequence: all but Source."""
        return tuple(role for role in self.roles if role != SOURCE)

    def admission(self) -> NDArray[np.float32]:
        """What to add to role logits, shape (events, tags): 0 where admitted, minus infinity elsewhere."""
        bias = np.zeros((len(self.events), 3 + 1 + 2 * len(self.other_roles)), np.float32)
        for row, event in enumerate(self.events):
            for column, role in enumerate(self.other_roles):
                if (event, role) not in self.admitted:
                    bias[row, 4 + 2 * column : 6 + 2 * column] = -np.inf
        return bias

    def to_json(self) -> str:
        """One JSON object, as `from_json` reads it."""
        value = {name: getattr(self, name) for name in ("entities", "events", "roles", "factuality")}
        return json.dumps(value | {"admitted": sorted(self.admitted)}, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Labels":
        """Read what `to_json` wrote.

        Raises:
            CheckpointError: it is no such object.
        """
        try:
            value: dict[str, Any] = json.loads(text)
            lists = {
                name: tuple(map(str, value[name])) for name in ("entities", "events", "roles", "factuality")
            }
            admitted = frozenset((str(event), str(role)) for event, role in value["admitted"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise CheckpointError(
                f"labels.json is malformed ({error!r}): expected an object with the lists entities, events, "
                "roles, factuality and admitted; copy the model folder anew"
            ) from error
        return cls(**lists, admitted=admitted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """What was decoded for one trigger: spans of its sentence, each with its role, and the factuality."""

    arguments: tuple[tuple[str, DecodedSpan], ...]
    factuality: str

    def shifted(self, n_words: int) -> "Roles":
        """The same roles, counted from `n_words` words further left."""
        if not n_words:
            return self
        moved = (
            (role, fill(span, start=span.start + n_words, end=span.end + n_words))
            for role, span in self.arguments
        )
        return fill(self, arguments=tuple(moved))


def decode_mentions(
    logits: NDArray[np.float32],
    sentences: Sequence[Span],
    *,
    outside_bias: float = 0.0,
    recall_bias: float = 0.0,
) -> list[list[DecodedSpan]]:
    """Decode spans sentence by sentence, sentences of like length together.

    Args:
        logits: *Shape:* (words, tags).
        sentences: half-open word ranges that partition the words.
        outside_bias: added to the logit of `O`; above 0 for precision, below for recall.
        recall_bias: taken from it again where the best tags are chosen, but not where scores are computed.

    Returns:
        The spans of each sentence, counted from its first word.
    """
    decoded: list[list[DecodedSpan]] = [[] for _ in sentences]
    lengths = [end - start for start, end in sentences]
    for rows in batch_by_length(lengths, max_tokens=WORDS_A_BATCH):
        batch, sizes = pad_rows(logits, [sentences[row] for row in rows])
        found = decode_spans(batch, sizes, outside_bias=outside_bias, recall_bias=recall_bias)
        for row, spans in zip(rows, found, strict=True):
            decoded[row] = spans
    return decoded


def decode_roles(
    role_logits: NDArray[np.float32],
    factuality_logits: NDArray[np.float32],
    lengths: NDArray[np.int64],
    event_types: NDArray[np.int64],
    *,
    labels: Labels,
    names: Sequence[Sequence[Span]] | None = None,
    outside_bias: float = 0.0,
    recall_bias: float = 0.0,
) -> list[Roles]:
    """Decode both role sequences and the factuality of each trigger.

    A name is one thing: no argument begins, ends or changes its role inside an entity.

    Args:
        role_logits: *Shape:* (triggers, words, tags).
        factuality_logits: *Shape:* (triggers, values).
        lengths: words of each trigger's sentence. *Shape:* (triggers,).
        event_types: *Shape:* (triggers,).
        labels: the model's labels.
        names: the word spans of the entities of each trigger's sentence, disjoint, in order.
        outside_bias: as in `decode_mentions`.
        recall_bias: as there.
    """
    biases = {"outside_bias": outside_bias, "recall_bias": recall_bias}
    admitted = role_logits + labels.admission()[event_types][:, np.newaxis, :]
    starts = _unit_starts(lengths, names or [()] * len(lengths), n_words=role_logits.shape[1])
    sources = _decode_units(admitted[:, :, :3], lengths, starts, **biases)
    others = _decode_units(admitted[:, :, 3:], lengths, starts, **biases)
    other_roles = labels.other_roles
    return [
        Roles(
            arguments=tuple(
                [(SOURCE, span) for span in source] + [(other_roles[span.label], span) for span in other]
            ),
            factuality=labels.factuality[value],
        )
        for source, other, value in zip(sources, others, factuality_logits.argmax(-1).tolist(), strict=True)
    ]


def _unit_starts(
    lengths: NDArray[np.int64], names: Sequence[Sequence[Span]], *, n_words: int
) -> NDArray[np.bool_]:
    """Where the units of a sentence start, each a name or a word beside one: *Shape:* (triggers, words)."""
    steps = np.zeros((len(lengths), n_words + 1), np.int64)  # into a name behind its first word, and out
    spans = np.array(
        [(row, start, end) for row, own in enumerate(names) for start, end in own], np.int64
    ).reshape(-1, 3)
    np.add.at(steps, (spans[:, 0], spans[:, 1] + 1), 1)
    np.add.at(steps, (spans[:, 0], spans[:, 2]), -1)
    is_start: NDArray[np.bool_] = steps.cumsum(1)[:, :-1] == 0
    return is_start & (np.arange(n_words) < lengths[:, np.newaxis])


def _decode_units(
    logits: NDArray[np.float32],
    lengths: NDArray[np.int64],
    is_start: NDArray[np.bool_],
    *,
    outside_bias: float,
    recall_bias: float,
) -> list[list[DecodedSpan]]:
    """Decode spans of whole units: the best of the tag sequences in which no span starts or ends inside one.

    The words of a unit are all O, all I, or B and then I, so its logits are sums of its words'.
    """
    is_word = np.arange(logits.shape[1]) < lengths[:, np.newaxis]
    words = logits[is_word]  # (words of all sequences, tags)
    rows, columns = np.nonzero(is_start)  # of the units of all sequences
    starts = np.flatnonzero(is_start[is_word])  # the same places among `words`
    n_units = is_start.sum(1)
    merged = np.zeros((len(logits), int(n_units.max(initial=0)), logits.shape[2]), np.float32)
    if len(starts):
        behind = words[:, 2::2].copy()
        behind[starts] = 0.0  # not subtracted from the sum: a forbidden tag is at -inf
        sums = np.add.reduceat(words, starts)
        sums[:, 1::2] = words[starts, 1::2] + np.add.reduceat(behind, starts)
        merged[np.arange(merged.shape[1]) < n_units[:, np.newaxis]] = sums
    found = find_spans(merged, n_units, outside_bias=outside_bias, recall_bias=recall_bias)
    firsts = (np.cumsum(n_units) - n_units)[found.sequences]
    # A unit ends where the next one starts, the last one of a sequence with it.
    ends = np.append(columns[1:], 0)
    ends[np.flatnonzero(np.append(rows[1:] != rows[:-1], True)[: len(rows)])] = lengths[n_units > 0]
    spans = found._replace(starts=columns[firsts + found.starts], ends=ends[firsts + found.ends - 1])
    return spans.to_lists(len(logits))


def pad_rows(
    rows: NDArray[np.float32], ranges: Sequence[Span]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Cut `rows` (words, width) at `ranges` into a padded batch (ranges, longest, width) and its lengths."""
    lengths = np.array([end - start for start, end in ranges], np.int64)
    batch = np.zeros((len(ranges), int(lengths.max(initial=0)), rows.shape[1]), np.float32)
    for row, (start, end) in enumerate(ranges):
        batch[row, : end - start] = rows[start:end]
    return batch, lengths


def assemble(
    document: Document,
    words: Sequence[Span],
    sentences: Sequence[Span],
    *,
    entities: Sequence[Sequence[DecodedSpan]],
    events: Sequence[Sequence[tuple[DecodedSpan, Roles]]],
    labels: Labels,
) -> Document:
    """Put decoded spans into `document`, in text order, offsets into its own text.

    An event has the score of its trigger. A role was decoded as if its trigger were certain, so the score of
    an argument is the span's times the trigger's.

    Args:
        document: the text; what it held of entities and events is replaced.
        words: code-point spans of the words.
        sentences: word ranges of the sentences.
        entities: the spans of each sentence, counted from its first word.
        events: the triggers of each sentence with their roles, counted likewise.
        labels: the model's labels.
    """

    def place(sentence: int, span: DecodedSpan) -> dict[str, Any]:
        first = sentences[sentence][0]
        start, end = words[first + span.start][0], words[first + span.end - 1][1]
        return {"start": start, "end": end, "text": document.text[start:end], "score": span.score}

    spans = [(labels.entities[span.label], place(sentence, span)) for sentence, span in _in_order(entities)]
    named = tuple(
        Entity(id=f"T{number}", label=label, **where)
        for number, (label, (_, where)) in enumerate(zip(_in_agreement(spans), spans, strict=True), start=1)
    )
    id_of = {(entity.start, entity.end): entity.id for entity in named}

    def argument(sentence: int, trigger: DecodedSpan, role: str, span: DecodedSpan) -> Argument:
        where = place(sentence, span) | {"score": trigger.score * span.score}
        return Argument(role=role, entity_id=id_of.get((where["start"], where["end"])), **where)

    found = tuple(
        Event(
            id=f"E{number}",
            type=labels.events[trigger.label],
            trigger=Trigger(**place(sentence, trigger)),
            arguments=tuple(argument(sentence, trigger, role, span) for role, span in roles.arguments),
            factuality=roles.factuality,
            score=trigger.score,
        )
        for number, (sentence, (trigger, roles)) in enumerate(_in_order(events), start=1)
    )
    return fill(document, entities=named, events=found)


def _in_agreement(spans: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    """Give the mentions of one name in a document one label: the one with the highest sum of scores."""
    totals: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    names = [letters(where["text"]) for _, where in spans]  # سـرت is سرت
    for name, (label, where) in zip(names, spans, strict=True):
        totals[name][label] += where["score"]
    best = {name: max(sums, key=sums.__getitem__) for name, sums in totals.items()}
    return (best[name] for name in names)


def _in_order(by_sentence: Sequence[Sequence[T]]) -> Iterator[tuple[int, T]]:
    return ((number, item) for number, items in enumerate(by_sentence) for item in items)
