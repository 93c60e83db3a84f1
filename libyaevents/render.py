"""Show a document to a person: as a table for the terminal, or as one web page.

A document comes in; a rich renderable or an HTML page goes out. Text from the document is inert in both:
markup is shown literally; control characters and bidi overrides, which could reorder what a reader sees,
are shown by their code points (⟨U+202E⟩).
"""

import base64
import hashlib
import html
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby, pairwise, takewhile, zip_longest
from zlib import crc32

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.constrain import Constrain
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from libyaevents.documents import Argument, Document, Event, Span, Trigger
from libyaevents.ontology import load_ontology

__all__ = ["to_html", "to_table"]

_SOURCE = "Source"
_ACTUAL = "actual"

_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_WHITE_SPACE = re.compile(r"\s+")
_LINE_BREAKS = frozenset("\r\n")

_TABLE_WIDTH, _LABEL_WIDTH = 100, 24
_FIRST_STRONG_ISOLATE, _POP_ISOLATE, _RIGHT_TO_LEFT_MARK = "\u2068", "\u2069", "\u200f"
_FACTUALITY_STYLES = {"actual": "green", "negated": "red", "possible": "yellow"}

_FACT_NAMES = {"published": "النشر", "source": "المصدر", "url": "الرابط", "id": "المعرّف"}
_COLUMN_NAMES = ("الحدث", "الحالة", "اللفظ الدال", "الأدوار", "من يقول ذلك")
_N_HUES = 12


def to_table(document: Document) -> RenderableType:
    """Return tables of the document's facts, its events by sentence, and its entities.

    Terminals either reorder every printed line by the bidi algorithm or none at all. There is therefore one
    Arabic column, flush right, with Latin columns around it, and each of its lines is an isolate of its own.
    """
    parts = [_facts_table(document), _events_table(document), _entities_table(document)]
    return Constrain(Group(*parts), width=_TABLE_WIDTH)


