"""Tables and pages for people."""

import base64
import hashlib
import io
import re
from colorsys import hls_to_rgb
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from importlib.resources import files
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from libyaevents.documents import (
    Actor,
    Argument,
    Casualties,
    Claim,
    Document,
    Entity,
    Event,
    Place,
    Timex,
    Trigger,
)
from libyaevents.render import to_html, to_table

TEXT = "أعلن الجيش الليبي يوم الجمعة أن قواته دخلت سرت. لم تسقط درنة."
MARKUP = "</p><script>alert(1)</script> [red]سرت[/red] :smile: \"' &amp;"
HOSTILE = MARKUP + " \x00 \x1b[31m \u2028 \u202eدرنة\u202c \u2067"
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066\u2067]")


def span(text: str, mention: str) -> dict[str, int | str]:
    """Return the fields of the first mention in a text."""
    start = text.index(mention)
    return {"start": start, "end": start + len(mention), "text": mention}


def entity(text: str, mention: str, **fields: object) -> Entity:
    """Return an entity at the first mention in a text."""
    return Entity(**{"id": mention, "label": "GPE", **span(text, mention), **fields})  # type: ignore[arg-type]


def argument(text: str, mention: str, role: str) -> Argument:
    """Return an argument at the first mention in a text."""
    return Argument(role=role, **span(text, mention))  # type: ignore[arg-type]


def trigger(text: str, mention: str, score: float | None = None) -> Trigger:
    """Return a trigger at the first mention in a text."""
    return Trigger(score=score, **span(text, mention))  # type: ignore[arg-type]


@pytest.fixture
def document() -> Document:
    """Return a document with two events, one of them reported, and three entities."""
    return Document(
        id="sirte",
        title="دخول سرت",
        published=date(2020, 6, 6),
        source="وكالة",
        url="https://example.org/a?b=1&c=2",
        metadata={"desk": "ليبيا"},
        text=TEXT,
        sentences=((0, 47), (48, 61)),
        entities=(
            entity(TEXT, "الجيش الليبي", label="MILITARY"),
            entity(TEXT, "الجمعة", label="DATE"),
            entity(TEXT, "سرت"),
            entity(TEXT, "درنة"),
        ),
        events=(
            Event(
                id="E1",
                type="Advance",
                trigger=trigger(TEXT, "دخلت", 0.93),
                arguments=(
                    argument(TEXT, "الجيش الليبي", "Source"),
                    argument(TEXT, "قواته", "Agent"),
                    argument(TEXT, "سرت", "Destination"),
                ),
            ),
            Event(
                id="E2",
                type="Seize",
                factuality="negated",
                trigger=trigger(TEXT, "تسقط"),
                arguments=(argument(TEXT, "درنة", "Patient"),),
            ),
        ),
    )


@pytest.fixture
def article() -> Document:
    """Return the packaged article."""
    line = files("libyaevents").joinpath("data/article.jsonl").read_text(encoding="utf-8").splitlines()[0]
    return Document.from_json(line)


def hostile_document() -> Document:
    """Return a document whose every string tries to leave its place."""
    mention = "\u202eدرنة\u202c"
    return Document(
        id=HOSTILE,
        title=HOSTILE,
        source=HOSTILE,
        url="javascript:alert(1)//" + HOSTILE,
        metadata={HOSTILE: HOSTILE},
        text=HOSTILE,
        entities=(entity(HOSTILE, "[red]سرت[/red]", id=HOSTILE, label=HOSTILE),),
        events=(
            Event(
                id=HOSTILE,
                type=HOSTILE,
                factuality=HOSTILE,
                trigger=trigger(HOSTILE, "<script>"),
                arguments=(argument(HOSTILE, mention, HOSTILE), argument(HOSTILE, mention, "Source")),
            ),
        ),
    )


