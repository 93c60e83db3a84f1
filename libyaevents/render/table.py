"""A document as a table for the terminal: a document comes in, a rich renderable goes out.

Markup in the text is shown literally; control characters and bidi overrides are shown by their code points.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import groupby, zip_longest

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.constrain import Constrain
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from libyaevents.documents import Argument, Document, Event, Span, Trigger
from libyaevents.markup import visible
from libyaevents.render.facts import facts_of, is_source, texts_by_label, with_score

__all__ = ["to_table"]

_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_WHITE_SPACE = re.compile(r"\s+")

_TABLE_WIDTH, _LABEL_WIDTH = 100, 24
_FIRST_STRONG_ISOLATE, _POP_ISOLATE, _RIGHT_TO_LEFT_MARK = "\u2068", "\u2069", "\u200f"
_FACTUALITY_STYLES = {"actual": "green", "negated": "red", "possible": "yellow"}


def to_table(document: Document) -> RenderableType:
    """Return tables of the document's facts, its events by sentence, and its entities.

    Terminals either reorder every printed line by the bidi algorithm or none at all. There is therefore one
    Arabic column, flush right, with Latin columns around it, and each of its lines is an isolate of its own.
    """
    parts = [_facts_table(document), _events_table(document), _entities_table(document)]
    return Constrain(Group(*parts), width=_TABLE_WIDTH)


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
    arguments = sorted(event.arguments, key=is_source)
    mentions = [
        _mention_cells("trigger", event.trigger, "bold cyan"),
        *(_mention_cells(item.role, item, "magenta" if is_source(item) else "") for item in arguments),
    ]
    for fact, cells in zip_longest(facts, mentions, fillvalue=""):
        table.add_row(fact, *cells)


def _mention_cells(
    name: str, mention: Trigger | Argument, style: str
) -> tuple[RenderableType, RenderableType]:
    role = Text(with_score(_line(name), mention.score), style)
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
    for label, texts in texts_by_label(document):
        names = "، ".join(text if n == 1 else f"{text} ({n})" for text, n in texts.most_common())
        table.add_row(str(texts.total()), _Isolated(Text(_line(names))), Text(_line(label), "bold"))
    return table


def _facts_table(document: Document) -> Table:
    table = Table(box=None, expand=True, show_header=False)
    table.add_column(justify="right", ratio=1)
    table.add_column(overflow="fold", max_width=_LABEL_WIDTH)
    for name, value in facts_of(document):
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


def _line(text: str) -> str:
    return visible(_WHITE_SPACE.sub(" ", text))
