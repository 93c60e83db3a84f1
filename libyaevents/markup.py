"""Pieces of web pages: strings and resolved facts of a document come in, inert HTML goes out.

Every string is escaped and isolated from its neighbors; control characters and bidi overrides, which could
reorder what a reader sees, are shown by their code points (⟨U+202E⟩). Pages load nothing and run nothing.
"""

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files
from zlib import crc32

from libyaevents.documents import Actor, Casualties, Claim, Place, Timex

__all__ = [
    "actor_html",
    "casualties_html",
    "claim_html",
    "escape",
    "hue_of",
    "isolate",
    "label_html",
    "list_html",
    "long_class",
    "page_html",
    "place_html",
    "place_name_html",
    "place_notes_html",
    "point_html",
    "style_policy",
    "time_html",
    "value_html",
    "visible",
]

_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u206f\ud800-\udfff]")
_N_HUES = 12
# What is longer than any label of the ontology may break the line: a hostile one would widen the page.
_LONGEST_LABEL = 32

_STATUS_NAMES = {"happened": "وقع", "claimed": "قول منسوب", "denied": "منفي", "planned": "غير مؤكد أو مرتقب"}
_PARTY_NAMES = {True: "طرف في الحدث", False: "ليس طرفًا في الحدث"}
_HARM_NAMES = {"killed": "قتلى", "injured": "جرحى", "detained": "محتجزون", "displaced": "نازحون"}
_TIME_PRECISIONS = {"week": "بدقة أسبوع", "month": "بدقة شهر", "year": "بدقة سنة"}
_PLACE_PRECISIONS = {2: "قرب هذا الموضع", 3: "منطقة واسعة"}


def visible(text: str) -> str:
    """Return the text with control characters and bidi overrides shown by their code points."""
    return _UNSAFE.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def escape(text: str) -> str:
    """Return the text as HTML, for content and for quoted attributes."""
    return html.escape(visible(text))


def isolate(text: str) -> str:
    """Return the text as HTML whose direction is its own."""
    return f"<bdi>{escape(text)}</bdi>"


def label_html(text: str, classes: str) -> str:
    """Return a label of the ontology or a code, which runs from left to right."""
    return f'<bdi dir="ltr" lang="en" class="label {classes}{long_class(text)}">{escape(text)}</bdi>'


def long_class(label: str) -> str:
    """Return the class of a label that may break the line; nothing for all of the ontology's."""
    return " long" if len(label) > _LONGEST_LABEL else ""


def value_html(text: str) -> str:
    """Return a date or number, which runs from left to right and, where it fits, stays on one line."""
    return f'<bdi dir="ltr" class="value">{escape(text)}</bdi>'


def list_html(items: Iterable[str]) -> str:
    """Return a list of pieces of HTML; nothing where there is none."""
    rows = "".join(f"<li>{item}</li>" for item in items)
    return f"<ul>{rows}</ul>" if rows else ""


def hue_of(label: str, known: Sequence[str]) -> int:
    """Return the number of a label's color, the same on every page."""
    return (known.index(label) if label in known else crc32(label.encode("utf-8", "replace"))) % _N_HUES


def style_policy(style: str) -> str:
    """Return the content security policy of a page that has this style and no script or file."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def page_html(title: str, header: str, main: str, *styles: str) -> str:
    """Return a right-to-left page with the named style files; all but the title is HTML already."""
    folder = files("libyaevents").joinpath("data")
    style = "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in styles)
    return f"""<!doctype html>
<html lang="ar" dir="rtl">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{style_policy(style)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{isolate(title)}</h1>
{header}
</header>
<main>
{main}
</main>
</body>
</html>
"""


def time_html(time: Timex) -> str:
    """Return the value of a time, or else its words, with its precision and what it rests on."""
    value = value_html(time.value) if time.value else isolate(time.text or "—")
    notes = [_TIME_PRECISIONS.get(time.precision or "", ""), "مستنتج" if time.inferred else ""]
    if time.value and time.anchor and time.value != time.anchor.isoformat():
        notes.append(f"محسوب من {value_html(time.anchor.isoformat())}")
    return f"{value} {_notes_html(notes)}".strip()


def place_html(place: Place) -> str:
    """Return name, region and country of a place, its point, and how precise that is."""
    return " ".join(filter(None, (place_name_html(place), point_html(place), place_notes_html(place))))


def place_name_html(place: Place) -> str:
    """Return name, region and country of a place, each once."""
    parts = dict.fromkeys(filter(None, (place.name, place.admin1, place.country)))
    return "، ".join(map(isolate, parts))


def point_html(place: Place) -> str:
    """Return latitude and longitude in degrees; nothing where they are unknown."""
    if place.latitude is None or place.longitude is None:
        return ""
    return f"<small>{value_html(f'{place.latitude:.2f}, {place.longitude:.2f}')}</small>"


def place_notes_html(place: Place) -> str:
    """Return how precise the point of a place is; nothing where it is exact or unknown."""
    radius = f"{value_html(f'±{place.radius_km:g}')} كم" if place.radius_km else ""
    return _notes_html([_PLACE_PRECISIONS.get(place.precision or 0, ""), radius])


def actor_html(actor: Actor) -> str:
    """Return the name of an actor with its code and side."""
    labels = dict.fromkeys(filter(None, (actor.code, actor.side)))
    return " ".join([isolate(actor.name), *(label_html(text, "code") for text in labels)])


def claim_html(claim: Claim) -> str:
    """Return who claims it, the status of the claim, and whether the claimant is a party; else nothing."""
    claimant = claim.claimed_by
    who = "" if claimant is None else isolate(claimant) if isinstance(claimant, str) else actor_html(claimant)
    status = claim.status and f'<span class="status {claim.status}">{_STATUS_NAMES[claim.status]}</span>'
    party = _PARTY_NAMES[claim.party] if claim.party is not None else ""
    return " ".join(filter(None, (who, status, _notes_html([party]))))


def casualties_html(figure: Casualties) -> str:
    """Return a figure of people harmed, and whose figure it is."""
    name = isolate(_HARM_NAMES.get(figure.kind, figure.kind))
    source = f"بحسب {isolate(figure.source)}" if figure.source else ""
    return f"{name}: {_range_html(figure)} {_notes_html([source])}".strip()


def _range_html(figure: Casualties) -> str:
    low, best, high = figure.minimum, figure.best, figure.maximum
    if low is not None and high is not None:
        span = value_html(f"{low:,}" if low == high else f"{low:,}–{high:,}")
        return span if best is None or low == high else f"{span}، الأرجح {value_html(f'{best:,}')}"
    parts = (
        "" if best is None else value_html(f"{best:,}"),
        "" if low is None or low == best else f"{value_html(f'{low:,}')} على الأقل",
        "" if high is None or high == best else f"{value_html(f'{high:,}')} على الأكثر",
    )
    return "، ".join(filter(None, parts)) or "بلا عدد"


def _notes_html(notes: Iterable[str]) -> str:
    text = "؛ ".join(filter(None, notes))
    return f'<small class="note">{text}</small>' if text else ""
