"""Show a document to a person: as a table for the terminal, or as one web page.

A document comes in; a rich renderable or an HTML page goes out. Text from the document is inert in both:
markup is shown literally; control characters and bidi overrides, which could reorder what a reader sees,
are shown by their code points (⟨U+202E⟩).
"""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby, pairwise, takewhile, zip_longest

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.constrain import Constrain
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from libyaevents.documents import Actor, Argument, Claim, Document, Entity, Event, Span, Trigger
from libyaevents.markup import (
    actor_html,
    casualties_html,
    claim_html,
    escape,
    hue_of,
    isolate,
    label_html,
    list_html,
    page_html,
    place_html,
    point_html,
    time_html,
    value_html,
    visible,
)
from libyaevents.ontology import load_ontology

__all__ = ["to_html", "to_table"]

_SOURCE = "Source"
_ACTUAL = "actual"

_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_WHITE_SPACE = re.compile(r"\s+")
_LINE_BREAKS = frozenset("\r\n")

_TABLE_WIDTH, _LABEL_WIDTH = 100, 24
_FIRST_STRONG_ISOLATE, _POP_ISOLATE, _RIGHT_TO_LEFT_MARK = "\u2068", "\u2069", "\u200f"
_FACTUALITY_STYLES = {"actual": "green", "negated": "red", "possible": "yellow"}

_FACT_NAMES = {"published": "النشر", "source": "المصدر", "url": "الرابط", "id": "المعرّف"}
_WHEN_AND_WHERE, _HARM = "متى وأين", "الضحايا"
_COLUMN_NAMES = ("الحدث", "الحالة", "اللفظ الدال", "الأدوار", _WHEN_AND_WHERE, _HARM, "من يقول ذلك")


def to_table(document: Document) -> RenderableType:
    """Return tables of the document's facts, its events by sentence, and its entities.

    Terminals either reorder every printed line by the bidi algorithm or none at all. There is therefore one
    Arabic column, flush right, with Latin columns around it, and each of its lines is an isolate of its own.
    """
    parts = [_facts_table(document), _events_table(document), _entities_table(document)]
    return Constrain(Group(*parts), width=_TABLE_WIDTH)


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


def _events_table(document: Document) -> Table:
    table = _new_table("Events", len(document.events), "Event", "Text", "Role")
    events = sorted(document.events, key=lambda event: event.trigger.start)
    for sentence, group in groupby(events, key=lambda event: _sentence_around(document, event.trigger.start)):
        in_sentence = list(group)
        table.add_section()
        table.add_row("", _Isolated(_sentence_text(document, sentence, in_sentence)), Text("sentence", "dim"))
        for event in in_sentence:
            _add_event(table, event)
    return table


def _add_event(table: Table, event: Event) -> None:
    facts = [
        Text.assemble((_line(event.id), "dim"), " ", (_line(event.type), "bold")),
        Text(_line(event.factuality), _FACTUALITY_STYLES.get(event.factuality, "")),
    ]
    arguments = sorted(event.arguments, key=_is_source)
    mentions = [
        _mention_cells("trigger", event.trigger, "bold cyan"),
        *(_mention_cells(item.role, item, "magenta" if _is_source(item) else "") for item in arguments),
    ]
    for fact, cells in zip_longest(facts, mentions, fillvalue=""):
        table.add_row(fact, *cells)


def _mention_cells(
    name: str, mention: Trigger | Argument, style: str
) -> tuple[RenderableType, RenderableType]:
    role = Text(_with_score(_line(name), mention.score), style)
    return _Isolated(Text(_line(mention.text), style)), role


def _sentence_text(document: Document, sentence: Span, events: Iterable[Event]) -> Text:
    result = Text(style="dim")
    position, end = sentence
    for trigger in (event.trigger for event in events):
        if position <= trigger.start:
            result.append(_line(document.text[position : trigger.start]))
            result.append(_line(trigger.text), "not dim bold cyan")
            position = trigger.end
    return result.append(_line(document.text[position:end]))


