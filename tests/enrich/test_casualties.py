"""Casualties: modifiers, number words, the number of nouns, parts, sources, and the causing attack."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from libyaevents.documents import Argument, Casualties, Document, Entity, Event, Trigger
from libyaevents.enrich.casualties import count_casualties
from libyaevents.enrich.figures import read_figure

Numbers = tuple[int | None, int | None, int | None]

UNITS = ["واحد", "اثنان", "ثلاثة", "أربعة", "خمسة", "ستة", "سبعة", "ثمانية", "تسعة", "عشرة"]
TENS = ["عشرون", "ثلاثون", "أربعون", "خمسون", "ستون", "سبعون", "ثمانون", "تسعون"]
HUNDREDS = ["مئة", "مئتان", "ثلاثمئة", "أربعمئة", "خمسمئة", "ستمئة", "سبعمئة", "ثمانمئة", "تسعمئة"]


def spell(number: int) -> str:
    """A number from 1 to 999,999 in words, by the rules of school grammar."""
    thousands, rest = divmod(number, 1000)
    parts = []
    if thousands <= 2:
        parts += ["", "ألف", "ألفان"][thousands].split()
    else:
        scale = "آلاف" if thousands <= 10 else "ألفا" if thousands % 100 else "ألف"
        parts.append(f"{spell(thousands)} {scale}")
    if rest >= 100:
        parts.append(HUNDREDS[rest // 100 - 1])
    small = rest % 100
    if 0 < small <= 10:
        parts.append(UNITS[small - 1])
    elif 10 < small < 20:
        parts.append({11: "أحد عشر", 12: "اثنا عشر"}.get(small, f"{UNITS[small - 11]} عشر"))
    elif small:
        parts.append((f"{UNITS[small % 10 - 1]} و" if small % 10 else "") + TENS[small // 10 - 2])
    return " و".join(parts)


def make(text: str, *events: str) -> Document:
    """A document of one sentence; an event is "Kill: trigger; Quantity=سبعة; Patient=جنود; negated"."""
    made = []
    for number, line in enumerate(events, start=1):
        type_, _, rest = line.partition(": ")
        trigger, *parts = rest.split("; ")
        arguments, factuality = [], "actual"
        for part in parts:
            role, _, mention = part.partition("=")
            if not mention:
                factuality = role
                continue
            start = text.index(mention)
            arguments.append(Argument(role=role, start=start, end=start + len(mention), text=mention))
        start = text.index(trigger)
        made.append(
            Event(
                id=f"E{number}",
                type=type_,
                trigger=Trigger(start=start, end=start + len(trigger), text=trigger),
                factuality=factuality,
                arguments=tuple(arguments),
            )
        )
    return Document(text=text, sentences=((0, len(text)),) if text else (), events=tuple(made))


def figures(document: Document) -> list[list[Numbers]]:
    """The figures of each event as minimum, best and maximum."""
    return [
        [(item.minimum, item.best, item.maximum) for item in event.casualties]
        for event in count_casualties(document).events
    ]


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("سبعة", (7, 7, 7)),
        ("٤٦", (46, 46, 46)),
        ("2,350", (2350, 2350, 2350)),
        ("12 ألف", (12000, 12000, 12000)),
        ("نصف مليون", (500_000, 500_000, 500_000)),
        ("1.6 مليون", (1_600_000, 1_600_000, 1_600_000)),
        ("نحو 400", (None, 400, None)),
        ("وقرابة ألفي", (None, 2000, None)),
        ("بحوالي ثلاثين", (None, 30, None)),
        ("أكثر من مئة", (100, None, None)),
        ("ما لا يقل عن عشرة", (10, None, None)),
        ("لا أقل من عشرة", (10, None, None)),
        ("ما يزيد على ستين", (60, None, None)),
        ("بأكثر من 160", (160, None, None)),
        ("أقل من خمسين", (None, None, 50)),
        ("ما لا يزيد على خمسين", (None, None, 50)),
        ("عشرات", (20, None, None)),
        ("المئات", (200, None, None)),
        ("آلاف", (2000, None, None)),
        ("وعشرات الآلاف", (20_000, None, None)),
        ("بضعة", (2, None, None)),
        ("بضع مئات", (200, None, None)),
        ("بين 20 و30", (20, None, 30)),
        ("من 20 إلى 30", (20, None, 30)),
        ("20-30", (20, None, 30)),
        ("بين 20 و30 ألفا", (20_000, None, 30_000)),
    ],
)
def test_number_phrases(phrase: str, expected: Numbers) -> None:
    """A number says all three figures, its modifier which of them it is."""
    document = make(f"أدى الهجوم إلى مقتل {phrase} شخصا.", f"Kill: مقتل; Quantity={phrase}; Patient=شخصا")
    assert figures(document) == [[expected]]


@pytest.mark.parametrize("phrase", ["أكثر من نصف", "30%", "كثيرا", "ـ", "صفر", "9" * 5000])
def test_phrases_without_a_number_of_people(phrase: str) -> None:
    """Shares, percentages, nought and 5,000 digits are no figure."""
    assert figures(make(f"وقع مقتل {phrase}.", f"Kill: مقتل; Quantity={phrase}")) == [[]]


@given(st.integers(1, 999_999), st.sampled_from(["", "و", "ب"]))
@example(2_000, "")
@example(11_011, "و")
def test_spelled_numbers_are_read_back(number: int, proclitic: str) -> None:
    """Every number up to a million is read from its words."""
    assert read_figure("", proclitic + spell(number), " شخصا") == (number, number, number)


@given(st.text(alphabet="اوبعشرنفمئةألف 0123456789.،-%", max_size=30))
def test_any_phrase_is_read_or_left(phrase: str) -> None:
    """No phrase raises, and what is read is ordered and positive."""
    figure = read_figure(phrase, phrase, phrase)
    values = [value for value in figure or () if value is not None]
    assert values == sorted(values)
    assert all(value > 0 for value in values)


@pytest.mark.parametrize(
    ("text", "event", "expected"),
    [
        ("لقي 16 شخصا حتفهم", "Kill: حتفهم; Quantity=16; Patient=شخصا", (16, 16, 16)),
        ("مقتل 16 شخصا على الأقل", "Kill: مقتل; Quantity=16; Patient=شخصا", (16, None, None)),
        ("أصيب أكثر من سبعين شخصا", "Injure: أصيب; Quantity=سبعين; Patient=شخصا", (70, None, None)),
        ("مقتل شخصين على الأقل", "Kill: مقتل; Patient=شخصين", (2, None, None)),
        ("سقوط قتيلين", "Kill: قتيلين", (2, 2, 2)),
        ("انتشال جثة", "Kill: جثة", (1, 1, 1)),
        ("إصابة جنديين", "Injure: إصابة; Patient=جنديين", (2, 2, 2)),
        ("مقتل امرأتين", "Kill: مقتل; Patient=امرأتين", (2, 2, 2)),
        ("مسلحين قُتلا", "Kill: قُتلا; Patient=مسلحين", (2, 2, 2)),
        ("مقتل مسلحين", "Kill: مقتل; Patient=مسلحين", (2, None, None)),
        ("مقتل جندي", "Kill: مقتل; Patient=جندي", (1, 1, 1)),
        ("اختطاف أحد قادته", "Detain: اختطاف; Patient=أحد قادته", (1, 1, 1)),
        ("إصابة سيدة وابنتها", "Injure: إصابة; Patient=سيدة; Patient=وابنتها", (2, 2, 2)),
        ("نبأ مقتله", "Kill: مقتله", (1, 1, 1)),
        ("سقوط قتلى", "Kill: قتلى", (2, None, None)),
        ("قتل عدد من المدنيين", "Kill: قتل; Patient=المدنيين", (2, None, None)),
        ("نزوح 620 أسرة", "Displace: نزوح; Quantity=620; Patient=أسرة", (620, None, None)),
    ],
)
def test_numbers_outside_the_quantity(text: str, event: str, expected: Numbers) -> None:
    """Modifiers around the number, duals, singulars and plurals are read."""
    assert figures(make(text, event)) == [[expected]]


@pytest.mark.parametrize(
    ("text", "event", "expected"),
    [
        ("مقتل 8 جنود و14 جهاديا", "Quantity=8; Patient=جنود; Quantity=و14; Patient=جهاديا", (22, 22, 22)),
        ("مقتل 22 شخصا بينهم 7 أطفال", "Quantity=22; Patient=شخصا; Quantity=7; Patient=أطفال", (22, 22, 22)),
        ("مقتل ثلاثين جنديا وشرطيا", "Quantity=ثلاثين; Patient=جنديا; Patient=وشرطيا", (30, 30, 30)),
        ("مقتل ضابط وثلاثة جنود", "Patient=ضابط; Quantity=وثلاثة; Patient=جنود", (4, 4, 4)),
        ("مقتل نحو مئة مسلح و22 جنديا", "Quantity=نحو مئة; Patient=مسلح; Quantity=و22", (None, 122, None)),
        ("مقتل أطفالها الستة", "Patient=أطفالها; Quantity=الستة", (6, 6, 6)),
    ],
)  # fmt: skip
def test_parts_are_added_once(text: str, event: str, expected: Numbers) -> None:
    """Parts that stand beside each other are added up; a part of a part adds nothing."""
    assert figures(make(text, f"Kill: مقتل; {event}")) == [[expected]]


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("لم يسقط قتلى", "Kill: قتلى; negated"),
        ("السجن خمس سنوات", "Detain: السجن; Quantity=خمس"),
        ("خسائر قوات الصاعقة", "Kill: خسائر; Patient=قوات الصاعقة"),
        ("بين القتلى امرأة", "Kill: القتلى; Patient=امرأة"),
        ("سيطرة خمسة رجال", "Seize: سيطرة; Quantity=خمسة"),
        ("وقع مقتل", "Kill: مقتل"),
    ],
)
def test_what_has_no_figure(text: str, event: str) -> None:
    """What is negated, counts no people, names part of the dead or harms nobody has none."""
    assert figures(make(text, event)) == [[]]


@pytest.mark.parametrize(
    ("text", "event", "expected"),
    [
        (
            "أمطروا المتظاهرين بالرصاص فأردوا أربعة منهم وجرحوا عشرين، بينهم فتى",
            "Kill: فأردوا; Patient=المتظاهرين; Quantity=أربعة",
            (4, 4, 4),
        ),
        (
            "أمطروا المتظاهرين بالرصاص فأردوا أربعة منهم وجرحوا عشرين، بينهم فتى",
            "Injure: وجرحوا; Patient=المتظاهرين; Quantity=عشرين; Patient=فتى",
            (20, 20, 20),
        ),
        (
            "ألقى عشرات من الحراس بنادقهم، وإن ثلاثة منهم وقعوا في قبضة السرايا",
            "Detain: قبضة; Patient=الحراس; Quantity=ثلاثة",
            (3, 3, 3),
        ),
        (
            "قُضي على 16 من أفراد اللواء وأسر أربعة، بينهم آمر سرية",
            "Detain: وأسر; Patient=أفراد اللواء; Quantity=أربعة; Patient=آمر سرية",
            (4, 4, 4),
        ),
        ("مقتل مدنيين ثلاثة منهم أطفال", "Kill: مقتل; Patient=مدنيين; Quantity=ثلاثة", (3, None, None)),
        ("عشرات القتلى بينهم أطفال", "Kill: القتلى; Quantity=عشرات; Patient=أطفال", (20, None, None)),
        ("سقوط قتلى بينهم ثلاثة أطفال", "Kill: قتلى; Quantity=ثلاثة; Patient=أطفال", (3, None, None)),
        ("ارتفاع حصيلة القتلى إلى 57", "Kill: القتلى; Quantity=57", (57, 57, 57)),
        ("شهيدان من أبطالنا وأصيب خمسة", "Injure: وأصيب; Patient=أبطالنا; Quantity=خمسة", (5, 5, 5)),
    ],
)  # fmt: skip
def test_a_number_is_taken_from_those_told_before(text: str, event: str, expected: Numbers) -> None:
    """Who stands before the event is whom the number is taken from; who stands behind it is counted."""
    assert figures(make(text, event)) == [[expected]]


@pytest.mark.parametrize(
    ("text", "quantity", "expected"),
    [
        ("خسر رجاله 26 بين قتيل وجريح", "; Quantity=26", [[(None, None, 26)]] * 2),
        ("تناثر الباعة بين قتيل وجريح", "; Patient=الباعة", [[], []]),
        ("عشرات بين قتيل وجريح", "; Quantity=عشرات", [[], []]),
    ],
)
def test_dead_and_wounded_counted_as_one(text: str, quantity: str, expected: list[list[Numbers]]) -> None:
    """One number of both is the most that either may be; a lower bound of both tells of neither."""
    assert figures(make(text, f"Kill: قتيل{quantity}", f"Injure: وجريح{quantity}")) == expected


def test_two_nouns_are_two_figures() -> None:
    """قتيلين وثلاثة جرحى are two dead and three wounded."""
    found = figures(make("خلف قتيلين وثلاثة جرحى", "Kill: قتيلين", "Injure: جرحى; Quantity=وثلاثة"))
    assert found == [[(2, 2, 2)], [(3, 3, 3)]]


@pytest.mark.parametrize("noun", ["قاطنوه", "مرافقوها", "ساكنيها", "مسلحو الجماعة", "الباعة", "أبطالنا"])
def test_plurals_before_their_owner(noun: str) -> None:
    """A sound plural that has lost its ن, and a broken one with a pronoun, are several."""
    assert figures(make(f"وقع مقتل {noun}", f"Kill: مقتل; Patient={noun}")) == [[(2, None, None)]]


def test_kinds_and_sources() -> None:
    """A figure says how people were harmed and who says so."""
    text = "قال مصدر طبي إن القصف قتل سبعة وجرح عشرين واعتقل ثلاثة وشرد مئة"
    events = ["Kill: قتل; Quantity=سبعة; Source=مصدر طبي", "Injure: جرح; Quantity=عشرين"]
    events += ["Detain: اعتقل; Quantity=ثلاثة", "Displace: شرد; Quantity=مئة"]
    found = [event.casualties[0] for event in count_casualties(make(text, *events)).events]
    assert [item.kind for item in found] == ["killed", "injured", "detained", "displaced"]
    assert [item.source for item in found] == ["مصدر طبي", None, None, None]


def test_figures_go_to_the_cause() -> None:
    """The attack of the sentence gets every figure of its dead and wounded, also where they conflict."""
    text = "القصف قتل سبعة بحسب مصدر، فيما أكدت الوزارة مقتل تسعة وإصابة عشرين"
    document = make(
        text,
        "Shelling: القصف",
        "Kill: قتل; Quantity=سبعة; Source=مصدر",
        "Kill: مقتل; Quantity=تسعة; Source=الوزارة",
        "Injure: وإصابة; Quantity=عشرين",
    )
    cause = count_casualties(document).events[0]
    assert cause.casualties == (
        Casualties(kind="killed", minimum=7, best=7, maximum=7, source="مصدر"),
        Casualties(kind="killed", minimum=9, best=9, maximum=9, source="الوزارة"),
        Casualties(kind="injured", minimum=20, best=20, maximum=20),
    )


@pytest.mark.parametrize(
    "events",
    [
        ["AirStrike: غارة; Place=سرت", "Kill: مقتل; Quantity=سبعة; Place=مصراتة"],
        ["AirStrike: غارة; possible", "Kill: مقتل; Quantity=سبعة"],
        ["Seize: غارة", "Kill: مقتل; Quantity=سبعة"],
    ],
    ids=["another place", "only planned", "no attack"],
)
def test_no_cause_without_reason(events: list[str]) -> None:
    """An attack elsewhere, one that is only planned, and what is no attack get no figures of the dead."""
    assert figures(make("غارة في سرت ومقتل سبعة في مصراتة", *events))[0] == []


def test_nearest_attack_is_the_cause() -> None:
    """Of two attacks in a sentence the nearer one gets the figures, whatever clitics its place has."""
    events = ["Clash: اشتباكات", "Shelling: قصف; Place=سرت", "Kill: قتل; Quantity=سبعة; Place=بسرت"]
    found = figures(make("اشتباكات ثم قصف في سرت قتل سبعة بسرت", *events))
    assert found == [[], [(7, 7, 7)], [(7, 7, 7)]]


def test_given_figures_stay() -> None:
    """An event that has figures keeps them, and counting again changes nothing."""
    given_ = (Casualties(kind="killed", best=3),)
    document = make("مقتل سبعة", "Kill: مقتل; Quantity=سبعة")
    filled = replace(document, events=(replace(document.events[0], casualties=given_),))
    assert count_casualties(filled) == filled
    assert count_casualties(count_casualties(document)) == count_casualties(document)


def test_labels_of_names_decide() -> None:
    """A person's name is one, however it looks; an army is no number of people."""
    document = make("مقتل قاسم سليمان", "Kill: مقتل; Patient=قاسم سليمان")
    (patient,) = document.events[0].arguments
    for label, expected in (("PERSON", [[(1, 1, 1)]]), ("MILITARY", [[]])):
        entity = Entity(id="T1", label=label, start=patient.start, end=patient.end, text=patient.text)
        event = replace(document.events[0], arguments=(replace(patient, entity_id="T1"),))
        assert figures(replace(document, entities=(entity,), events=(event,))) == expected


