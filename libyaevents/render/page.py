"""A document as one web page: a document comes in, right-to-left HTML goes out, text inert.

The text has its entities and triggers marked; beneath it stand a table of events and the entities by type.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile

from libyaevents.documents import Actor, Argument, Claim, Document, Entity, Event
from libyaevents.markup import (
    actor_html,
    casualties_html,
    claim_html,
    escape,
    hue_of,
    isolate,
    label_html,
    list_html,
    long_class,
    page_html,
    place_html,
    point_html,
    time_html,
    value_html,
)
from libyaevents.ontology import load_ontology
from libyaevents.render.facts import ACTUAL, facts_of, is_source, texts_by_label, with_score

__all__ = ["to_html"]

_LINE_BREAKS = frozenset("\r\n")

_FACT_NAMES = {"published": "النشر", "source": "المصدر", "url": "الرابط", "id": "المعرّف"}
_WHEN_AND_WHERE, _HARM = "متى وأين", "الضحايا"
_COLUMN_NAMES = ("الحدث", "الحالة", "اللفظ الدال", "الأدوار", _WHEN_AND_WHERE, _HARM, "من يقول ذلك")


def to_html(document: Document) -> str:
    """Return one self-contained right-to-left page, without scripts and external resources."""
    title = document.title or document.id or "مقال بلا عنوان"
    main = f"""<section>