def to_html(document: Document) -> str:
    """Return one self-contained right-to-left page, without scripts and external resources."""
    title = _escape(document.title or document.id or "مقال بلا عنوان")
    style = files("libyaevents").joinpath("data/page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return f"""<!doctype html>
<html lang="ar" dir="rtl">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1><bdi>{title}</bdi></h1>
{_facts_html(document)}
</header>
<main>
<section>
<h2>النص</h2>
<div class="text">{"".join(_marked_text(document))}</div>
</section>
<section>
<h2>الأحداث <small>{len(document.events)}</small></h2>
{_events_html(document.events)}
</section>
<section>
<h2>الكيانات <small>{len(document.entities)}</small></h2>
{_entities_html(document)}
</section>
</main>
</body>
</html>
"""


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
    for label, texts in _texts_by_label(document):
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
        return f'<bdi><mark class="{self.kind} hue{self.hue}"{anchor} data-label="{_escape(self.label)}">'


def _marks(document: Document) -> list[_Mark]:
    """Return entities and triggers, each before those that it encloses."""
    ontology = load_ontology()
    entities = [
        _Mark(
            start=entity.start,
            end=entity.end,
            kind="entity",
            label=entity.label,
            hue=_hue(entity.label, ontology.entity_labels),
        )
        for entity in document.entities
    ]
    triggers = [
        _Mark(
            start=event.trigger.start,
            end=event.trigger.end,
            kind="trigger",
            label=event.type if event.factuality == _ACTUAL else f"{event.type} · {event.factuality}",
            hue=_hue(event.type, ontology.event_labels),
            anchor=f"event-{number}",
        )
        for number, event in enumerate(document.events)
    ]
    return sorted(entities + triggers, key=lambda mark: (mark.start, -mark.end))


def _hue(label: str, known: Sequence[str]) -> int:
    return (known.index(label) if label in known else crc32(label.encode())) % _N_HUES


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
        yield "</p>\n<p>" if is_break else _escape(document.text[start:end])
        open_marks = wanted
    yield "</mark></bdi>" * len(open_marks) + "</p>"


def _cuts(text: str, starting: Mapping[int, Iterable[_Mark]]) -> list[int]:
    """Return where the set of open marks or the line can change."""
    breaks = [index for index, character in enumerate(text) if character in _LINE_BREAKS]
    ends = (mark.end for marks in starting.values() for mark in marks)
    return sorted({0, len(text), *breaks, *(index + 1 for index in breaks), *starting, *ends})


def _facts_html(document: Document) -> str:
    items = (
        f"<div><dt>{_escape(_FACT_NAMES.get(name, name))}</dt><dd>{_linked(value)}</dd></div>"
        for name, value in _facts(document)
        if name != "title"
    )
    return f"<dl>{''.join(items)}</dl>"


def _linked(value: str) -> str:
    text = f"<bdi>{_escape(value)}</bdi>"
    is_web_address = value.startswith(("https://", "http://"))
    return f'<a href="{_escape(value)}" rel="noopener noreferrer">{text}</a>' if is_web_address else text


def _events_html(events: Sequence[Event]) -> str:
    if not events:
        return "<p>لا أحداث.</p>"
    names = "".join(f'<th scope="col">{name}</th>' for name in _COLUMN_NAMES)
    rows = (_event_row(event, f"event-{number}") for number, event in enumerate(events))
    return f"<table><thead><tr>{names}</tr></thead>\n<tbody>\n{''.join(rows)}</tbody></table>"


def _event_row(event: Event, anchor: str) -> str:
    """Return the row of an event, its trigger linked to the mark with that anchor."""
    hue = _hue(event.type, load_ontology().event_labels)
    factuality = "actual" if event.factuality == _ACTUAL else "other"
    event_id = _escape(_with_score(event.id, event.score))
    cells = (
        f"{_label(event.type, f'trigger hue{hue}')} <small><bdi>{event_id}</bdi></small>",
        _label(event.factuality, factuality),
        f'<a href="#{anchor}"><bdi>{_escape(event.trigger.text)}</bdi></a>',
        _arguments_html(argument for argument in event.arguments if not _is_source(argument)),
        _arguments_html(argument for argument in event.arguments if _is_source(argument)),
    )
    named = zip(_COLUMN_NAMES, cells, strict=True)
    columns = "".join(f'<td data-name="{name}"><div>{cell}</div></td>' for name, cell in named)
    return f"<tr>{columns}</tr>\n"


def _arguments_html(arguments: Iterable[Argument]) -> str:
    items = "".join(
        f"<li>{_label(_with_score(item.role, item.score), 'role')} <bdi>{_escape(item.text)}</bdi></li>"
        for item in arguments
    )
    return f"<ul>{items}</ul>" if items else "—"


def _entities_html(document: Document) -> str:
    known = load_ontology().entity_labels
    rows = []
    for label, texts in _texts_by_label(document):
        names = "، ".join(
            f"<bdi>{_escape(text)}</bdi>" + (f" <small>×{n}</small>" if n > 1 else "")
            for text, n in texts.most_common()
        )
        chip = _label(label, f"entity hue{_hue(label, known)}")
        rows.append(f"<dt>{chip} <small>{texts.total()}</small></dt><dd>{names}</dd>")
    return f'<dl class="summary">{"".join(rows)}</dl>' if rows else "<p>لا كيانات.</p>"


def _label(text: str, classes: str) -> str:
    return f'<bdi dir="ltr" lang="en" class="label {classes}">{_escape(text)}</bdi>'


def _facts(document: Document) -> list[tuple[str, str]]:
    facts = [(name, getattr(document, name)) for name in ("title", "published", "source", "url", "id")]
    return [(name, str(value)) for name, value in (*facts, *document.metadata.items()) if value]


def _texts_by_label(document: Document) -> list[tuple[str, Counter[str]]]:
    """Return how often each entity text occurs, by label, the commonest label first."""
    texts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for entity in document.entities:
        texts[entity.label][entity.text] += 1
    return sorted(texts.items(), key=lambda item: -item[1].total())


def _is_source(argument: Argument) -> bool:
    return argument.role == _SOURCE


def _with_score(label: str, score: float | None) -> str:
    return label if score is None else f"{label} {100 * score:.0f}%"


def _escape(text: str) -> str:
    return html.escape(_visible(text))


def _line(text: str) -> str:
    return _visible(_WHITE_SPACE.sub(" ", text))


def _visible(text: str) -> str:
    return _UNSAFE.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)
