"""Documents for the tests of annotation formats: any that can be, by hypothesis, and what is left of one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

from hypothesis import strategies as st

from libyaevents.documents import (
    Actor,
    Argument,
    Casualties,
    Claim,
    Document,
    Entity,
    Event,
    Place,
    Span,
    Timex,
    Trigger,
)
from libyaevents.formats.losses import FIELDS, OTHER_SPAN, leave_out
from libyaevents.ontology import load_ontology

# What trips offsets and line ends: characters beyond the BMP, CRLF, what other tools take for line ends,
# marks, joiners, white space of every kind, and letters that formats give a meaning.
PIECES = (
    *("قصفت", "طائرات", "سرت", "سرت", "وبدرنة", "٥", "مُحَمَّد", "ﷺ", "لا", "5+5", "word"),
    *(
        "🚁",
        "👨🏻‍🚒",
        "𐤀",
        " ",
        " ",
        " ",
        "  ",
        "\n",
        "\r\n",
        "\r",
        "\t",
        "\u2028",
        "\x85",
        "\u200f",
        "\ufeff",
    ),
    *("،", "؛", "«", "»", "(", ")", ".", "|", "_", "#", "\\", "\\n", "=", ":", ";", "<b>", "&amp;", '"', "-"),
)
_ONTOLOGY = load_ontology()

ORDER, TWICE = "order of an event's arguments", "argument given twice"
IDS = {"id of an entity", "id of an event"}


def texts(max_pieces: int = 12) -> st.SearchStrategy[str]:
    """Texts of awkward pieces, names repeated; empty and white ones among them."""
    return st.lists(st.sampled_from(PIECES), max_size=max_pieces).map("".join)


@st.composite
def documents(draw: st.DrawFn, *, enriched: bool = False) -> Document:
    """Documents of any shape: nested and crossing mentions, two events on a word, odd ids, scores or none."""
    text = draw(texts())
    spans = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted).filter(_is_span)
    has_spans = len(text) > 0
    n_entities = draw(st.integers(0, 4 if has_spans else 0))
    entities = tuple(draw(_entity(text, spans, id, enriched)) for id in draw(_ids("T", n_entities)))
    n_events = draw(st.integers(0, 3 if has_spans else 0))
    events = tuple(draw(_event(text, spans, id, entities, enriched)) for id in draw(_ids("E", n_events)))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=4)))
    return Document(
        id=draw(st.none() | st.sampled_from(("a1", "خبر", "a/b", "..", "A1", "x" * 300))),
        title=draw(st.none() | texts(3)),
        published=draw(st.none() | st.just(date(2020, 6, 6))),
        source=draw(st.none() | texts(3)),
        url=draw(st.none() | st.just("https://example.org/?a=1&b=2#c")),
        text=text,
        sentences=tuple(zip(cuts[::2], cuts[1::2], strict=False)),
        entities=entities,
        events=events,
        metadata=draw(st.dictionaries(st.sampled_from(("desk", "قسم", "id", "text")), texts(3), max_size=2)),
    )


def corpora(*, enriched: bool = False) -> st.SearchStrategy[list[Document]]:
    """Lists of documents whose ids are their own."""
    return st.lists(documents(enriched=enriched), min_size=1, max_size=3).map(_with_own_ids)


def remainder(document: Document, losses: Mapping[str, int]) -> Document:
    """The document without what the losses name."""
    reduced, _ = leave_out(document, [name for name in losses if name in FIELDS])
    if OTHER_SPAN in losses:
        reduced = _unlinked(reduced)
    if TWICE in losses:
        reduced = _with_arguments(reduced, _once)
    if ORDER in losses:
        reduced = sorted_arguments(reduced)
    return renumbered(reduced) if IDS & set(losses) else reduced


def comparable(document: Document, losses: Mapping[str, int]) -> Document:
    """The document as it was read back, without the order and the ids that the losses name."""
    if ORDER in losses:
        document = sorted_arguments(document)
    return renumbered(document) if IDS & set(losses) else document


def sorted_arguments(document: Document) -> Document:
    """The document with the arguments of each event in an order of their own."""
    return _with_arguments(document, lambda arguments: tuple(sorted(arguments, key=repr)))


def renumbered(document: Document) -> Document:
    """The document with its entities called T1, T2 … and its events E1, E2 …, in order."""
    names = {entity.id: f"T{number}" for number, entity in enumerate(document.entities, start=1)}
    return replace(
        document,
        entities=tuple(replace(entity, id=names[entity.id]) for entity in document.entities),
        events=tuple(
            replace(
                event,
                id=f"E{number}",
                arguments=tuple(
                    replace(argument, entity_id=argument.entity_id and names[argument.entity_id])
                    for argument in event.arguments
                ),
            )
            for number, event in enumerate(document.events, start=1)
        ),
    )


def _is_span(span: list[int]) -> bool:
    return span[0] < span[1]


def _with_own_ids(found: list[Document]) -> list[Document]:
    return [
        document if document.id is None else replace(document, id=f"{document.id}{number or ''}")
        for number, document in enumerate(found)
    ]


def _ids(letter: str, count: int) -> st.SearchStrategy[list[str]]:
    usual = [f"{letter}{number}" for number in range(1, count + 1)]
    odd = st.sampled_from((*usual, f"{letter}0", f"{letter}17", "e-1", "كيان", "a b"))
    return st.just(usual) | st.lists(odd, min_size=count, max_size=count, unique=True)


def _score() -> st.SearchStrategy[float | None]:
    return st.none() | st.sampled_from((0.0, 1.0, 0.5, 1e-09, 0.9236571192741394))


@st.composite
def _entity(
    draw: st.DrawFn, text: str, spans: st.SearchStrategy[list[int]], id: str, enriched: bool
) -> Entity:
    start, end = draw(spans)
    entity = Entity(
        id=id,
        label=draw(st.sampled_from(("GPE", "MILITARY", "NEW_LABEL"))),
        start=start,
        end=end,
        text=text[start:end],
        score=draw(_score()),
    )
    if enriched and draw(st.booleans()):
        entity = replace(
            entity,
            core=(start, end),
            place=Place(name="سرت", latitude=31.2, longitude=16.6),
            actor=Actor(name="قوات الوفاق"),
            time=Timex(value="2020-06"),
        )
    return entity


@st.composite
def _event(
    draw: st.DrawFn,
    text: str,
    spans: st.SearchStrategy[list[int]],
    id: str,
    entities: tuple[Entity, ...],
    enriched: bool,
) -> Event:
    start, end = draw(spans)
    event = Event(
        id=id,
        type=draw(st.sampled_from(("Attack", "Kill", "NewType"))),
        trigger=Trigger(start=start, end=end, text=text[start:end], score=draw(_score())),
        factuality=draw(st.sampled_from(_ONTOLOGY.factuality_labels)),
        arguments=tuple(draw(st.lists(_argument(text, spans, entities), max_size=4))),
        score=draw(_score()),
    )
    if enriched and draw(st.booleans()):
        event = replace(
            event,
            time=Timex(value="2020-06-06", inferred=True),
            place=Place(name="سرت"),
            claim=Claim(claimed_by="متحدث", status="claimed"),
            casualties=(Casualties(kind="killed", best=3),),
            arguments=tuple(replace(argument, actor=Actor(name="جنود")) for argument in event.arguments),
        )
    return event


@st.composite
def _argument(
    draw: st.DrawFn, text: str, spans: st.SearchStrategy[list[int]], entities: tuple[Entity, ...]
) -> Argument:
    entity = draw(st.none() | st.sampled_from(entities)) if entities else None
    span: Span
    if entity is not None and draw(st.integers(0, 4)):
        span = (entity.start, entity.end)
    else:
        start, end = draw(spans)
        span = (start, end)
    return Argument(
        role=draw(st.sampled_from(("Agent", "Place", "Source"))),
        start=span[0],
        end=span[1],
        text=text[slice(*span)],
        entity_id=None if entity is None else entity.id,
        score=draw(_score()),
    )


def _unlinked(document: Document) -> Document:
    """The document without the links of arguments to entities that cover something else."""
    spans = {entity.id: (entity.start, entity.end) for entity in document.entities}

    def unlink(argument: Argument) -> Argument:
        is_kept = argument.entity_id is None or spans[argument.entity_id] == (argument.start, argument.end)
        return argument if is_kept else replace(argument, entity_id=None)

    return _with_arguments(document, lambda arguments: tuple(map(unlink, arguments)))


def _once(arguments: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """The arguments without those that give an entity a role again."""
    seen = set()
    kept = []
    for argument in arguments:
        key = (argument.role, argument.entity_id)
        if argument.entity_id is None or key not in seen:
            kept.append(argument)
        seen.add(key)
    return tuple(kept)


def _with_arguments(
    document: Document, change: Callable[[tuple[Argument, ...]], tuple[Argument, ...]]
) -> Document:
    events = tuple(replace(event, arguments=change(event.arguments)) for event in document.events)
    return replace(document, events=events)