def _sentence_around(document: Document, position: int) -> Span:
    """Return the sentence that holds a position; where the document has none, the line."""
    index = bisect_right(document.sentences, (position, len(document.text)))
    if index and position < document.sentences[index - 1][1]:
        return document.sentences[index - 1]
    end = document.text.find("\n", position)
    return document.text.rfind("\n", 0, position) + 1, len(document.text) if end < 0 else end


def _entities_table(document: Document) -> Table:
    table = _new_table("Entities", len(document.entities), "Count", "Text", "Type")
    for label, texts in _texts_bylabel_html(document):
        names = "، ".join(text if n == 1 else f"{text} ({n})" for text, n in texts.most_common())
        table.add_row(str(texts.total()), _Isolated(Text(_line(names))), Text(_line(label), "bold"))
    return table


def _facts_table(document: Document) -> Table:
    table = Table(box=None, expand=True, show_header=False)
    table.add_column(justify="right", ratio=1)
    table.add_column(overflow="fold", max_width=_LABEL_WIDTH)
    for name, value in _facts(document):
        table.add_row(_Isolated(Text(_line(value), "bold")), Text(_line(name), "dim"))
    return table


def _new_table(title: str, n_items: int, *headers: str) -> Table:
    table = Table(
        title=Text(f"{title} ({n_items})", "bold"), title_justify="left", box=box.ROUNDED, expand=True
    )
    for header in headers:
        if header == "Text":
            table.add_column(header, justify="right", ratio=1)
        else:
            table.add_column(header, overflow="fold", max_width=_LABEL_WIDTH)
    return table


class _Isolated:
    """A cell whose every printed line is a bidi isolate, flush right."""

    def __init__(self, text: Text) -> None:
        self.text = text
        # A line that starts with a Latin word in an Arabic sentence still runs from right to left.
        is_right_to_left = _RIGHT_TO_LEFT.search(text.plain)
        self.opening = _FIRST_STRONG_ISOLATE + (_RIGHT_TO_LEFT_MARK if is_right_to_left else "")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for line in self.text.wrap(console, options.max_width):
            line.rstrip()
            yield Text.assemble(self.opening, line, _POP_ISOLATE, justify="right")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self.text)


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
        return f'<bdi><mark class="{self.kind} hue{self.hue}"{anchor} data-label="{escape(self.label)}">'


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
            label=event.type if event.factuality == _ACTUAL else f"{event.type} · {event.factuality}",
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
        for name, value in _facts(document)
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
    factuality = "actual" if event.factuality == _ACTUAL else "other"
    event_id = escape(_with_score(event.id, event.score))
    sources = [argument for argument in event.arguments if _is_source(argument)]
    others = [argument for argument in event.arguments if not _is_source(argument)]
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
        f"{label_html(_with_score(item.role, item.score), 'role')} {isolate(item.text)}"
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
    for label, texts in _texts_bylabel_html(document):
        names = "، ".join(
            isolate(text) + (f" <small>×{n}</small>" if n > 1 else "") for text, n in texts.most_common()
        )
        chip = label_html(label, f"entity hue{hue_of(label, known)}")
        rows.append(f"<dt>{chip} <small>{texts.total()}</small></dt><dd>{names}</dd>")
    return f'<dl class="summary">{"".join(rows)}</dl>' if rows else "<p>لا كيانات.</p>"


def _facts(document: Document) -> list[tuple[str, str]]:
    facts = [(name, getattr(document, name)) for name in ("title", "published", "source", "url", "id")]
    return [(name, str(value)) for name, value in (*facts, *document.metadata.items()) if value]


def _texts_bylabel_html(document: Document) -> list[tuple[str, Counter[str]]]:
    """Return how often each entity text occurs, by label, the commonest label first."""
    texts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for entity in document.entities:
        texts[entity.label][entity.text] += 1
    return sorted(texts.items(), key=lambda item: -item[1].total())


def _is_source(argument: Argument) -> bool:
    return argument.role == _SOURCE


def _with_score(label: str, score: float | None) -> str:
    return label if score is None else f"{label} {100 * score:.0f}%"


def _line(text: str) -> str:
    return visible(_WHITE_SPACE.sub(" ", text))