def printed(document: Document, *, width: int = 100, is_terminal: bool = False) -> str:
    """Return what a console of that width prints."""
    color_system: Literal["standard"] | None = "standard" if is_terminal else None
    console = Console(file=io.StringIO(), width=width, force_terminal=is_terminal, color_system=color_system)
    console.print(to_table(document))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def rows(document: Document, *, width: int = 100) -> list[str]:
    """Return the printed lines with their cells separated by bars, isolates and spaces taken away."""
    plain = re.sub("[\u2068\u2069\u200f]", "", printed(document, width=width))
    return [re.sub(r"\s*│\s*", "|", line).strip(" |") for line in plain.splitlines()]


class Page(HTMLParser):
    """A parsed page: `text` by enclosing tag or class, `attributes` of all tags; unbalanced tags fail."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append((tag, dict(attrs).get("class") or ""))

    def handle_endtag(self, tag: str) -> None:
        """Check that a tag closes the last one opened."""
        opened, _ = self.open.pop()
        assert opened == tag

    def handle_data(self, data: str) -> None:
        """Note a text with the tags and classes around it."""
        self.texts.append((tuple(name for pair in self.open for name in pair), data))

    def within(self, name: str) -> list[str]:
        """Return the texts inside a tag or class."""
        return [data for names, data in self.texts if name in names]


def test_table_shows_every_event_with_its_roles(document: Document) -> None:
    """An event has its sentence, type, factuality, trigger with score, roles in order and its Source last."""
    lines = rows(document)
    first = lines.index("E1 Advance|دخلت|trigger 93%")
    assert lines[first - 1] == "أعلن الجيش الليبي يوم الجمعة أن قواته دخلت سرت.|sentence"
    assert lines[first + 1 : first + 4] == ["actual|قواته|Agent", "سرت|Destination", "الجيش الليبي|Source"]
    second = lines.index("E2 Seize|تسقط|trigger")
    assert lines[second - 1] == "لم تسقط درنة.|sentence"
    assert lines[second + 1] == "negated|درنة|Patient"


def test_table_shows_facts_and_entities(document: Document) -> None:
    """The table starts with what is known of the document and ends with its entities by type."""
    lines = rows(document)
    assert [re.sub(r"\s+", " ", line) for line in lines[:6]] == [
        "دخول سرت title",
        "2020-06-06 published",
        "وكالة source",
        "https://example.org/a?b=1&c=2 url",
        "sirte id",
        "ليبيا desk",
    ]
    assert "2|سرت، درنة|GPE" in lines
    assert "1|الجيش الليبي|MILITARY" in lines


def test_repeated_entity_is_counted() -> None:
    """An entity text that occurs twice is listed once with its count."""
    text = "سرت ثم سرت"
    second = Entity(id="2", label="GPE", start=7, end=10, text="سرت")
    repeated = Document(text=text, entities=(entity(text, "سرت"), second))
    assert "2|سرت (2)|GPE" in rows(repeated)
    assert "<bdi>سرت</bdi> <small>×2</small>" in to_html(repeated)


@pytest.mark.parametrize("width", [100, 60, 34])
def test_every_printed_line_isolates_its_arabic(article: Document, width: int) -> None:
    """Each line opens and closes its isolate, around all of its Arabic, at any width."""
    for line in printed(article, width=width).splitlines():
        assert line.count("\u2068") == line.count("\u2069") <= 1
        assert not re.search("[ء-ي]", re.sub("\u2068.*\u2069", "", line))


def test_line_that_starts_in_latin_runs_from_right_to_left() -> None:
    """A right-to-left mark leads each line of Arabic text, and none leads a date."""
    text = "NATO قصف سرت"
    lines = printed(
        Document(published=date(2020, 6, 6), text=text, entities=(entity(text, text),))
    ).splitlines()
    assert any("\u2068\u200fNATO" in line for line in lines)
    assert any("\u20682020-06-06\u2069" in line for line in lines)


@pytest.mark.parametrize("width", [100, 60])
def test_table_keeps_its_width(article: Document, width: int) -> None:
    """No printed line is wider than the console, isolates taking no cell."""
    for line in printed(article, width=width).splitlines():
        assert len(re.sub("[\u2068\u2069\u200f\u064b-\u0652]", "", line)) <= width


def test_hostile_text_is_inert_in_the_table() -> None:
    """Markup is printed as it is; control characters and overrides are printed as code points."""
    output = printed(hostile_document(), is_terminal=True)
    ours = re.sub(r"\x1b\[[\d;]*m", "", output)
    assert not UNSAFE.search(ours)
    plain = re.sub(r"[\s│\u2068\u2069\u200f]", "", ours)
    for shown in (
        "[red]سرت[/red]",
        ":smile:",
        "<script>",
        "⟨U+0000⟩",
        "⟨U+001B⟩[31m",
        "⟨U+202E⟩درنة⟨U+202C⟩",
    ):
        assert shown in plain


def test_escape_sequence_in_the_text_never_reaches_the_terminal() -> None:
    """The only escape sequences printed are the table's own, of which a plain console has none."""
    assert "\x1b" not in printed(hostile_document())


