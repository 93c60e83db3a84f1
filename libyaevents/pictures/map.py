"""The map: documents come in, a page with an inline SVG of their events by place goes out."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import NamedTuple

from libyaevents.documents import Document, Place
from libyaevents.markup import escape, place_name_html, place_notes_html, point_html
from libyaevents.pictures.listing import WIDTH, Group, Sighting, picture_page, sightings_of

__all__ = ["to_map"]

_REGION = 3  # the precision of a place that is a whole region or country

_MARGIN_DEGREES, _NEAR_DEGREES = 0.4, 6.0
_GRID_DEGREES, _GRID_NAME_WIDTH = 5, 50.0
_SMALLEST_CIRCLE, _LARGEST_CIRCLE = 5.0, 26.0
_MOST_NAMES, _LONGEST_NAME, _NAME_HEIGHT, _LETTER_WIDTH = 14, 22, 26.0, 11.0


class _Frame(NamedTuple):
    """A part of the world in degrees, drawn at a constant scale: the equirectangular projection."""

    west: float
    south: float
    east: float
    north: float

    @property
    def scale(self) -> float:
        """Units in a degree of latitude."""
        return WIDTH / ((self.east - self.west) * self.narrowing)

    @property
    def narrowing(self) -> float:
        """Length of a degree of longitude in degrees of latitude, in the middle of the frame."""
        return math.cos(math.radians((self.south + self.north) / 2))

    @property
    def height(self) -> float:
        """Height in units."""
        return (self.north - self.south) * self.scale

    def point(self, longitude: float, latitude: float) -> tuple[float, float]:
        """Return x and y in units, from the upper left corner."""
        return (longitude - self.west) * self.scale * self.narrowing, (self.north - latitude) * self.scale

    def holds(self, longitude: float, latitude: float) -> bool:
        """Return whether a point lies in the frame."""
        return self.west <= longitude <= self.east and self.south <= latitude <= self.north

    def widened(self, degrees: float) -> "_Frame":
        """Return the frame with a margin on each side."""
        west, south, east, north = self
        return _Frame(west - degrees, south - degrees, east + degrees, north + degrees)


@dataclass(frozen=True, slots=True)
class _Spot:
    """A point with the events that lie there."""

    place: Place
    longitude: float
    latitude: float
    sightings: Sequence[Sighting]

    @property
    def is_sure(self) -> bool:
        """Whether something happened there, and not just somewhere in a region around the point."""
        places = (item.event.place for item in self.sightings if item.is_actual)
        return any(place and place.precision != _REGION for place in places)

    def group(self, anchor: str = "") -> Group:
        """Return the list of the events."""
        return Group(f"{place_name_html(self.place)} {point_html(self.place)}", self.sightings, anchor)


def to_map(documents: Iterable[Document]) -> str:
    """Return a page with a map of the events by place, and a list of all.

    The frame is Libya with its district outlines. Where events lie beside it, it is wider; what lies farther
    away, or nowhere, is in the list alone.
    """
    spots, unplaced = _spots(sightings_of(documents))
    frame = _frame_of(spots)
    inside = [spot for spot in spots if frame.holds(spot.longitude, spot.latitude)]
    outside = [spot for spot in spots if not frame.holds(spot.longitude, spot.latitude)]
    lists = (
        ("على الخريطة", [spot.group(f"place-{number}") for number, spot in enumerate(inside)]),
        ("خارج الخريطة", [spot.group() for spot in outside]),
        ("بلا موضع معروف", [Group("أحداث بلا إحداثيات", unplaced)] if unplaced else []),
    )
    most = max((len(spot.sightings) for spot in inside), default=0)
    caption = (
        f"مساحة الدائرة بعدد الأحداث، وأكبرها {most}. "
        "الدائرة المتقطعة: منطقة واسعة لا موضع، أو ما لم يقع فعلًا. "
        "حدود الشعبيات: Natural Earth (ملكية عامة) من geoBoundaries، عبر Libya-Postal-Code."
    )
    svg = _map_svg(frame, inside)
    return picture_page("خريطة الأحداث", svg, caption, lists, place=place_notes_html)


def _spots(sightings: Iterable[Sighting]) -> tuple[list[_Spot], list[Sighting]]:
    """Return the points with their events, the most events first, and the events without a point."""
    found: defaultdict[tuple[str, float, float], list[Sighting]] = defaultdict(list)
    unplaced = []
    for sighting in sightings:
        place = sighting.event.place
        if place is None or place.latitude is None or place.longitude is None:
            unplaced.append(sighting)
        else:
            found[place.name, place.longitude, place.latitude].append(sighting)
    spots = [
        _Spot(place, longitude, latitude, group)
        for (_, longitude, latitude), group in found.items()
        if (place := group[0].event.place) is not None
    ]
    return sorted(spots, key=lambda spot: -len(spot.sightings)), unplaced


def _frame_of(spots: Iterable[_Spot]) -> _Frame:
    """Return the box of the outlines, wider where points lie near it."""
    rings = _outlines()
    longitudes, latitudes = zip(*chain.from_iterable(rings), strict=True)
    box = _Frame(min(longitudes), min(latitudes), max(longitudes), max(latitudes)).widened(_MARGIN_DEGREES)
    near = box.widened(_NEAR_DEGREES)
    beside = [
        _Frame(spot.longitude, spot.latitude, spot.longitude, spot.latitude).widened(2 * _MARGIN_DEGREES)
        for spot in spots
        if near.holds(spot.longitude, spot.latitude) and not box.holds(spot.longitude, spot.latitude)
    ]
    wests, souths, easts, norths = zip(box, *beside, strict=True)
    return _Frame(min(wests), min(souths), max(easts), max(norths))


@cache
def _outlines() -> tuple[tuple[tuple[float, float], ...], ...]:
    """Return the rings of Libya's districts, longitude before latitude."""
    text = files("libyaevents").joinpath("data/libya_outline.json").read_text(encoding="utf-8")
    rings = chain.from_iterable(district["rings"] for district in json.loads(text)["districts"])
    return tuple(tuple((longitude, latitude) for longitude, latitude in ring) for ring in rings)


