"""The timeline: documents come in, a page with an inline SVG of their events by day and type goes out."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import accumulate, pairwise
from statistics import median

from libyaevents.documents import Document, Timex
from libyaevents.markup import hue_of, value_html
from libyaevents.ontology import load_ontology
from libyaevents.pictures.listing import WIDTH, Group, Sighting, picture_page, sightings_of

__all__ = ["to_timeline"]

_NAMES_WIDTH, _ROW_HEIGHT, _AXIS_HEIGHT, _PADDING = 150.0, 34.0, 44.0, 20.0
_SMALLEST_MARK, _LARGEST_MARK, _TICK_WIDTH = 4.0, 15.0, 118.0
# A gap between days is drawn at most as long as so many usual ones, or so many days: one event of 1969 beside
# a week of 2019 leaves room for the week.
_LONGEST_GAP, _LONGEST_GAP_DAYS = 4, 10
# For all types that the ontology does not know.
_OTHER_TYPE = "أخرى"


def to_timeline(documents: Iterable[Document]) -> str:
    """Return a page with the events by day and type, the oldest on the right, and a list of all.

    Events known by a week, month, year or range, or by no date at all, are in the list alone.
    """
    days, periods, undated = _by_time(sightings_of(documents))
    lists = (
        (
            "بالأيام",
            [Group(value_html(day.isoformat()), days[day], f"day-{day}") for day in sorted(days)],
        ),
        ("بلا يوم محدد", [Group(value_html(value), periods[value]) for value in sorted(periods)]),
        ("بلا تاريخ", [Group("أحداث بلا تاريخ معروف", undated)] if undated else []),
    )
    longest = _longest_gap(sorted(days))
    caption = (
        "الأقدم عن اليمين، ومساحة الدائرة بعدد الأحداث. الدائرة المتقطعة: ما لم يقع فعلًا. "
        f"الخط المنقط: مدة بلا أحداث تزيد على {longest} يومًا، رُسمت أقصر مما هي."
    )
    return picture_page("خط زمني للأحداث", _timeline_svg(days), caption, lists)


def _by_time(
    sightings: Iterable[Sighting],
) -> tuple[Mapping[date, list[Sighting]], Mapping[str, list[Sighting]], list[Sighting]]:
    """Return events by day, those of longer or unclear times by their value, and those without any."""
    days: defaultdict[date, list[Sighting]] = defaultdict(list)
    periods: defaultdict[str, list[Sighting]] = defaultdict(list)
    undated = []
    for sighting in sightings:
        time = sighting.event.time
        if day := _day_of(time):
            days[day].append(sighting)
        elif time and time.value:
            periods[time.value].append(sighting)
        else:
            undated.append(sighting)
    return days, periods, undated


def _day_of(time: Timex | None) -> date | None:
    days = time.days() if time else None
    return days[0] if days and days[0] == days[1] else None


def _timeline_svg(days: Mapping[date, Sequence[Sighting]]) -> str:
    known = load_ontology().event_labels
    cells: defaultdict[tuple[date, str], list[Sighting]] = defaultdict(list)
    for day, sightings in days.items():
        for sighting in sightings:
            kind = sighting.event.type if sighting.event.type in known else _OTHER_TYPE
            cells[day, kind].append(sighting)
    present = {kind for _, kind in cells}
    rows = [kind for kind in (*known, _OTHER_TYPE) if kind in present]
    y_of = {kind: (number + 0.5) * _ROW_HEIGHT for number, kind in enumerate(rows)}
    x_of = _day_positions(sorted(days))
    height = len(rows) * _ROW_HEIGHT
    most = max(map(len, cells.values()), default=1)
    # The smaller ones last, so that they lie above.
    ordered = sorted(cells.items(), key=lambda item: -len(item[1]))
    marks = "\n".join(
        _mark(day, kind, sightings, (x_of[day], y_of[kind], _radius(len(sightings), most)))
        for (day, kind), sightings in ordered
    )
    return (
        f'<svg viewBox="0 0 {WIDTH:.0f} {height + _AXIS_HEIGHT:.0f}" aria-label="خط زمني">\n'
        f"{_rows(y_of)}\n{_axis(x_of, height)}\n{marks}\n</svg>"
    )


def _mark(day: date, kind: str, sightings: Sequence[Sighting], circle: tuple[float, float, float]) -> str:
    is_sure = any(sighting.is_actual for sighting in sightings)
    classes = f"mark hue{hue_of(kind, load_ontology().event_labels)}" + ("" if is_sure else " unsure")
    x, y, radius = circle
    return (
        f'<a href="#day-{day}"><title>{kind} · {day} · {len(sightings)}</title>'
        f'<circle class="{classes}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/></a>'
    )


def _radius(count: int, most: int) -> float:
    """Return a radius by which areas are as numbers of events; what would be too small to see is larger."""
    largest = min(_LARGEST_MARK, _SMALLEST_MARK * math.sqrt(most))
    return max(_SMALLEST_MARK, largest * math.sqrt(count / most))


def _longest_gap(days: Sequence[date]) -> int:
    """Return how many days between two days with events are drawn to scale."""
    gaps = [(after - before).days for before, after in pairwise(days)]
    return max(_LONGEST_GAP_DAYS, round(_LONGEST_GAP * median(gaps))) if gaps else _LONGEST_GAP_DAYS


def _day_positions(days: Sequence[date]) -> dict[date, float]:
    """Return x of each day, to scale from right to left, but for long gaps, which are cut short."""
    longest = _longest_gap(days)
    steps = [min((after - before).days, longest) for before, after in pairwise(days)]
    right, width = WIDTH - _NAMES_WIDTH - _PADDING, WIDTH - _NAMES_WIDTH - 2 * _PADDING
    unit = width / max(sum(steps), 1)
    passed = accumulate(steps, initial=0)  # one more than steps, and without days one all the same
    return {day: right - before * unit for day, before in zip(days, passed, strict=False)}


def _rows(y_of: Mapping[str, float]) -> str:
    lines = (
        f'<path d="M0 {y:.1f}H{WIDTH - _NAMES_WIDTH:.0f}"/>'
        f'<text x="{WIDTH - _NAMES_WIDTH + 10:.0f}" y="{y + 6:.1f}">{kind}</text>'
        for kind, y in y_of.items()
    )
    return f'<g class="rows">{"".join(lines)}</g>'


def _axis(x_of: Mapping[date, float], height: float) -> str:
    """Return the dates under the rows, as many as have room, and a line through each gap cut short."""
    longest = _longest_gap(list(x_of))
    gaps = [
        (x_of[before] + x_of[after]) / 2
        for before, after in pairwise(x_of)
        if (after - before).days > longest
    ]
    lines = [f'<path class="gap" d="M{x:.1f} 0V{height:.1f}"/>' for x in gaps]
    last = math.inf
    for day, x in x_of.items():
        if last - x >= _TICK_WIDTH:
            at = max(x, _TICK_WIDTH / 2)
            lines.append(
                f'<path d="M{x:.1f} {height:.1f}v6"/><text x="{at:.1f}" y="{height + 28:.1f}">{day}</text>'
            )
            last = at
    return f'<g class="axis">{"".join(lines)}</g>'