def test_event_without_sentences_shows_its_line() -> None:
    """Where a document has no sentences, the line around the trigger is the context."""
    text = "عنوان\nقصفت القوات سرت\nخاتمة"
    event = Event(id="E1", type="Shelling", trigger=trigger(text, "قصفت"))
    assert "قصفت القوات سرت|sentence" in rows(Document(text=text, events=(event,)))


def test_overlapping_triggers_leave_the_sentence_whole() -> None:
    """A sentence is printed once, letter for letter, whatever triggers overlap in it."""
    text = "وقف إطلاق النار"
    events = (
        Event(id="E1", type="Ceasefire", trigger=trigger(text, text)),
        Event(id="E2", type="Attack", trigger=trigger(text, "إطلاق النار")),
    )
    lines = rows(Document(text=text, events=events))
    assert [line for line in lines if line.endswith("sentence")] == [f"{text}|sentence"]


def test_empty_document_has_a_table_and_a_page() -> None:
    """A document without text, events and entities can be shown."""
    assert "Events (0)" in printed(Document(text=""))
    assert Page(to_html(Document(text=""))).within("h1") == ["مقال بلا عنوان"]


def test_page_is_arabic_and_right_to_left(document: Document) -> None:
    """The page says its language and direction, and its title stands in the head and on top."""
    page = Page(to_html(document))
    assert page.tags[0] == ("html", {"lang": "ar", "dir": "rtl"})
    assert page.within("title") == page.within("h1") == ["دخول سرت"]


def test_page_shows_every_event(document: Document) -> None:
    """A row has type, factuality, trigger, roles, and who says so, or a dash."""
    page = Page(to_html(document))
    cells = [data for data in page.within("tbody") if data.strip()]
    assert cells == [
        *(
            "Advance",
            "E1",
            "actual",
            "دخلت",
            "Agent",
            "قواته",
            "Destination",
            "سرت",
            "Source",
            "الجيش الليبي",
        ),
        *("Seize", "E2", "negated", "تسقط", "Patient", "درنة", "—"),
    ]


def test_page_marks_every_mention(article: Document) -> None:
    """Each entity and trigger is marked with its type, inside a bdi."""
    html = to_html(article).replace("&quot;", '"')
    labels = [attributes["data-label"] for tag, attributes in Page(to_html(article)).tags if tag == "mark"]
    assert len(labels) == len(article.entities) + len(article.events)
    for mention in article.entities:
        assert re.search(
            f'<bdi><mark[^>]*data-label="{mention.label}">{re.escape(mention.text)}</mark></bdi>', html
        )
    for event in article.events:
        assert f"<bdi>{event.trigger.text}</bdi></a>" in html
        for item in event.arguments:
            assert f"<bdi>{item.text}</bdi></li>" in html


def test_factuality_other_than_actual_is_in_the_label(document: Document) -> None:
    """A trigger's label says that its event did not happen."""
    assert 'data-label="Advance">دخلت' in to_html(document)
    assert 'data-label="Seize · negated">تسقط' in to_html(document)


def test_row_links_to_its_trigger(document: Document) -> None:
    """The trigger in the table of events links to its mark in the text."""
    tags = Page(to_html(document)).tags
    links = [attributes["href"] for tag, attributes in tags if tag == "a" and "rel" not in attributes]
    anchors = [
        "#" + str(attributes["id"]) for tag, attributes in tags if tag == "mark" and "id" in attributes
    ]
    assert links == anchors == ["#event-0", "#event-1"]