<h2>النص</h2>
<div class="text">{"".join(_marked_text(document))}</div>
</section>
<section>
<h2>الأحداث <small>{len(document.events)}</small></h2>
{_events_html(document)}
</section>
<section>
<h2>الكيانات <small>{len(document.entities)}</small></h2>
{_entities_html(document)}
</section>"""
    return page_html(title, _facts_html(document), main, "page.css")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """A span of the text to be highlighted; `anchor` is what the table of events links to."""

    start: int
    end: int
    kind: str
    label: str
    hue: int
    anchor: str = ""

    def opening(self, position: int) -> str:
        """Return the tags that open the mark at a position; only its first piece has label and anchor."""
        if position > self.start:
            return f'<bdi><mark class="{self.kind} hue{self.hue}">'
        anchor = self.anchor and f' id="{self.anchor}"'
        classes = f"{self.kind} hue{self.hue}{long_class(self.label)}"
        return f'<bdi><mark class="{classes}"{anchor} data-label="{escape(self.label)}">'


def _marks(document: Document) -> list[_Mark]:
    """Return entities and triggers, each before those that it encloses."""
    ontology = load_ontology()
    entities = [
        _Mark(
            start=entity.start,
            end=entity.end,
            kind="entity",
            label=entity.label,
            hue=hue_of(entity.label, ontology.entity_labels),
        )
        for entity in document.entities
    ]
    triggers = [
        _Mark(
            start=event.trigger.start,
            end=event.trigger.end,
            kind="trigger",
            label=event.type if event.factuality == ACTUAL else f"{event.type} · {event.factuality}",
            hue=hue_of(event.type, ontology.event_labels),
            anchor=f"event-{number}",
        )
        for number, event in enumerate(document.events)
    ]
    return sorted(entities + triggers, key=lambda mark: (mark.start, -mark.end))


def _marked_text(document: Document) -> Iterator[str]:
    """Yield the text as paragraphs with nested marks.

    Marks that cross each other or a line's end are closed there and opened again, so that tags are balanced.
    """
    starting = defaultdict(list)
    for mark in _marks(document):
        starting[mark.start].append(mark)
    open_marks: list[_Mark] = []
    active: list[_Mark] = []
    yield "<p>"
    for start, end in pairwise(_cuts(document.text, starting)):
        active = [mark for mark in active if mark.end > start] + starting[start]
        is_break = document.text[start] in _LINE_BREAKS
        wanted = [] if is_break else active
        n_kept = sum(
            1 for _ in takewhile(lambda pair: pair[0] is pair[1], zip(open_marks, wanted, strict=False))
        )
        yield "</mark></bdi>" * (len(open_marks) - n_kept)
        yield from (mark.opening(start) for mark in wanted[n_kept:])
        yield "</p>\n<p>" if is_break else escape(document.text[start:end])
        open_marks = wanted
    yield "</mark></bdi>" * len(open_marks) + "</p>"


def _cuts(text: str, starting: Mapping[int, Iterable[_Mark]]) -> list[int]:
    """Return where the set of open marks or the line can change."""
    breaks = [index for index, character in enumerate(text) if character in _LINE_BREAKS]
    ends = (mark.end for marks in starting.values() for mark in marks)
    return sorted({0, len(text), *breaks, *(index + 1 for index in breaks), *starting, *ends})


def _facts_html(document: Document) -> str:
    items = (
        f"<div><dt>{escape(_FACT_NAMES.get(name, name))}</dt><dd>{_linked(value)}</dd></div>"
        for name, value in facts_of(document)
        if name != "title"
    )
    return f"<dl>{''.join(items)}</dl>"


def _linked(value: str) -> str:
    text = isolate(value)
    is_web_address = value.startswith(("https://", "http://"))
    return f'<a href="{escape(value)}" rel="noopener noreferrer">{text}</a>' if is_web_address else text


def _events_html(document: Document) -> str:
    if not document.events:
        return "<p>لا أحداث.</p>"
    columns = [name for name in _COLUMN_NAMES if _has_column(name, document.events)]
    names = "".join(f'<th scope="col">{name}</th>' for name in columns)
    entities = {entity.id: entity for entity in document.entities}
    rows = "".join(
        _event_row(_event_cells(event, f"event-{number}", entities), columns)
        for number, event in enumerate(document.events)
    )
    return f"<table><thead><tr>{names}</tr></thead>\n<tbody>\n{rows}</tbody></table>"


def _has_column(name: str, events: Iterable[Event]) -> bool:
    """Return whether a column is always there, or an event has something to show in it."""
    if name == _WHEN_AND_WHERE:
        return any(event.time or event.place for event in events)
    return name != _HARM or any(event.casualties for event in events)


def _event_row(cells: Mapping[str, str], columns: Iterable[str]) -> str:
    row = "".join(f'<td data-name="{name}"><div>{cells[name] or "—"}</div></td>' for name in columns)
    return f"<tr>{row}</tr>\n"


def _event_cells(event: Event, anchor: str, entities: Mapping[str, Entity]) -> dict[str, str]:
    """Return what the columns say of an event, its trigger linked to the mark with that anchor."""
    hue = hue_of(event.type, load_ontology().event_labels)
    factuality = "actual" if event.factuality == ACTUAL else "other"
    event_id = escape(with_score(event.id, event.score))
    sources = [argument for argument in event.arguments if is_source(argument)]
    others = [argument for argument in event.arguments if not is_source(argument)]
    facts = [time_html(event.time) if event.time else "", place_html(event.place) if event.place else ""]
    claim = claim_html(_unnamed(event.claim, sources, entities)) if event.claim else ""
    cells = (
        f"{label_html(event.type, f'trigger hue{hue}')} <small><bdi>{event_id}</bdi></small>",
        label_html(event.factuality, factuality),
        f'<a href="#{anchor}">{isolate(event.trigger.text)}</a>',
        _arguments_html(others, entities),
        list_html(filter(None, facts)),
        list_html(casualties_html(figure) for figure in event.casualties),
        _arguments_html(sources, entities) + (f'<div class="claim">{claim}</div>' if claim else ""),
    )
    return dict(zip(_COLUMN_NAMES, cells, strict=True))


def _arguments_html(arguments: Iterable[Argument], entities: Mapping[str, Entity]) -> str:
    return list_html(
        f"{label_html(with_score(item.role, item.score), 'role')} {isolate(item.text)}"
        f"{_resolved_html(item, entities.get(item.entity_id or ''))}"
        for item in arguments
    )


def _unnamed(claim: Claim, sources: Iterable[Argument], entities: Mapping[str, Entity]) -> Claim:
    """Return the claim without its claimant where that stands among the sources already."""
    shown: set[Actor | str | None] = set()
    for argument in sources:
        shown |= {argument.text, _actor_of(argument, entities.get(argument.entity_id or ""))}
    return replace(claim, claimed_by=None) if claim.claimed_by in shown else claim


def _resolved_html(argument: Argument, entity: Entity | None) -> str:
    """Return who, where or when an argument was resolved to be; nothing where it was not."""
    actor = _actor_of(argument, entity)
    if actor:
        resolved = actor_html(actor)
    elif entity and entity.place:
        resolved = f"{isolate(entity.place.name)} {point_html(entity.place)}"
    elif entity and entity.time and entity.time.value:
        resolved = value_html(entity.time.value)
    else:
        return ""
    return f' <small class="resolved">{resolved}</small>'


def _actor_of(argument: Argument, entity: Entity | None) -> Actor | None:
    return argument.actor or (entity.actor if entity else None)


def _entities_html(document: Document) -> str:
    known = load_ontology().entity_labels
    rows = []
    for label, texts in texts_by_label(document):
        names = "، ".join(
            isolate(text) + (f" <small>×{n}</small>" if n > 1 else "") for text, n in texts.most_common()
        )
        chip = label_html(label, f"entity hue{hue_of(label, known)}")
        rows.append(f"<dt>{chip} <small>{texts.total()}</small></dt><dd>{names}</dd>")
    return f'<dl class="summary">{"".join(rows)}</dl>' if rows else "<p>لا كيانات.</p>"
