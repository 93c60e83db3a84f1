"""All enrichers together: what they promise of any document, and what users may choose."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libyaevents import ConfigError, CorpusError, Document, load_corpus
from libyaevents.documents import Argument, Entity, Event, Trigger
from libyaevents.enrich import ENRICHERS, enrich, read_actors

HEADER = "id,name,name_ar,aliases,kind,sector,code,side,parent,country,valid_from,valid_to"
LABELS = ("PERSON", "ORG", "MILITARY", "GPE", "LOC", "FAC", "NORP", "DATE", "QUANTITY", "WEAPON")
ROLES = ("Agent", "Patient", "Source", "Place", "Time", "Quantity", "Counterpart")
PIECES = (
    *("قصف", "مقتل", "وبالجيش", "حفتر", "طرابلس", "450", "كلم", "شرق", "أمس", "٣١", "فبراير", "جنوده", "نحو"),
    *(
        "عشرات",
        "قتلى",
        "يوم",
        "الجمعة",
        "رمضان",
        "50000",
        "\u202e",
        "<b>",
        "🙂",
        "،",
        ".",
        "\n",
        "",
        "و",
        "ا",
    ),
)


@st.composite
def _documents(draw: st.DrawFn) -> Document:
    """Documents of Arabic words in any order, with mentions that stand anywhere in them."""
    text = " ".join(draw(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), min_size=1, max_size=30)))
    text = "".join(letter for letter in text if not "\ud800" <= letter <= "\udfff") or "ا"
    spans = st.tuples(st.integers(0, len(text) - 1), st.integers(1, 25)).map(
        lambda pair: (pair[0], min(len(text), sum(pair)))
    )
    entities = [
        Entity(id=f"T{n}", label=draw(st.sampled_from(LABELS)), start=start, end=end, text=text[start:end])
        for n, (start, end) in enumerate(draw(st.lists(spans, max_size=6)), start=1)
    ]
    events = []
    for n, (start, end) in enumerate(draw(st.lists(spans, max_size=4)), start=1):
        arguments = [
            Argument(
                role=draw(st.sampled_from(ROLES)),
                start=each.start,
                end=each.end,
                text=each.text,
                entity_id=each.id,
            )
            for each in draw(st.lists(st.sampled_from(entities), max_size=3) if entities else st.just([]))
        ]
        events.append(
            Event(
                id=f"E{n}",
                type=draw(st.sampled_from(("Kill", "AirStrike", "Meet", "Injure"))),
                trigger=Trigger(start=start, end=end, text=text[start:end]),
                factuality=draw(st.sampled_from(("actual", "negated", "possible"))),
                arguments=tuple(arguments),
            )
        )
    return Document(
        text=text,
        published=draw(st.none() | st.dates()),
        entities=tuple(entities),
        events=tuple(events),
    )


def _bare(document: Document) -> list[tuple[object, ...]]:
    """Spans, labels, ids and texts: what no enricher may touch."""
    entities = [(each.id, each.label, each.start, each.end, each.text) for each in document.entities]
    events = [
        (
            event.id,
            event.type,
            event.trigger,
            event.factuality,
            tuple((each.role, each.start, each.end, each.text, each.entity_id) for each in event.arguments),
        )
        for event in document.events
    ]
    return [document.text, document.sentences, *entities, *events]  # type: ignore[list-item]


@settings(deadline=None, max_examples=300)
@given(_documents())
def test_any_document(document: Document) -> None:
    """Nothing raises; spans stay; the result is valid, though unchecked, and is enriched no further."""
    found = enrich(document)
    assert _bare(found) == _bare(document)
    assert Document.from_dict(found.to_dict()) == found
    assert enrich(found) == found


def test_open_corpus() -> None:
    """On whole articles, too, the result is valid, and the same again."""
    for document in load_corpus("open"):
        found = enrich(document)
        assert Document.from_json(found.to_json()) == found == enrich(document)
        assert _bare(found) == _bare(document)


def test_enrichers_can_be_chosen(article: Document) -> None:
    """Those that are named run, and no others; an unknown name is refused with those there are."""
    found = enrich(article, only=("cores", "times"))
    assert all(entity.core for entity in found.entities)
    assert any(event.time for event in found.events)
    assert not any(entity.place or entity.actor for entity in found.entities)
    assert enrich(article, only=()) == article
    with pytest.raises(ConfigError, match="found 'time'; did you mean 'times'?.*" + ", ".join(ENRICHERS)):
        enrich(article, only=("time",))


def test_own_actors(tmp_path: Path) -> None:
    """Rows of a user's file are known beside the packaged ones; a broken file is refused with its line."""
    path = tmp_path / "mine.csv"
    path.write_text(f"{HEADER}\nsand,Sand Brigade,كتيبة الرمال,,3,REB,,lna,,LY,,\n", encoding="utf-8")
    text = "انسحبت كتيبة الرمال وقوات حفتر"
    mentions = [("كتيبة الرمال", "MILITARY"), ("قوات حفتر", "MILITARY")]
    entities = tuple(
        Entity(id=f"T{n}", label=label, start=text.index(name), end=text.index(name) + len(name), text=name)
        for n, (name, label) in enumerate(mentions)
    )
    found = enrich(Document(text=text, entities=entities), actors=read_actors(path))
    assert [entity.actor and entity.actor.id for entity in found.entities] == ["sand", "lna"]
    path.write_text(f"{HEADER}\nsand,Sand Brigade,كتيبة الرمال,,9,REB,,lna,,LY,,\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"mine\.csv:2"):
        read_actors(path)