def test_crossing_mentions_are_nested() -> None:
    """Where two mentions cross, the inner piece of the later one is closed and opened again, unlabeled."""
    text = "قوات الجيش الليبي"
    crossing = Document(
        text=text,
        entities=(
            entity(text, "قوات الجيش", label="MILITARY"),
            entity(text, "الجيش الليبي", label="ORG"),
        ),
    )
    assert (
        '<p><bdi><mark class="entity hue2" data-label="MILITARY">قوات '
        '<bdi><mark class="entity hue1" data-label="ORG">الجيش</mark></bdi></mark></bdi>'
        '<bdi><mark class="entity hue1"> الليبي</mark></bdi></p>'
    ) in to_html(crossing)


def test_mention_across_lines_is_marked_in_both() -> None:
    """A mention that a line break cuts is marked in either paragraph."""
    text = "بني\r\nوليد"
    html = to_html(Document(text=text, entities=(entity(text, text),)))
    assert 'data-label="GPE">بني</mark></bdi></p>' in html
    assert '<p><bdi><mark class="entity hue3">وليد</mark></bdi></p>' in html


def test_page_loads_and_runs_nothing(document: Document) -> None:
    """The page has no script and names no resource; its policy allows its own style alone."""
    for page in (Page(to_html(document)), Page(to_html(hostile_document()))):
        assert {tag for tag, _ in page.tags}.isdisjoint(
            {"script", "link", "img", "iframe", "object", "base", "form"}
        )
        names = {name for _, attributes in page.tags for name in attributes}
        assert not {name for name in names if name.startswith("on") or name in ("src", "style")}
        digest = base64.b64encode(hashlib.sha256("".join(page.within("style")).encode()).digest()).decode()
        policies = [a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
        assert policies == [
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        ]


def test_only_web_addresses_are_links(document: Document) -> None:
    """An https address can be followed; a javascript address is text."""
    followed = [attributes["href"] for tag, attributes in Page(to_html(document)).tags if "rel" in attributes]
    assert followed == ["https://example.org/a?b=1&c=2"]
    hrefs = [
        attributes["href"] for _, attributes in Page(to_html(hostile_document())).tags if "href" in attributes
    ]
    assert hrefs == ["#event-0"]


@pytest.mark.parametrize(("length", "may_break"), [(32, False), (33, True)])
def test_labels_longer_than_any_of_the_ontology_may_break(length: int, may_break: bool) -> None:
    """A label of any length stays in the page's width, in the text and in the table."""
    event = Event(id="E1", type="X" * length, trigger=trigger(TEXT, "دخلت"))
    tags = Page(to_html(Document(text=TEXT, events=(event,)))).tags
    shown = [
        attributes["class"] or "" for _, attributes in tags if "trigger" in (attributes.get("class") or "")
    ]
    assert ["long" in classes for classes in shown] == [may_break, may_break]


def lightness_of(scheme: str) -> dict[str, int]:
    """Return the variables in percent that the style sheet sets for a color scheme."""
    style = files("libyaevents").joinpath("data/page.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    return {
        name: int(value)
        for name, value in re.findall(r"--([\w-]+): (\d+)%", light if scheme == "light" else dark)
    }


def luminance(red: float, green: float, blue: float) -> float:
    """Return the relative luminance of WCAG 2 of an sRGB color."""
    linear = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)
    )
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: float, second: float) -> float:
    """Return the contrast ratio of WCAG 2 of two luminances."""
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("hue", range(0, 360, 30))
def test_marks_can_be_read(scheme: str, hue: int) -> None:
    """Entities and triggers of every hue have the contrast of WCAG AA, on light and dark pages."""
    lightness = lightness_of(scheme)
    tint, tint_ink, strong = (
        luminance(*hls_to_rgb(hue / 360, lightness[name] / 100, saturation))
        for name, saturation in (("tint", 0.65), ("tint-ink", 0.70), ("strong", 0.60))
    )
    ink = 1.0 if scheme == "light" else luminance(0x16 / 255, 0x15 / 255, 0x14 / 255)
    assert contrast(tint, tint_ink) >= 4.5
    assert contrast(strong, ink) >= 4.5


