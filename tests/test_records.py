"""Dataclasses read from JSON objects by their annotated types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import pytest

from libyaevents.errors import DocumentError
from libyaevents.records import OMIT_EMPTY, parse_json, read_object, walk_records, write_object


@dataclass(frozen=True, kw_only=True)
class Town:
    """A record inside another."""

    name: str
    districts: tuple[str, ...] = field(default=(), metadata=OMIT_EMPTY)


@dataclass(frozen=True, kw_only=True)
class Report:
    """A record with every kind of field."""

    title: str
    day: date | None = None
    urgent: bool = False
    pages: int = 1
    weight: float | None = None
    kind: Literal["خبر", 1, None] = None
    span: tuple[int, int] = (0, 0)
    where: Town | str | None = None
    towns: tuple[Town, ...] = ()
    notes: Mapping[str, int] = field(default_factory=dict)


def read(data: Any) -> Report:
    """Read a report as a whole object."""
    return read_object(data, Report, format_name="report/1", kind="report")


def test_round_trip() -> None:
    """Every kind of field is read back as it was written."""
    sirte = Town(name="سرت", districts=("الغربيات",))
    report = Report(
        title="تقرير", day=date(2020, 6, 6), kind="خبر", where=sirte, towns=(sirte,), notes={"أ": 2}
    )
    assert read(write_object(report, "report/1")) == report


def test_written_form() -> None:
    """`None` is left out, and so are collections marked so while they are empty; other collections stay."""
    written = write_object(Report(title="تقرير", where=Town(name="سرت")), "report/1")
    assert list(written) == ["format", "title", "urgent", "pages", "span", "where", "towns", "notes"]
    assert written["where"] == {"name": "سرت"}
    assert written["towns"] == []


def test_union_of_record_and_text() -> None:
    """An object is read as the record of a union, anything else as its other type."""
    assert read({"title": "تقرير", "where": "سرت"}).where == "سرت"
    assert read({"title": "تقرير", "where": {"name": "سرت"}}).where == Town(name="سرت")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("title", None, "report: title: expected a string, found null"),
        ("title", 7, "title: expected a string, found 7"),
        (
            "title",
            "\ud83d",
            "title: expected Unicode text, found '\\ud83d'; lone surrogate U+D83D at offset 0",
        ),
        ("day", "6/6/2020", "day: expected a date as in 2020-06-06, found '6/6/2020'"),
        ("day", 20200606, "day: expected a string"),
        ("urgent", 1, "urgent: expected true or false, found 1"),
        ("pages", True, "pages: expected a whole number, found True"),
        ("pages", 1.0, "pages: expected a whole number, found 1.0"),
        ("weight", float("nan"), "weight: expected a finite number, found nan"),
        ("weight", float("-inf"), "weight: expected a finite number, found -inf"),
        ("weight", 10**400, "weight: expected a finite number, found 1000"),
        ("weight", False, "weight: expected a finite number, found False"),
        ("kind", True, "kind: expected one of خبر, 1, None, found True"),
        ("span", [1], "span: expected a list of 2, found [1]"),
        ("span", [1, "2"], "span[1]: expected a whole number, found '2'"),
        ("where", [], "where: expected a string, found []"),
        ("where", {}, "where: expected a field 'name', found []"),
        ("towns", None, "towns: expected a list, found null"),
        ("towns", [{"name": "سرت"}, "سرت"], "towns[1]: expected a JSON object, found 'سرت'"),
        (
            "towns",
            [{"nam": "سرت"}],
            "towns[0].nam: expected a field of Town, found 'nam'; did you mean 'name'?",
        ),
        ("notes", {"أ": "ب"}, "notes.أ: expected a whole number, found 'ب'"),
        ("notes", {"أ\nب": ""}, "notes['أ\\nب']: expected a whole number, found ''"),
        (
            "format",
            "report/2",
            "format: expected 'report/1', found 'report/2'; a newer libyaevents may read it",
        ),
        ("format", "map/1", "format: expected 'report/1', found 'map/1'; this is no report; give a file of"),
    ],
)
def test_wrong_value(name: str, value: object, message: str) -> None:
    """A wrong value is refused with its path, what was expected and what was found."""
    with pytest.raises(DocumentError) as caught:
        read({"title": "تقرير", name: value})
    assert message in str(caught.value)


@pytest.mark.parametrize("data", [None, [], "نص", 3])
def test_no_object(data: object) -> None:
    """What is not an object is refused as a whole."""
    with pytest.raises(DocumentError, match="report: expected a JSON object, found"):
        read(data)


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ('{"title": "أ", "title": "ب"}', "report: title"),
        ('{"title": "أ", "towns": [{"name": "سرت", "name": "درنة"}]}', r"report: towns\[0\]\.name"),
        ('{"title": "أ", "notes": {"ج": 1, "ج": 1}}', r"report: notes\.ج"),
        ('{"format": "report/1", "format": "report/1", "title": "أ"}', "report: format"),
    ],
)
def test_repeated_key(line: str, path: str) -> None:
    """A key given twice is refused at any depth, with its path."""
    with pytest.raises(DocumentError, match=path + ": expected this key once"):
        read(parse_json(line, "report"))


@pytest.mark.parametrize(
    "line", ["", "{", "{'title': 1}", "[" * 100_000, '{"pages": ' + "9" * 5_000 + "}", "\ufeff{}"]
)
def test_malformed_json(line: str) -> None:
    """What is not JSON is refused by our own error, however it fails."""
    with pytest.raises(DocumentError, match="report: expected a JSON object, found malformed JSON"):
        parse_json(line, "report")


def test_walk() -> None:
    """Walking yields the record and every record inside it, with paths."""
    report = Report(title="تقرير", where=Town(name="سرت"), towns=(Town(name="درنة"), Town(name="غات")))
    paths = [path for _, path in walk_records(report, ("report",))]
    assert paths == [("report",), ("report", "where"), ("report", "towns", 0), ("report", "towns", 1)]
