"""Build the package's place tables from a folder of gazetteer sources.

    python scripts/build_gazetteer.py FOLDER [--data libyaevents/data]

The folder holds libya_places_osm.tsv, libya_cities.json, libya_districts.geojson and countries_ar.tsv (see
libyaevents/data/SOURCES.md). Rows marked `own` or `osm+own` in the tables are written by hand: their names
are kept and everything else is made anew. A settlement of Libya that OpenStreetMap has takes
its point from there and goes into the table under ODbL; no coordinate of it enters `places.tsv`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import cos, pi, radians, sqrt
from pathlib import Path

from libyaevents.enrich.gazetteer import distance_km, join_key, read_sourced_entries, split_key_words

COLUMNS = ("name", "aliases", "feature", "latitude", "longitude", "radius_km", "admin1", "country", "source")
HEADERS = {
    "places.tsv": (
        "# Places by the libyaevents authors (source own, Apache-2.0) and from\n"
        "# 43midoo-del/Libya-Postal-Code (source postal, MIT). See SOURCES.md.\n"
    ),
    "places_osm.tsv": (
        "# Contains information from OpenStreetMap (c) OpenStreetMap contributors and mledoze/countries,\n"
        "# made available under the Open Database License (ODbL) 1.0. See SOURCES.md.\n"
    ),
}
OWN = frozenset({"own", "osm+own"})
SETTLEMENTS = frozenset({"city", "town", "village", "hamlet", "neighbourhood"})
RADIUS_KM = {"city": 10, "town": 5, "village": 3, "hamlet": 2}
SAME_PLACE_KM = 25
KM_PER_DEGREE = 111.2

# ISO 3166-2 code of a district: how it is called in Arabic. The source's own Arabic names are postal zones.
DISTRICTS = {
    "LY-BU": "البطنان",
    "LY-DR": "درنة",
    "LY-JA": "الجبل الأخضر",
    "LY-MJ": "المرج",
    "LY-BA": "بنغازي",
    "LY-WA": "الواحات",
    "LY-KF": "الكفرة",
    "LY-SR": "سرت",
    "LY-JU": "الجفرة",
    "LY-JUU": "الجفرة",  # so in the source
    "LY-MI": "مصراتة",
    "LY-MB": "المرقب",
    "LY-TB": "طرابلس",
    "LY-JI": "الجفارة",
    "LY-ZA": "الزاوية",
    "LY-NQ": "النقاط الخمس",
    "LY-JG": "الجبل الغربي",
    "LY-NL": "نالوت",
    "LY-SB": "سبها",
    "LY-WS": "وادي الشاطئ",
    "LY-WD": "وادي الحياة",
    "LY-MQ": "مرزق",
    "LY-GT": "غات",
}

Ring = list[tuple[float, float]]


@dataclass(frozen=True)
class Row:
    """A row of a place table."""

    name: str
    aliases: tuple[str, ...]
    feature: str
    latitude: float
    longitude: float
    radius_km: float
    country: str
    source: str
    admin1: str = ""

    @property
    def keys(self) -> set[str]:
        """Return the keys of all names."""
        return {join_key(split_key_words(name)) for name in (self.name, *self.aliases)}

    @property
    def point(self) -> tuple[float, float]:
        """Return latitude and longitude."""
        return self.latitude, self.longitude


@dataclass(frozen=True)
class District:
    """A district with the outer rings of its outline, points as (longitude, latitude)."""

    name: str
    rings: list[Ring] = field(repr=False)

    def holds(self, longitude: float, latitude: float) -> bool:
        """Say whether a point lies inside, by counting crossed edges."""
        return any(_crossings(ring, longitude, latitude) % 2 for ring in self.rings)

    def nearest_km(self, point: tuple[float, float]) -> float:
        """Return the distance to the nearest corner of the outline."""
        return min(distance_km(point, (lat, lon)) for ring in self.rings for lon, lat in ring)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and write both tables."""
    parser = argparse.ArgumentParser(description="Build libyaevents/data/places.tsv and places_osm.tsv.")
    parser.add_argument("folder", type=Path, help="folder of the sources")
    default = Path(__file__).parents[1] / "libyaevents" / "data"
    parser.add_argument("--data", type=Path, default=default, help="folder of the tables")
    options = parser.parse_args(arguments)
    own = [row for name in HEADERS for row in read_rows(options.data / name) if row.source in OWN]
    free, osm = build_rows(options.folder, own)
    write_rows(options.data / "places.tsv", free)
    write_rows(options.data / "places_osm.tsv", osm)
    print(f"places.tsv: {len(free)} places, places_osm.tsv: {len(osm)} places")