def test_hostile_text_is_inert_in_the_page() -> None:
    """Tags and quotes are shown as text; control characters and overrides as code points."""
    html = to_html(hostile_document())
    assert not UNSAFE.search(html)
    assert "<script" not in html
    shown = re.sub(r"[\x00\x1b\u2028\u202c\u202e\u2067]", lambda match: f"⟨U+{ord(match[0]):04X}⟩", HOSTILE)
    page = Page(html)
    assert page.within("h1") == [shown]
    assert "".join(page.within("text")) == shown


def resolved_document() -> Document:
    """Return a document with an event of which everything is resolved, and one that is denied."""
    text = "قصفت قواته سرت الجمعة، ونفى المسماري الغارة وقال مصدر إنها قتلت عشرات."
    lna = Actor(name="الجيش الوطني الليبي", code="LBYREB", side="lna")
    sirte = Place(name="سرت", latitude=31.206, longitude=16.584, radius_km=12, country="LY", precision=2)
    friday = Timex(**span(text, "الجمعة"), type="DATE", value="2020-06-05", anchor=date(2020, 6, 6))  # type: ignore[arg-type]
    shelling = Event(
        id="E1",
        type="Shelling",
        trigger=trigger(text, "قصفت"),
        arguments=(
            Argument(role="Agent", **span(text, "قواته"), actor=lna),  # type: ignore[arg-type]
            Argument(role="Place", **span(text, "سرت"), entity_id="T1"),  # type: ignore[arg-type]
            Argument(role="Time", **span(text, "الجمعة"), entity_id="T2"),  # type: ignore[arg-type]
        ),
        time=friday,
        place=sirte,
        claim=Claim(status="happened"),
        casualties=(
            Casualties(kind="killed", minimum=20, source="مصدر"),
            Casualties(kind="injured", minimum=1200, best=1500, maximum=3000),
            Casualties(kind="missing", maximum=4),
            Casualties(kind="detained"),
        ),
    )
    denied = Event(
        id="E2",
        type="AirStrike",
        factuality="negated",
        trigger=trigger(text, "الغارة"),
        arguments=(Argument(role="Source", **span(text, "المسماري"), actor=lna),),  # type: ignore[arg-type]
        time=Timex(type="DATE", value="2020-W23", precision="week", inferred=True),
        claim=Claim(claimed_by=lna, party=True, status="denied"),
    )
    entities = (entity(text, "سرت", id="T1", place=sirte), entity(text, "الجمعة", id="T2", time=friday))
    return Document(text=text, entities=entities, events=(shelling, denied))


def event_rows(document: Document) -> list[dict[str, str]]:
    """Return the cells of the table of events by the names of their columns, as plain text."""
    found = []
    for row in re.findall(r"<tr>(<td.*?)</tr>", to_html(document), re.DOTALL):
        cells = re.findall(r'<td data-name="([^"]+)">(.*?)</td>', row, re.DOTALL)
        found.append({name: " ".join(re.sub("<[^>]+>", " ", cell).split()) for name, cell in cells})
    return found


def test_page_shows_what_was_resolved() -> None:
    """Roles have actor, point or date; the event has day, place, figures, and the status of its claim."""
    shelling, denied = event_rows(resolved_document())
    assert shelling["الأدوار"] == (
        "Agent قواته الجيش الوطني الليبي LBYREB lna Place سرت سرت 31.21, 16.58 Time الجمعة 2020-06-05"
    )
    assert shelling["متى وأين"] == (
        "2020-06-05 محسوب من 2020-06-06 سرت ، LY 31.21, 16.58 قرب هذا الموضع؛ ±12 كم"
    )
    assert shelling["الضحايا"] == (
        "قتلى : 20 على الأقل بحسب مصدر جرحى : 1,200–3,000 ، الأرجح 1,500 "
        "missing : 4 على الأكثر محتجزون : بلا عدد"
    )
    assert shelling["من يقول ذلك"] == "وقع"
    assert denied["متى وأين"] == "2020-W23 بدقة أسبوع؛ مستنتج"
    assert denied["الضحايا"] == "—"