def _map_svg(frame: _Frame, spots: Sequence[_Spot]) -> str:
    # The largest circles come first in the list, and so lie undermost.
    circles = "\n".join(_circle(frame, spot, number, spots) for number, spot in enumerate(spots))
    names = "".join(_names(frame, spots))
    return (
        f'<svg viewBox="0 0 {WIDTH:.0f} {frame.height:.0f}" aria-label="خريطة">\n'
        f'<path class="land" d="{_outline_path(frame)}"/>\n{_grid(frame)}\n{circles}\n{names}</svg>'
    )


def _outline_path(frame: _Frame) -> str:
    points = ((frame.point(*point) for point in ring) for ring in _outlines())
    return "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring) + "Z" for ring in points)


def _grid(frame: _Frame) -> str:
    """Return meridians and parallels with their degrees, for where there is no outline."""
    lines = []
    for longitude in range(math.ceil(frame.west), math.ceil(frame.east)):
        if longitude % _GRID_DEGREES == 0:
            x, _ = frame.point(longitude, frame.north)
            lines.append(f'<path d="M{x:.1f} 0V{frame.height:.1f}"/>')
            if x < WIDTH - _GRID_NAME_WIDTH:
                lines.append(f'<text x="{x + 3:.1f}" y="{frame.height - 5:.1f}">{longitude}°E</text>')
    for latitude in range(math.ceil(frame.south), math.ceil(frame.north)):
        if latitude % _GRID_DEGREES == 0:
            _, y = frame.point(frame.west, latitude)
            lines.append(f'<path d="M0 {y:.1f}H{WIDTH}"/><text x="3" y="{y - 4:.1f}">{latitude}°N</text>')
    return f'<g class="grid">{"".join(lines)}</g>'


def _circle(frame: _Frame, spot: _Spot, number: int, spots: Sequence[_Spot]) -> str:
    x, y = frame.point(spot.longitude, spot.latitude)
    title = escape(f"{spot.place.name}: {len(spot.sightings)}")
    unsure = "" if spot.is_sure else " unsure"
    return (
        f'<a href="#place-{number}"><title>{title}</title><circle class="spot{unsure}" cx="{x:.1f}" '
        f'cy="{y:.1f}" r="{_spot_radius(spot, spots):.1f}"/></a>'
    )


def _spot_radius(spot: _Spot, spots: Sequence[_Spot]) -> float:
    """Return a radius by which areas are as numbers of events; what would be too small to see is larger."""
    most = len(spots[0].sightings)
    largest = min(_LARGEST_CIRCLE, _SMALLEST_CIRCLE * math.sqrt(most))
    return max(_SMALLEST_CIRCLE, largest * math.sqrt(len(spot.sightings) / most))


def _names(frame: _Frame, spots: Sequence[_Spot]) -> Iterator[str]:
    """Yield names beside circles, those of the most events first, where none covers another."""
    taken: list[tuple[float, float, float, float]] = []
    for spot in spots:
        name = _clipped(spot.place.name)
        x, y = frame.point(spot.longitude, spot.latitude)
        half, radius = len(name) * _LETTER_WIDTH / 2, _spot_radius(spot, spots)
        x = min(max(x, half), WIDTH - half)
        for bottom in (y - radius - 2, y + radius + _NAME_HEIGHT - 4):
            box = (x - half, bottom - _NAME_HEIGHT, x + half, bottom)
            if not any(_overlap(box, other) for other in taken) and _NAME_HEIGHT < bottom < frame.height:
                taken.append(box)
                yield f'<text class="name" x="{x:.1f}" y="{bottom - 5:.1f}">{escape(name)}</text>\n'
                break
        if len(taken) == _MOST_NAMES:
            return


def _overlap(box: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]


def _clipped(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_NAME else f"{line[: _LONGEST_NAME - 1]}…"
