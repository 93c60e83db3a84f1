"""The page of claims: what counts as a contradiction, what comes first, and that text stays text."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libyaevents.documents import Actor, Argument, Casualties, Claim, Document, Event, Place, Timex, Trigger
from libyaevents.pictures import to_claims
from tests.test_pictures import SIRTE, day
from tests.test_render import HOSTILE, UNSAFE, Page

SPOKESMAN = Actor(id="mismari", name="Ahmed al-Mismari", code="LBYREBMIL", side="lna")
ROOM = Actor(id="volcano", name="Volcano of Rage", code="LBYMIL", side="gna")
MISSION = Actor(id="unsmil", name="UNSMIL", code="IGOUNO")
MINISTRY = "وزارة الصحة"


def said(
    by: Actor | str | None,
    status: str = "claimed",
    *,
    figures: Sequence[Casualties] = (),
    doer: Actor | None = None,
    source: str | None = None,
    number: int = 1,
) -> Document:
    """Return a report of one shelling in Sirte, told by somebody."""
    who = by.name if isinstance(by, Actor) else by or "شاهد"
    text = f"قال {who} إن القوات قصفت سرت أمس ({number})."
    trigger = text.index("قصفت")
    agent, place = (
        Argument(
            role=role, start=text.index(words), end=text.index(words) + len(words), text=words, actor=actor
        )
        for role, words, actor in (("Agent", "القوات", doer), ("Place", "سرت", None))
    )
    yesterday = {"start": text.index("أمس"), "end": text.index("أمس") + 3, "text": "أمس"}
    event = Event(
        id="E1",
        type="Shelling",
        trigger=Trigger(start=trigger, end=trigger + 4, text="قصفت"),
        factuality="negated" if status == "denied" else "actual",
        arguments=(agent, place) if doer else (place,),
        time=Timex(type="DATE", value="2020-06-05", precision="day", **yesterday),  # type: ignore[arg-type]
        place=SIRTE,
        claim=Claim(claimed_by=by, status=status, party=None if by is None else by == SPOKESMAN),  # type: ignore[arg-type]
        casualties=tuple(figures),
    )
    return Document(
        id=f"خبر {number}",
        title=f"رواية {number}",
        text=text,
        source=source,
        published=date(2020, 6, 6),
        events=(event,),
    )


def killed(least: int | None, most: int | None = None, *, by: str | None = None) -> Casualties:
    """Return a figure of the dead; with one number it is exact."""
    return Casualties(
        kind="killed", minimum=least, best=least if most is None else None, maximum=most or least, source=by
    )


def conflicts(*documents: Document) -> list[str]:
    """Return what the page says is contradicted, in its first incident."""
    summary = re.findall(r"<summary>(.*?)</summary>", to_claims(documents))[0]
    return re.findall(r'<span class="conflict">(.*?)</span>', summary)


def headings(html: str) -> list[str]:
    """Return the headings of sections and columns, without tags."""
    return [
        " ".join(re.sub(r"<[^>]+>", "", part).split()) for part in re.findall(r"<h[23]>(.*?)</h[23]>", html)
    ]


def test_reports_are_one_incident() -> None:
    """What two parties say of one incident stands under it, side by side, by what they say."""
    html = to_claims(
        [said(ROOM), said(SPOKESMAN, "denied", number=2), said(None, "happened", number=3, source="وكالة")]
    )
    assert headings(html) == ["روايات متضاربة 1", "ترويه المقالات حدثًا وقع", "يقولون إنه وقع", "ينفون وقوعه"]
    assert Page(html).within("dd") == ["1", "1", "3", "3"]
    assert "القائلون 3" in html


def test_denial_contradicts() -> None:
    """That one says it happened and another denies it is a contradiction, also where nobody is named."""
    assert conflicts(said(ROOM), said(SPOKESMAN, "denied", number=2)) == ["تضارب في الوقوع"]
    assert conflicts(said(None, "happened"), said(SPOKESMAN, "denied", number=2)) == ["تضارب في الوقوع"]
    assert conflicts(said(ROOM), said(ROOM, "denied", number=2)) == []
    assert conflicts(said(ROOM), said(SPOKESMAN, "planned", number=2)) == []
    assert conflicts(said(ROOM), said(MISSION, number=2)) == []


@pytest.mark.parametrize(
    ("one", "other", "is_in_doubt"),
    [
        (killed(7), killed(3), True),
        (killed(7), killed(7), False),
        (killed(5, 9), killed(7), False),
        (killed(5, 6), killed(7, 9), True),
        (Casualties(kind="killed", minimum=5), killed(7), False),  # at least five
        (Casualties(kind="killed", minimum=8), killed(7), True),
        (Casualties(kind="killed", maximum=5), killed(7), True),
        (Casualties(kind="killed"), killed(7), False),  # a figure without a number
        (killed(7), Casualties(kind="injured", best=3), False),
    ],
)
def test_figures_contradict(one: Casualties, other: Casualties, is_in_doubt: bool) -> None:
    """Figures of two that exclude each other are a contradiction, in whatever order they come."""
    reports = (
        said(ROOM, figures=[one], source="قناة"),
        said(MISSION, figures=[other], source="وكالة", number=2),
    )
    expected = ["تضارب في الأعداد"] if is_in_doubt else []
    assert conflicts(*reports) == expected
    assert conflicts(*reversed(reports)) == expected


def test_figures_of_one_source_do_not_contradict() -> None:
    """A ministry whose figure rises contradicts nobody; both of its figures are shown."""
    reports = (
        said(MISSION, figures=[killed(5, by=MINISTRY)]),
        said(MISSION, figures=[killed(9, by=MINISTRY)], number=2),
    )
    assert conflicts(*reports) == []
    shown = Page(to_claims(reports)).within("figures")
    assert [part for part in shown if part in ("5", "9")] == ["5", "9"]


def test_figures_of_a_denial_are_left_out() -> None:
    """Who denies that anything happened gives no figure of it."""
    reports = said(ROOM, figures=[killed(7)]), said(SPOKESMAN, "denied", figures=[killed(3)], number=2)
    assert conflicts(*reports) == ["تضارب في الوقوع"]
    assert headings(to_claims(reports))[-1] == "الأعداد"
    assert to_claims(reports).count("قتلى") == 1


def test_doers_contradict() -> None:
    """That two name actors of two sides as the one who did it is a contradiction; a denial names nobody."""
    mine, theirs = said(ROOM, doer=SPOKESMAN), said(SPOKESMAN, doer=ROOM, number=2)
    assert conflicts(mine, theirs) == ["تضارب في الفاعل"]
    assert conflicts(mine, said(MISSION, doer=SPOKESMAN, number=2)) == []
    assert conflicts(mine, said(MISSION, doer=MISSION, number=2)) == []  # of no side
    assert conflicts(mine, said(SPOKESMAN, "denied", doer=ROOM, number=2)) == ["تضارب في الوقوع"]


def test_contradictions_come_first() -> None:
    """Incidents in doubt stand before those that several tell, and these before the others."""
    other = {
        "time": day("2020-05-01"),
        "place": Place(name="درنة", latitude=32.76, longitude=22.64, country="LY"),
    }
    calm = Document(
        id="هادئ",
        text="انسحبت القوات من درنة.",
        events=(Event(id="E1", type="Withdraw", trigger=Trigger(start=0, end=6, text="انسحبت"), **other),),  # type: ignore[arg-type]
    )
    html = to_claims([calm, said(ROOM), said(SPOKESMAN, "denied", number=2)])
    assert [part for part in headings(html) if part.startswith("رو")] == ["روايات متضاربة 1", "رواية واحدة 1"]
    assert html.index("Shelling") < html.index("Withdraw")


def test_who_speaks() -> None:
    """One who speaks has name, code, side, whether a party, and the sentence with its document and day."""
    (item,) = re.findall(
        r'<section class="voice denied">.*?</section>', to_claims([said(SPOKESMAN, "denied")])
    )
    shown = " ".join(re.sub(r"<[^>]+>", " ", item).split())
    assert shown == (
        "ينفون وقوعه Ahmed al-Mismari Ahmed al-Mismari LBYREBMIL lna طرف في الحدث "
        "قال Ahmed al-Mismari إن القوات قصفت سرت أمس (1). رواية 1 · 2020-06-05".replace("06-05", "06-06")
    )


def test_party_of_several_sentences() -> None:
    """Who is a party by one sentence and not by another is one, and is told to be so once."""
    outsider = said(SPOKESMAN, number=2)
    claim = Claim(claimed_by=SPOKESMAN, status="claimed", party=False)
    outsider = replace(outsider, events=(replace(outsider.events[0], claim=claim),))
    for reports in ([said(SPOKESMAN), outsider], [outsider, said(SPOKESMAN)]):
        html = to_claims(reports)
        assert "القائلون 1" in html
        assert html.count("طرف في الحدث") == 1
        assert "ليس طرفًا" not in html


def test_words_of_the_source_name_the_claimant() -> None:
    """A known actor is called as the text calls it, and by its own name beside that."""
    text = "نفى المسماري قصف سرت."
    source = Argument(role="Source", start=4, end=12, text="المسماري", actor=SPOKESMAN)
    event = Event(
        id="E1",
        type="Shelling",
        factuality="negated",
        trigger=Trigger(start=13, end=16, text="قصف"),
        arguments=(source,),
        claim=Claim(claimed_by=SPOKESMAN, status="denied"),
    )
    html = to_claims([Document(text=text, events=(event,))])
    assert "<b><bdi>المسماري</bdi></b> <small><bdi>Ahmed al-Mismari</bdi>" in html


def test_missing_facts_are_resolved() -> None:
    """Documents without claims and places are enriched before they are compared."""
    text = "قالت وزارة الصحة إن خمسة مدنيين قتلوا في سرت."
    source = Argument(role="Source", start=5, end=16, text="وزارة الصحة")
    event = Event(id="E1", type="Kill", trigger=Trigger(start=32, end=37, text="قتلوا"), arguments=(source,))
    html = to_claims([Document(text=text, events=(event,))])
    assert "يقولون إنه وقع" in html
    assert "<b><bdi>وزارة الصحة</bdi></b>" in html


def test_long_sentence_is_clipped() -> None:
    """Of an endless sentence, what stands around the trigger is shown."""
    text = f"{'كلمة ' * 100}قصف{' كلمة' * 100}"
    event = Event(id="E1", type="Shelling", trigger=Trigger(start=500, end=503, text="قصف"))
    (quote,) = re.findall(r"<q>(.*?)</q>", to_claims([Document(text=text, events=(event,))]))
    assert quote.startswith("<bdi>… ")
    assert quote.endswith(" …</bdi>")
    assert len(quote) < 450


def test_same_document_twice() -> None:
    """A document that is given twice counts once; two with one id and other texts are two."""
    one, other = said(ROOM), said(SPOKESMAN, "denied", number=2)
    assert to_claims([one, one, other]) == to_claims([one, other])
    html = to_claims([said(ROOM), Document(id="خبر 1", text=other.text, events=other.events)])
    assert Page(html).within("dd")[2] == "2"


def test_no_documents_give_a_page() -> None:
    """Without events, there is a page that says so in numbers."""
    assert Page(to_claims([])).within("dd") == ["0"] * 4
    assert "<details" not in to_claims([Document(text="لا شيء")])


def test_many_incidents_are_closed() -> None:
    """Beyond a dozen incidents those in doubt alone are open."""
    calm = [
        Document(
            id=f"خبر {number}",
            text=f"قصف {number}",
            events=(
                Event(
                    id="E1",
                    type="Shelling",
                    trigger=Trigger(start=0, end=3, text="قصف"),
                    time=day(f"20{number:02}-01-01"),
                    place=SIRTE,
                ),
            ),
        )
        for number in range(1, 19)
    ]
    html = to_claims([*calm, said(ROOM), said(SPOKESMAN, "denied", number=2)])
    assert html.count("<details open>") == 1
    assert html.count("<details>") == 18


def test_hostile_text_is_inert() -> None:
    """Tags and quotes are text, overrides are code points; no element or attribute comes from a document."""
    actor = Actor(name=HOSTILE, code=HOSTILE, side=HOSTILE)
    end = len(HOSTILE)
    arguments = tuple(
        Argument(role=role, start=0, end=end, text=HOSTILE, actor=actor) for role in ("Agent", "Source")
    )
    event = Event(
        id=HOSTILE,
        type=HOSTILE,
        factuality=HOSTILE,
        trigger=Trigger(start=0, end=end, text=HOSTILE),
        arguments=arguments,
        place=Place(name=HOSTILE, admin1=HOSTILE, country=HOSTILE),
        claim=Claim(claimed_by=actor, party=True, status="denied"),
        casualties=(Casualties(kind=HOSTILE, best=1, source=HOSTILE),),
    )
    hostile = Document(id=HOSTILE, title=HOSTILE, source=HOSTILE, text=HOSTILE, events=(event,))
    html = to_claims([hostile, said(HOSTILE), said(SPOKESMAN, figures=[killed(2, by=HOSTILE)], number=2)])
    assert not UNSAFE.search(html)
    tags = Page(html).tags
    assert {tag for tag, _ in tags}.isdisjoint(
        {"script", "link", "img", "iframe", "object", "base", "form", "a"}
    )
    names = {name for _, attributes in tags for name in attributes}
    assert names <= {"lang", "dir", "charset", "http-equiv", "content", "name", "class", "open"}


claimants = st.sampled_from([SPOKESMAN, ROOM, MISSION, MINISTRY, None])
reports = st.builds(
    said,
    claimants,
    st.sampled_from(["happened", "claimed", "denied", "planned"]),
    figures=st.lists(
        st.builds(killed, st.none() | st.integers(0, 9), st.none() | st.integers(9, 20)), max_size=2
    ),
    doer=st.sampled_from([None, SPOKESMAN, ROOM, MISSION]),
    number=st.integers(1, 9999),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(reports, max_size=6, unique_by=lambda document: document.text))
def test_every_telling_is_shown(drawn: list[Document]) -> None:
    """Whatever is said by whom, tags balance, and each telling is quoted once."""
    html = to_claims(drawn)
    Page(html)
    assert html.count("<q>") == len(drawn)