def test_claimant_is_shown_once() -> None:
    """A claimant that is the Source's actor stands there; another one stands with the claim."""
    _, denied = event_rows(resolved_document())
    source = "Source المسماري الجيش الوطني الليبي LBYREB lna"
    assert denied["من يقول ذلك"] == f"{source} منفي طرف في الحدث"
    original = resolved_document()
    claim = Claim(claimed_by="متحدث", party=False, status="planned")
    other = replace(original, events=(replace(original.events[1], claim=claim),))
    (row,) = event_rows(other)
    assert row["من يقول ذلك"] == f"{source} متحدث غير مؤكد أو مرتقب ليس طرفًا في الحدث"


def test_columns_without_facts_are_left_out(document: Document) -> None:
    """Where nothing is resolved, the table has no columns for it."""
    assert all(len(row) == 5 for row in event_rows(document))
    assert [len(row) for row in event_rows(resolved_document())] == [7, 7]


def test_hostile_facts_are_inert() -> None:
    """What enrichers or users write into facts is text, too."""
    actor = Actor(name=HOSTILE, code=HOSTILE, side=HOSTILE)
    original = resolved_document()
    event = replace(
        original.events[0],
        time=Timex(value=HOSTILE),
        place=Place(name=HOSTILE, admin1=HOSTILE, country=HOSTILE),
        claim=Claim(claimed_by=actor),
        casualties=(Casualties(kind=HOSTILE, best=1, source=HOSTILE),),
    )
    html = to_html(replace(original, events=(event,)))
    assert not UNSAFE.search(html)
    assert "<script" not in html
    assert Page(html).tags


@st.composite
def annotated(draw: st.DrawFn) -> Document:
    """Draw a text with entities and triggers anywhere in it."""
    alphabet = st.one_of(
        st.sampled_from("سرت درنة\r\n<>&\"'[]\u202e\x00"), st.characters(exclude_categories=["Cs"])
    )
    text = draw(st.text(alphabet, min_size=2, max_size=40))
    offsets = st.lists(st.integers(0, len(text)), min_size=2, max_size=2, unique=True).map(sorted)
    spans = draw(st.lists(offsets, max_size=8))
    entities = [
        Entity(id=f"T{index}", label="GPE", start=start, end=end, text=text[start:end])
        for index, (start, end) in enumerate(spans[::2])
    ]
    events = [
        Event(id=f"E{index}", type="Kill", trigger=Trigger(start=start, end=end, text=text[start:end]))
        for index, (start, end) in enumerate(spans[1::2])
    ]
    return Document(text=text, entities=tuple(entities), events=tuple(events))


@given(annotated())
def test_any_annotation_gives_a_balanced_page_with_the_whole_text(document: Document) -> None:
    """Whatever mentions overlap, tags balance, every mention is marked, and the text is there once."""
    html = to_html(document)
    page = Page(html)
    visible = re.sub(UNSAFE.pattern + r"|[\u2068\u2069]", _code_point, re.sub(r"[\r\n]", "", document.text))
    assert "".join(page.within("text")).replace("\n", "") == visible
    starts = {mention.start for mention in document.entities} | {
        event.trigger.start for event in document.events
    }
    labeled = [attributes for tag, attributes in page.tags if tag == "mark" and "data-label" in attributes]
    breaks = [start for start in starts if document.text[start] in "\r\n"]
    assert breaks or len(labeled) == len(document.entities) + len(document.events)


@given(annotated())
def test_any_annotation_gives_a_table(document: Document) -> None:
    """Whatever the text holds, the table prints without control characters and with closed isolates."""
    output = printed(document)
    assert not UNSAFE.search(output.replace("\n", ""))
    assert all(line.count("\u2068") == line.count("\u2069") for line in output.split("\n"))


def _code_point(match: re.Match[str]) -> str:
    return f"⟨U+{ord(match[0]):04X}⟩"