def build_rows(folder: Path, own: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """Return the rows of places.tsv and of places_osm.tsv."""
    districts = read_districts(folder / "libya_districts.geojson")
    extract = list(read_osm(folder / "libya_places_osm.tsv"))
    free: list[Row] = []
    osm: list[Row] = []
    taken: set[int] = set()
    for row in own:
        twins = [i for i, place in enumerate(extract) if _is_same(row, place)] if _is_settlement(row) else []
        taken.update(twins)
        if twins:
            nearest = min((extract[i] for i in twins), key=lambda place: distance_km(row.point, place.point))
            latitude, longitude = nearest.point
            osm.append(replace(row, latitude=latitude, longitude=longitude, source="osm+own"))
        else:
            free.append(replace(row, source="own"))
    osm.extend(place for i, place in enumerate(extract) if i not in taken)
    osm.extend(country_rows(folder / "countries_ar.tsv", free))
    known = [*free, *osm]
    # The points of the postal places are rough: only names that nothing else has are taken.
    taken_keys = {key for row in known if row.country == "LY" for key in row.keys}
    free.extend(place for place in read_postal(folder / "libya_cities.json") if not place.keys & taken_keys)
    free.extend(district_rows(districts))
    return _finish(free, districts), _finish(osm, districts)


def _finish(rows: Iterable[Row], districts: Sequence[District]) -> list[Row]:
    placed = [replace(row, admin1=find_district(row, districts)) for row in rows]
    return sorted(placed, key=lambda row: (row.country, row.feature, row.name, row.latitude, row.longitude))


def _is_settlement(row: Row) -> bool:
    return row.country == "LY" and row.feature in SETTLEMENTS


def _is_same(row: Row, other: Row) -> bool:
    return bool(row.keys & other.keys) and distance_km(row.point, other.point) <= SAME_PLACE_KM


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a table that was written before, none where there is no such file."""
    if not path.exists():
        return
    for entry, source in read_sourced_entries(path.read_text(encoding="utf-8")):
        yield Row(
            name=entry.name,
            aliases=entry.aliases,
            feature=entry.feature,
            latitude=entry.latitude,
            longitude=entry.longitude,
            radius_km=entry.radius_km,
            country=entry.country or "",
            source=source,
        )


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write a table: its licence, the header, a line for each place."""
    lines = ["\t".join(COLUMNS)]
    for row in rows:
        cells = {**vars(row), "aliases": "|".join(row.aliases)}
        cells |= {name: f"{cells[name]:.4f}" for name in ("latitude", "longitude")}
        cells["radius_km"] = f"{row.radius_km:g}"
        lines.append("\t".join(str(cells[column]) for column in COLUMNS))
    path.write_text(HEADERS[path.name] + "\n".join(lines) + "\n", encoding="utf-8")


def read_osm(path: Path) -> Iterator[Row]:
    """Yield the places of the OpenStreetMap extract that have an Arabic name."""
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        name, _, feature, latitude, longitude = line.split("\t")
        words = [word for word in name.replace("/", " ").split() if not word.isascii()]
        arabic = " ".join(words).replace("\u200e", "").strip("- ")
        if not arabic:
            continue
        prefixes = ("قرية ", "منطقة ", "قبيلة ", "بلدة ", "مدينة ", "مدينه ")
        bare = next((arabic.removeprefix(prefix) for prefix in prefixes if arabic.startswith(prefix)), "")
        aliases = (bare,) if bare else ()
        radius = RADIUS_KM[feature]
        yield Row(arabic, aliases, feature, float(latitude), float(longitude), radius, "LY", "osm")


def read_postal(path: Path) -> Iterator[Row]:
    """Yield the places of the postal-code project."""
    for city in json.loads(path.read_text(encoding="utf-8"))["cities"]:
        feature = city["kind"] if city["kind"] in RADIUS_KM else "village"
        radius = RADIUS_KM[feature]
        yield Row(city["name_ar"].strip(), (), feature, city["lat"], city["lng"], radius, "LY", "postal")


def read_districts(path: Path) -> list[District]:
    """Read the outlines of the districts; raises KeyError for a code that has no Arabic name."""
    districts = []
    for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
        geometry = feature["geometry"]
        shapes = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
        rings = [[(point[0], point[1]) for point in shape[0]] for shape in shapes]
        districts.append(District(DISTRICTS[feature["properties"]["shapeISO"]], rings))
    return districts


def district_rows(districts: Iterable[District]) -> Iterator[Row]:
    """Yield each district as a place: the centre of its largest ring, as wide as a circle of its area."""
    for district in districts:
        area, longitude, latitude = max(_area_and_centre(ring) for ring in district.rings)
        radius = round(KM_PER_DEGREE * sqrt(area * cos(radians(latitude)) / pi))
        aliases = tuple(f"{head} {district.name}" for head in ("شعبية", "محافظة", "منطقة"))
        yield Row(district.name, aliases, "district", latitude, longitude, radius, "LY", "postal")


def country_rows(path: Path, own: Iterable[Row]) -> Iterator[Row]:
    """Yield the names of countries that are not among the project's own, at the project's points."""
    countries = {row.country: row for row in own if row.feature == "country"}
    for line in path.read_text(encoding="utf-8").splitlines():
        code, _, _, *names = line.split("\t")
        country = countries.get(code)
        if country is None:
            continue
        new = [name for name in names[:2] if name and join_key(split_key_words(name)) not in country.keys]
        if new:
            yield replace(country, name=new[0], aliases=tuple(new[1:]), source="mledoze")


def find_district(row: Row, districts: Iterable[District]) -> str:
    """Return the district that a Libyan place lies in, or the nearest one to a place just off the coast."""
    if row.country != "LY" or row.feature in ("country", "region", "nationality"):
        return ""
    inside = next((d.name for d in districts if d.holds(row.longitude, row.latitude)), None)
    return inside or min(districts, key=lambda district: district.nearest_km(row.point)).name


def _crossings(ring: Ring, longitude: float, latitude: float) -> int:
    crossed = 0
    for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (y1 > latitude) != (y2 > latitude) and longitude < (x2 - x1) * (latitude - y1) / (y2 - y1) + x1:
            crossed += 1
    return crossed


def _area_and_centre(ring: Ring) -> tuple[float, float, float]:
    """Return the area in square degrees and the centroid (longitude, latitude) of a ring."""
    area = x = y = 0.0
    for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
        cross = x1 * y2 - x2 * y1
        area += cross / 2
        x += (x1 + x2) * cross
        y += (y1 + y2) * cross
    return abs(area), x / (6 * area), y / (6 * area)


if __name__ == "__main__":
    main()
