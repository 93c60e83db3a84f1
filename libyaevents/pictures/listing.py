"""What the pictures share: events come in with their documents' names, a page with lists of them goes out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from libyaevents.documents import Document, Event, Place
from libyaevents.markup import (
    casualties_html,
    claim_html,
    hue_of,
    isolate,
    label_html,
    list_html,
    page_html,
    place_html,
    time_html,
)
from libyaevents.ontology import load_ontology

__all__ = ["WIDTH", "Group", "Sighting", "picture_page", "sightings_of"]

# Of the drawings, in their units; a phone shows one at 0.6 of a pixel, a desktop at 1.5.
WIDTH = 640.0

_ACTUAL = "actual"
_STYLES = ("page.css", "picture.css")
# With that many events or fewer, the lists are open.
_FEW_EVENTS = 40


@dataclass(frozen=True, slots=True)
class Sighting:
    """An event, and the name and number of the document that tells of it."""

    event: Event
    document: str
    number: int

    @property
    def is_actual(self) -> bool:
        """Whether the text tells it as a fact."""
        return self.event.factuality == _ACTUAL


class Group(NamedTuple):
    """Events that stand together in a list; `name` is HTML, `anchor` what the drawing links to."""

    name: str
    sightings: Sequence[Sighting]
    anchor: str = ""


def sightings_of(documents: Iterable[Document]) -> list[Sighting]:
    """Return all events in order; a document without title and id is called by its number."""
    return [
        Sighting(event, document.title or document.id or f"مقال {number}", number)
        for number, document in enumerate(documents, start=1)
        for event in document.events
    ]


def picture_page(
    title: str,
    svg: str,
    caption: str,
    lists: Iterable[tuple[str, Sequence[Group]]],
    *,
    place: Callable[[Place], str] = place_html,
) -> str:
    """Return the page of a drawing and of the lists beneath it; `place` returns what they say of places."""
    shown = [(name, groups) for name, groups in lists if groups]
    sightings = [sighting for _, groups in shown for group in groups for sighting in group.sightings]
    facts = {"الأحداث": len(sightings), "المقالات": len({sighting.number for sighting in sightings})}
    header = "".join(f"<div><dt>{name}</dt><dd>{count}</dd></div>" for name, count in facts.items())
    is_open = len(sightings) <= _FEW_EVENTS
    sections = []
    for name, groups in shown:
        items = "".join(_group_html(group, place, is_open=is_open) for group in groups)
        sections.append(f"<section>\n<h2>{name} <small>{len(groups)}</small></h2>\n{items}</section>")
    figure = f'<figure class="picture">\n{svg}\n<figcaption>{caption}</figcaption>\n</figure>'
    return page_html(title, f"<dl>{header}</dl>", "\n".join([figure, *sections]), *_STYLES)


def _group_html(group: Group, place: Callable[[Place], str], *, is_open: bool) -> str:
    """Return a list of events that opens without a script, also where a link leads to what is inside."""
    anchor = f' id="{group.anchor}"' if group.anchor else ""
    summary = f'<summary>{group.name} <span class="count">{len(group.sightings)}</span></summary>'
    events = list_html(_sighting_html(sighting, place) for sighting in group.sightings)
    return f"<details{' open' if is_open else ''}>{summary}<div{anchor}>{events}</div></details>\n"


def _sighting_html(sighting: Sighting, place: Callable[[Place], str]) -> str:
    """Return what is known of an event: type, words, when, where, how many, who says so, and the document."""
    event = sighting.event
    hue = hue_of(event.type, load_ontology().event_labels)
    facts = (
        time_html(event.time) if event.time else "",
        place(event.place) if event.place else "",
        *map(casualties_html, event.casualties),
        claim_html(event.claim) if event.claim else "",
    )
    return " ".join(
        (
            label_html(event.type, f"trigger hue{hue}"),
            "" if sighting.is_actual else label_html(event.factuality, "other"),
            f"«{isolate(event.trigger.text)}»",
            *(f'<span class="fact">{fact}</span>' for fact in facts if fact),
            f'<small class="from">{isolate(sighting.document)}</small>',
        )
    )