def test_documents_without_events_or_sentences() -> None:
    """A document without sentences is read as one; one without events comes back as it is."""
    empty = Document(text="")
    assert count_casualties(empty) == empty
    bare = replace(make("مقتل سبعة", "Kill: مقتل; Quantity=سبعة"), sentences=())
    assert figures(bare) == [[(7, 7, 7)]]


def test_five_million_digits_are_no_figure() -> None:
    """A Quantity that is megabytes long is read to its end or left, and tells nothing."""
    for digits in ("9" * 5_000_000, "٩" * 5_000_000, "9," * 1_000_000):
        text = f"مقتل {digits}"
        assert figures(make(text, f"Kill: مقتل; Quantity={digits}")) == [[]]


def test_ten_thousand_events_in_one_sentence() -> None:
    """Ten thousand attacks and deaths in one sentence are counted each by its neighbors."""
    text = "قصف قتل 7 " * 5000
    events = []
    for number in range(5000):
        at = number * 10
        quantity = Argument(role="Quantity", start=at + 8, end=at + 9, text="7")
        shelling = Trigger(start=at, end=at + 3, text="قصف")
        killing = Trigger(start=at + 4, end=at + 7, text="قتل")
        events.append(Event(id=f"A{number}", type="Shelling", trigger=shelling))
        events.append(Event(id=f"K{number}", type="Kill", trigger=killing, arguments=(quantity,)))
    document = Document(text=text, sentences=((0, len(text)),), events=tuple(events))
    assert all(found == [(7, 7, 7)] for found in figures(document))
