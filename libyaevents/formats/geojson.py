"""Rows as GeoJSON: the rows of the shape `table` come in, a collection of points goes out.

An event whose place is unknown is a feature without geometry, as the standard has it: none is lost.

Source: RFC 7946.
"""

import json
from collections.abc import Iterable
from datetime import date
from typing import BinaryIO

from libyaevents.formats.rows import Cell, Row
from libyaevents.formats.tables import show_controls

__all__ = ["write_geojson"]

_LATITUDE, _LONGITUDE = "latitude", "longitude"


def write_geojson(rows: Iterable[Row], stream: BinaryIO) -> None:
    """Write rows as a FeatureCollection in UTF-8, a feature a line, longitude before latitude.

    The other cells are its properties, without those that are empty; dates are ISO 8601.
    """
    stream.write(b'{"type": "FeatureCollection", "features": [')
    separator = b"\n"
    for row in rows:
        line = json.dumps(_feature(row), ensure_ascii=False, allow_nan=False)
        stream.write(separator + line.encode("utf-8"))
        separator = b",\n"
    stream.write(b"\n]}\n")


def _feature(row: Row) -> dict[str, object]:
    latitude, longitude = row[_LATITUDE], row[_LONGITUDE]
    is_known = latitude is not None and longitude is not None
    properties = {
        name: _value(value)
        for name, value in row.items()
        if value is not None and name not in (_LATITUDE, _LONGITUDE)
    }
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [longitude, latitude]} if is_known else None,
        "properties": properties,
    }


def _value(value: Cell) -> Cell:
    if isinstance(value, str):
        return show_controls(value)
    return value.isoformat() if isinstance(value, date) else value
