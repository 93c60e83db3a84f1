"""Time expressions and event times: conventions one by one, laws over made-up expressions, bad input."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libyaevents.documents import Argument, Document, Entity, Event, Timex, Trigger
from libyaevents.enrich.time import parse_time, resolve_times

# A Thursday in ISO week 14.
PUBLISHED = date(2019, 4, 4)

DAYS = {
    "اليوم": "2019-04-04",
    "أمس": "2019-04-03",
    "وبالأمس": "2019-04-03",
    "أول أمس": "2019-04-02",
    "أول من أمس": "2019-04-02",
    "أمس الأول": "2019-04-02",
    "غدا": "2019-04-05",
    "بعد غد": "2019-04-06",
    "أمس الأربعاء": "2019-04-03",
    "اليوم السبت": "2019-04-04",
    "الخميس": "2019-04-04",
    "والجمعة": "2019-03-29",
    "يوم الأحد": "2019-03-31",
    "الاثنين": "2019-04-01",
    "الخميس الماضي": "2019-03-28",
    "الجمعة الماضية": "2019-03-29",
    "الخميس المقبل": "2019-04-11",
    "الأحد القادم": "2019-04-07",
    "الأربعاء من الأسبوع الماضي": "2019-03-27",
    "5 أبريل 2019": "2019-04-05",
    "الخامس من نيسان/أبريل ٢٠١٩": "2019-04-05",
    "18 مارس (آذار) الماضي": "2019-03-18",
    "14حزيران/يونيو": "2018-06-14",
    "20 غشت 2018": "2018-08-20",
    "يوم 12 جويلية 2018": "2018-07-12",
    "الحادي عشر من سبتمبر 2012": "2012-09-11",
    "الفاتح من سبتمبر 1969": "1969-09-01",
    "8 أكتوبر الجاري": "2019-10-08",
    "20 مايو المقبل": "2019-05-20",
    "5 أبريل الماضي": "2018-04-05",
    "29 فبراير": "2016-02-29",
    "الخامس من الشهر الجاري": "2019-04-05",
    "يوم 24": "2019-03-24",
    "4/4/2019": "2019-04-04",
    "2019-04-04": "2019-04-04",
    "٢٠١٩/٤/٤": "2019-04-04",
    "قبل ثلاثة أيام": "2019-04-01",
    "منذ يومين": "2019-04-02",
    "قبل 48 ساعة": "2019-04-02",
    "قبل ساعتين": "2019-04-04",
    "بعد عشرة أيام": "2019-04-14",
    "25 شوال 1436 هـ": "2015-08-10",
    "العاشر من محرم 1441 الموافق 9 سبتمبر 2019": "2019-09-09",
    "عيد الفطر المقبل": "2019-06-04",
    "ثاني أيام عيد الفطر": "2018-06-16",
    "أول أيام شهر رمضان": "2018-05-16",
    "غرة شهر شوال 1440": "2019-06-04",
    "7 من شهر يونيو 2018": "2018-06-07",
    "بعد يومين من الآن": "2019-04-06",
    "حتى الآن": "2019-04-04",
    "الجمعة 5 أبريل": "2019-04-05",
    "الاثنين 5 أبريل": "2018-04-05",
}

PERIODS = {
    "الأسبوع الماضي": ("2019-W13", "week"),
    "هذا الأسبوع": ("2019-W14", "week"),
    "قبل أسبوعين": ("2019-W12", "week"),
    "نهاية الأسبوع المقبل": ("2019-W15", "week"),
    "الشهر الماضي": ("2019-03", "month"),
    "قبل خمسة أشهر": ("2018-11", "month"),
    "منذ شهر ونصف": ("2019-02", "month"),
    "يونيو/حزيران": ("2018-06", "month"),
    "كانون الثاني الماضي": ("2019-01", "month"),
    "كانون ثاني 2017": ("2017-01", "month"),
    "أبريل": ("2019-04", "month"),
    "أبريل الماضي": ("2018-04", "month"),
    "أيلول المقبل": ("2019-09", "month"),
    "أغسطس/آب من العام الماضي": ("2018-08", "month"),
    "جانفي 2011": ("2011-01", "month"),
    "شهر نوفمبر من عام 2011": ("2011-11", "month"),
    "رمضان 1440": ("2019-05-06/2019-06-03", "month"),
    "رمضان الماضي": ("2018-05-16/2018-06-14", "month"),
    "رمضان المقبل": ("2019-05-06/2019-06-03", "month"),
    "العشر الأواخر من رمضان 1440": ("2019-05-06/2019-06-03", "month"),
    "الأيام الأولى من أبريل": ("2019-04", "month"),
    "صيف 2014": ("2014-SU", "month"),
    "شتاء 2018-2019": ("2018-WI", "month"),
    "الشتاء الماضي": ("2018-WI", "month"),
    "الصيف المقبل": ("2019-SU", "month"),
    "النصف الأول من عام 2018": ("2018-H1", "month"),
    "الربع الأخير من العام الماضي": ("2018-Q4", "month"),
    "عام 2011": ("2011", "year"),
    "في2011": ("2011", "year"),
    "العام الماضي": ("2018", "year"),
    "مطلع العام": ("2019", "year"),
    "منذ عامين": ("2017", "year"),
    "قبل نحو نصف قرن": ("1969", "year"),
    "عام ألفين وأحد عشر": ("2011", "year"),
    "سنة تسع وستين وتسعمائة وألف": ("1969", "year"),
    "عام 1389هـ/1969م": ("1969", "year"),
    "العام الهجري الحالي": ("2018-09-11/2019-08-30", "year"),
    "عام 1440 هـ": ("2018-09-11/2019-08-30", "year"),
    "الثمانينيات": ("198", "year"),
    "ثمانينيات القرن التاسع عشر": ("188", "year"),
    "العقد الأول من القرن الحالي": ("200", "year"),
    "القرن الماضي": ("19", "year"),
    "القرن الـ19": ("18", "year"),
}

RANGES = {
    "يومي السبت والأحد": "2019-03-30/2019-03-31",
    "الجمعة والسبت الماضيين": "2019-03-29/2019-03-30",
    "بين 5 و10 فبراير 2019": "2019-02-05/2019-02-10",
    "5-7 أبريل 2019": "2019-04-05/2019-04-07",
    "من 28 ديسمبر إلى 3 يناير 2019": "2018-12-28/2019-01-03",
    "من الخميس إلى السبت": "2019-03-28/2019-03-30",
    "بين عامي 2011 و2014": "2011/2014",
    "1975-1990": "1975/1990",
    "قبل عامين أو ثلاثة": "2016/2017",
    "شعبان ورمضان 1440": "2019-04-06/2019-06-03",
    "أيام 5 و6 و7 أبريل 2018": "2018-04-05/2018-04-07",
    "صيف 2014 و2015": "2014-SU/2015-SU",
    "أعوام 2011 و2012 و2013": "2011/2013",
    "أيار/مايو وحزيران/يونيو 2015": "2015-05/2015-06",
    "شهري مارس وأبريل الماضيين": "2018-03/2018-04",
    "أواخر الثمانينيات وأوائل التسعينيات": "198/199",
}

HOURS = {
    "مساء الجمعة": "2019-03-29TEV",
    "فجر الخميس": "2019-04-04TMO",
    "بعد ظهر الأربعاء": "2019-04-03TAF",
    "ليل الثلاثاء الأربعاء": "2019-04-02TNI",
    "ليل السبت - الأحد": "2019-03-30TNI",
    "الليلة الماضية": "2019-04-03TNI",
    "الليلة": "2019-04-04TNI",
    "صباح أمس": "2019-04-03TMO",
    "ساعة مبكرة من صباح الاثنين": "2019-04-01TMO",
    "التاسعة من مساء الأحد": "2019-03-31T21:00",
    "الساعة 10.30 مساء من ليل الخامس من سبتمبر": "2018-09-05T22:30",
    "الساعة السابعة إلا ربعا مساء": "2019-04-04T18:45",
    "الساعة 2:30 بعد منتصف الليل": "2019-04-04T02:30",
    "الخامسة والنصف من عصر أمس": "2019-04-03T17:30",
    "صباح ومساء الجمعة": "2019-03-29TMO/2019-03-29TEV",
    "بين الساعة الخامسة والسابعة مساء أمس": "2019-04-03T17:00/2019-04-03T19:00",
    "ليلة الثلاثاء ويوم الأربعاء": "2019-04-02TNI/2019-04-03",
    "مساء الثلاثاء والأربعاء": "2019-04-02TEV/2019-04-03TEV",
}

DURATIONS = {
    "خلال الأربع والعشرين ساعة الماضية": "PT24H",
    "خلال الساعات الـ48 الماضية": "PT48H",
    "اليومين الماضيين": "P2D",
    "الأشهر الستة المقبلة": "P6M",
    "لثلاثة أيام": "P3D",
    "لمدة عامين": "P2Y",
    "عام ونصف العام": "P18M",
    "نصف ساعة": "PT30M",
    "ثلاثة عقود": "P30Y",
    "ثلاث سنوات وستة أشهر": "P3Y6M",
    "لليوم الثالث على التوالي": "P3D",
    "بين 6 أشهر وعام": "P6M/P1Y",
    "يوما أو يومين": "P1D/P2D",
}

SETS = {
    "كل يوم": "P1D",
    "كل ثلاثة أيام": "P3D",
    "سنويا": "P1Y",
    "كل جمعة": "XXXX-WXX-5",
    "كل صباح": "XXXX-XX-XXTMO",
}

OPEN = [
    *["الأيام المقبلة", "قبل أيام", "منذ سنوات", "عدة أشهر", "بضع ساعات", "اليوم التالي", "الشهر نفسه"],
    *["ذلك الوقت", "يوم المعركة", "بعد ذلك بثلاثة أعوام", "وقت لاحق", "ليلا", "لاحقا"],
    *["بعد حلول الظلام", "17 بالشهر ذاته"],
    *["32 مارس", "0 مارس", "مارس 20190", "سنة 50000", "1/13/2019", "تشرين"],
    *["31 فبراير", "31 فبراير 2019", "29 فبراير 2019", "45 أبريل", "عام 50000", "31/2/2019", "عام 0"],
    *[
        "الساعة 27 مساء",
        "الساعة 24:30",
        "كل 31 فبراير",
        "النصف الخامس",
        "بعد مليون سنة",
        "منذ 9999 عاما",
        "بعد 99999999999999 يوما",
    ],
    *[
        "\u202e\u202d",
        "<script>",
        "=1+1",
        "",
        "؟",
        "٪",
        "ـ",
        "و",
        "ال",
        "قبل",
        "كل",
        "بين و",
        "إلى",
        "-",
        "9" * 5000,
        "الجمعة " * 500,
    ],
    *["قبل ثلاثة أيام من الانتخابات", "بعد أسبوعين من الهجوم"],
]

ANCHORED = {**DAYS, **{words: value for words, (value, _) in PERIODS.items()}, **RANGES, **HOURS}

ABSOLUTE = {
    "5 أبريل 2019": "2019-04-05",
    "حزيران/يونيو 2015": "2015-06",
    "عام 2011": "2011",
    "25 شوال 1436": "2015-08-10",
    "النصف الثاني من 2018": "2018-H2",
    "القرن العشرين": "19",
    "الثمانينيات": "198",
    "خمس سنوات": "P5Y",
    "كل أسبوع": "P1W",
    "مساء 5 أبريل 2019": "2019-04-05TEV",
}

WORDS = [
    *["أمس", "الجمعة", "والسبت", "اليوم", "أبريل", "نيسان"],
    *["/", "-", "كانون", "الثاني", "رمضان", "2019"],
    *["٣١"],
    *["5", "الخامس", "عشر", "وعشرين", "ثلاثة", "قبل"],
    *["منذ", "بعد", "خلال", "بين", "من", "إلى"],
    *["حتى", "و", "كل"],
    *["يوم", "أيام", "عامين", "العام", "شهر", "الأسبوع", "القرن", "عقود", "الماضي", "المقبل", "هذا", "نفسه"],
    *["مساء", "فجر", "الساعة", "10:30", "3.5", "نصف"],
    *["ونصف", "الربع", "الأخير", "صيف", "الثمانينيات", "هـ"],
    *["م"],
    *["عيد الفطر", "مليون", "ألف", "99999", "1/2/3", "31/2/2019"],
    *["2019-02-30", "أو", "عدة", "على التوالي", "يوميا"],
]
expressions = st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=12).map(" ".join)


CALENDAR = r"\d{4}-\d\d-\d\d|\d{4}-W\d\d|\d{4}-\d\d|\d{2,4}|\d{4}-(?:SP|SU|FA|WI|H[12]|Q[1-4])"
HOUR = r"T(?:MO|AF|EV|NI|[01]\d:[0-5]\d|2[0-3]:[0-5]\d|24:00)"
VALUES = {
    "DATE": re.compile(CALENDAR),
    "TIME": re.compile(rf"\d{{4}}-\d\d-\d\d{HOUR}|{CALENDAR}"),
    "DURATION": re.compile(r"P(?:\d+[YMWD])*(?:T(?:\d+[HMS])+)?"),
    "SET": re.compile(r"P(?:\d+[YMWD])*(?:T\d+[HMS])?|XXXX-(?:WXX-[1-7]|\d\d(?:-\d\d)?|XX-XX)?(?:T\w\w)?"),
}


def value_of(expression: str, published: date | None = PUBLISHED) -> str | None:
    """The value of an expression."""
    return parse_time(expression, published=published).value


@pytest.mark.parametrize(("expression", "value"), DAYS.items(), ids=list(DAYS))
def test_days(expression: str, value: str) -> None:
    """An expression for a day is a DATE of the precision of a day."""
    time = parse_time(expression, published=PUBLISHED)
    assert (time.type, time.value, time.precision) == ("DATE", value, "day")


@pytest.mark.parametrize(("expression", "expected"), PERIODS.items(), ids=list(PERIODS))
def test_periods(expression: str, expected: tuple[str, str]) -> None:
    """Weeks, months, seasons, years, decades and centuries are DATEs with their precision."""
    time = parse_time(expression, published=PUBLISHED)
    assert time.type == "DATE"
    assert (time.value, time.precision) == expected


@pytest.mark.parametrize(("expression", "value"), RANGES.items(), ids=list(RANGES))
def test_ranges(expression: str, value: str) -> None:
    """A range has both ends, in order; each lends the other the month, year or direction that it lacks."""
    time = parse_time(expression, published=PUBLISHED)
    assert (time.type, time.value) == ("DATE", value)


@pytest.mark.parametrize(("expression", "value"), HOURS.items(), ids=list(HOURS))
def test_parts_of_the_day(expression: str, value: str) -> None:
    """A part of a day or an hour is a TIME, placed on its day."""
    time = parse_time(expression, published=PUBLISHED)
    assert (time.type, time.value, time.precision) == ("TIME", value, "day")


@pytest.mark.parametrize(("expression", "value"), DURATIONS.items(), ids=list(DURATIONS))
def test_durations(expression: str, value: str) -> None:
    """A length of time needs no day of publication and has no precision."""
    for published in (PUBLISHED, None):
        assert parse_time(expression, published=published) == Timex(type="DURATION", value=value)


@pytest.mark.parametrize(("expression", "value"), SETS.items(), ids=list(SETS))
def test_sets(expression: str, value: str) -> None:
    """What recurs is a SET."""
    assert parse_time(expression, published=PUBLISHED) == Timex(type="SET", value=value)


@pytest.mark.parametrize("expression", OPEN, ids=lambda text: text[:20])
def test_what_stays_open_has_no_value(expression: str) -> None:
    """Vague, impossible, unknown and endless expressions raise nothing and have no value."""
    assert parse_time(expression, published=PUBLISHED) == Timex(type="DATE")


@pytest.mark.parametrize(("expression", "value"), ABSOLUTE.items(), ids=list(ABSOLUTE))
def test_absolute_dates_need_no_anchor(expression: str, value: str) -> None:
    """Without the day of publication absolute dates, durations and sets have their value, and no anchor."""
    time = parse_time(expression)
    assert (time.value, time.anchor) == (value, None)


def test_unknown_month_leaves_the_year() -> None:
    """Of a month that nobody knows only the year is told."""
    time = parse_time("5 برمودة 2019", published=PUBLISHED)
    assert (time.value, time.precision) == ("2019", "year")


@pytest.mark.parametrize("expression", ["أمس", "الجمعة", "منذ عامين", "أبريل الماضي", "الليلة", "هذا العام"])
def test_relative_expressions_need_an_anchor(expression: str) -> None:
    """What counts from the day of publication names it as its anchor, and is open without it."""
    time = parse_time(expression, published=PUBLISHED)
    assert time.value is not None
    assert (time.anchor, time.inferred) == (PUBLISHED, False)
    assert parse_time(expression) == Timex(type="DATE")


@pytest.mark.parametrize("words", ["الجمعة 4 أبريل 2019", "4 أبريل 2019 الجمعة", "يوم الثلاثاء 4/4/2019"])
def test_calendar_date_wins_over_its_weekday(words: str) -> None:
    """A date whose weekday is wrong is the date; it was a Thursday."""
    assert value_of(words) == "2019-04-04"


@pytest.mark.parametrize(
    "published", [date.min, date.max, date(2020, 2, 29), date(1, 12, 31), date(9999, 1, 1)]
)
@pytest.mark.parametrize("expression", ANCHORED, ids=list(ANCHORED))
def test_ends_of_the_calendar(expression: str, published: date) -> None:
    """At either end of the calendar an expression has a value or none, and raises nothing."""
    assert parse_time(expression, published=published).type in ("DATE", "TIME")


@given(expressions, st.none() | st.dates())
def test_no_expression_raises(expression: str, published: date | None) -> None:
    """Whatever an expression holds, its value and precision fit its type and it has no span."""
    time = parse_time(expression, published=published)
    assert time.type in ("DATE", "TIME", "DURATION", "SET")
    assert (time.precision is None) == (time.value is None or time.type in ("DURATION", "SET"))
    assert (time.start, time.end, time.text, time.inferred) == (None, None, None, False)
    assert time.anchor in (None, published)
    assert time.value is None or all(VALUES[time.type].fullmatch(end) for end in time.value.split("/"))


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 1, 1)), st.integers(0, 6))
def test_weekdays_surround_the_anchor(published: date, weekday: int) -> None:
    """Of a weekday the last lies before publication, the bare one not behind it, the next behind it."""
    name = ["الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"][weekday]
    last, bare, following = (
        date.fromisoformat(value_of(f"{name}{direction}", published) or "")
        for direction in (" الماضي", "", " المقبل")
    )
    assert {day.weekday() for day in (last, bare, following)} == {weekday}
    week = timedelta(days=7)
    assert published - week <= last < published < following <= published + week
    assert published - week < bare <= published


@given(st.dates(min_value=date(1000, 1, 1)))
def test_written_dates_are_read_back(day: date) -> None:
    """A date in digits, in words and in Arabic-Indic digits is the same day, with and without an anchor."""
    months = ["يناير", "شباط", "مارس", "أفريل", "أيار/مايو", "يونيو (حزيران)", "يوليوز", "أوت", "أيلول"]
    month = [*months, "تشرين الأول", "نونبر", "كانون الأول/ديسمبر"][day.month - 1]
    arabic_indic = f"{day.day} {month} {day.year}".translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    for expression in (
        f"{day.day}/{day.month}/{day.year}",
        f"{day.day} من {month} عام {day.year}",
        arabic_indic,
    ):
        assert value_of(expression, None) == day.isoformat()


TEXT = "قصفت طائرة مواقع في سرت مساء الجمعة. وسقط قتيلان. وكانت المدينة شهدت معارك خلال عامين."
FRIDAY, FRIDAY_VALUE = "مساء الجمعة", "2019-03-29TEV"


def entity(text: str, words: str, entity_id: str = "T1", label: str = "DATE") -> Entity:
    """The entity at the first place where the words stand."""
    start = text.index(words)
    return Entity(id=entity_id, label=label, start=start, end=start + len(words), text=words)


def event(text: str, trigger: str, *arguments: Argument, time: Timex | None = None) -> Event:
    """An event at the first place where its trigger stands."""
    start = text.index(trigger)
    found = Trigger(start=start, end=start + len(trigger), text=trigger)
    return Event(id="E1", type="Attack", trigger=found, arguments=arguments, time=time)


def argument(text: str, words: str, entity_id: str | None = None) -> Argument:
    """A Time argument at the first place where the words stand."""
    start = text.index(words)
    return Argument(role="Time", start=start, end=start + len(words), text=words, entity_id=entity_id)


def document(
    *events: Event, entities: tuple[Entity, ...] = (), published: date | None = PUBLISHED
) -> Document:
    """The text of three sentences with these mentions."""
    ends = [index + 1 for index, letter in enumerate(TEXT) if letter == "."]
    sentences = tuple(zip([0, ends[0] + 1, ends[1] + 1], ends, strict=True))
    return Document(text=TEXT, published=published, sentences=sentences, entities=entities, events=events)


def test_dates_get_a_time_with_their_span() -> None:
    """A DATE entity gets its time, with the entity's span; other entities get none."""
    entities = (entity(TEXT, FRIDAY), entity(TEXT, "سرت", "T2", "GPE"))
    found, place = resolve_times(document(entities=entities)).entities
    start = TEXT.index(FRIDAY)
    expected = Timex(start=start, end=start + len(FRIDAY), text=FRIDAY, type="TIME", value=FRIDAY_VALUE)
    assert found.time is not None
    assert (found.time.start, found.time.end, found.time.text) == (
        expected.start,
        expected.end,
        expected.text,
    )
    assert found.time.value == FRIDAY_VALUE
    assert place.time is None


@pytest.mark.parametrize("entity_id", ["T1", None], ids=["of the entity", "of the words"])
def test_event_has_the_time_of_its_argument(entity_id: str | None) -> None:
    """A stated time is the event's, found through its entity or read from its words, and not inferred."""
    given_event = event(TEXT, "قصفت", argument(TEXT, FRIDAY, entity_id))
    (found,) = resolve_times(document(given_event, entities=(entity(TEXT, FRIDAY),))).events
    assert found.time is not None
    assert (found.time.value, found.time.text, found.time.inferred) == (FRIDAY_VALUE, FRIDAY, False)


def test_argument_around_a_date_has_its_time() -> None:
    """Where the words of an argument tell no day, a date inside it does."""
    text = "قتل جنديان غداة يوم الواقعة"
    known = Timex(type="DATE", value="2014-05-16", precision="day")
    inside = replace(entity(text, "يوم الواقعة"), time=known)
    given_event = event(text, "قتل", argument(text, "غداة يوم الواقعة"))
    (found,) = resolve_times(Document(text=text, entities=(inside,), events=(given_event,))).events
    assert value_of("غداة يوم الواقعة") is None
    assert found.time == known


def test_event_without_time_takes_the_date_of_its_sentence() -> None:
    """The only date of the sentence is the event's time, marked as inferred."""
    (found,) = resolve_times(document(event(TEXT, "قصفت"), entities=(entity(TEXT, FRIDAY),))).events
    assert found.time is not None
    assert (found.time.value, found.time.text, found.time.inferred) == (FRIDAY_VALUE, FRIDAY, True)


@pytest.mark.parametrize("trigger", ["قتيلان", "معارك"], ids=["no date", "a duration"])
def test_event_without_a_date_is_of_the_day_of_publication(trigger: str) -> None:
    """A sentence with no date, or only a duration, gives the day of publication, without span."""
    entities = (entity(TEXT, FRIDAY), entity(TEXT, "خلال عامين", "T2"))
    (found,) = resolve_times(document(event(TEXT, trigger), entities=entities)).events
    day = PUBLISHED.isoformat()
    assert found.time == Timex(type="DATE", value=day, precision="day", anchor=PUBLISHED, inferred=True)


def test_two_dates_of_a_sentence_tell_nothing() -> None:
    """Where a sentence has two dates, neither is the event's."""
    text = "تجدد القصف بعد هدوء ساد الأحد والاثنين"
    entities = (entity(text, "الأحد"), entity(text, "والاثنين", "T2"))
    given_document = Document(
        text=text,
        published=PUBLISHED,
        sentences=((0, len(text)),),
        entities=entities,
        events=(event(text, "القصف"),),
    )
    (found,) = resolve_times(given_document).events
    assert found.time is not None
    assert found.time.value == PUBLISHED.isoformat()


def test_open_stated_time_is_not_overruled() -> None:
    """A stated time that stays open is the event's: what may come in the days ahead did not happen today."""
    text = "يتوقع هجوم في الأيام المقبلة"
    given_event = event(text, "هجوم", argument(text, "الأيام المقبلة"))
    (found,) = resolve_times(Document(text=text, published=PUBLISHED, events=(given_event,))).events
    assert found.time is not None
    assert (found.time.text, found.time.value, found.time.inferred) == ("الأيام المقبلة", None, False)


def test_time_that_counts_from_an_event_is_open() -> None:
    """The words بعد يومين count from today, but not where من and an event follow."""
    for behind, value in (("من الهجوم", None), ("من الآن", "2019-04-06"), ("", "2019-04-06")):
        text = f"سيعود بعد يومين {behind}"
        resolved = resolve_times(
            Document(text=text, published=PUBLISHED, entities=(entity(text, "بعد يومين"),))
        )
        assert resolved.entities[0].time is not None
        assert resolved.entities[0].time.value == value


def timed(text: str, *dates: str, **events: tuple[str, str]) -> Document:
    """The document of one sentence with these dates; an event is its factuality with trigger and date."""
    entities = tuple(entity(text, words, f"T{number}") for number, words in enumerate(dates, start=1))
    ids = {item.text: item.id for item in entities}
    made = tuple(
        replace(
            event(text, trigger, *([argument(text, words, ids.get(words))] if words else [])),
            id=f"E{number}",
            factuality=factuality,
        )
        for number, (factuality, (trigger, words)) in enumerate(events.items(), start=1)
    )
    return resolve_times(
        Document(text=text, published=PUBLISHED, sentences=((0, len(text)),), entities=entities, events=made)
    )


def event_value(resolved: Document, number: int = 0) -> tuple[str | None, bool]:
    """The value of an event's time, and whether it was inferred."""
    time = resolved.events[number].time
    assert time is not None
    return time.value, time.inferred


@pytest.mark.parametrize(
    ("words", "planned", "happened"),
    [
        ("السبت", "2019-04-06", "2019-03-30"),
        ("الأربعاء", "2019-04-03", "2019-04-03"),
        ("12 مايو", "2019-05-12", "2018-05-12"),
        ("24 ديسمبر", "2018-12-24", "2018-12-24"),
        ("أيلول", "2019-09", "2018-09"),
        ("رمضان", "2019-05-06/2019-06-03", "2018-05-16/2018-06-14"),
        ("اليوم السبت", "2019-04-04", "2019-04-04"),
        ("السبت الماضي", "2019-03-30", "2019-03-30"),
    ],
)
def test_bare_day_of_a_plan_is_the_nearest(words: str, planned: str, happened: str) -> None:
    """A bare day or month of what is only planned may lie ahead; what happened lies behind."""
    text = f"هدنة {words}"
    assert event_value(timed(text, words, possible=("هدنة", words))) == (planned, False)
    assert event_value(timed(text, words, actual=("هدنة", words))) == (happened, False)
    # What both happened and is planned on one day happened.
    mixed = timed(text, words, possible=("هدنة", words), actual=("هدنة", words))
    assert event_value(mixed) == (happened, False)


def test_what_has_happened_counts_on_from_what_was_told() -> None:
    """What is past counts on from the day told before, a plan from today; without such a day it is open."""
    text = "خطفا الأحد وأطلقا بعد يومين"
    days = ("الأحد", "بعد يومين")
    assert event_value(timed(text, *days, actual=("أطلقا", "بعد يومين"))) == ("2019-04-02", False)
    assert event_value(timed(text, *days, possible=("أطلقا", "بعد يومين"))) == ("2019-04-06", False)
    assert event_value(timed(text, days[1], actual=("أطلقا", "بعد يومين"))) == (None, False)


@pytest.mark.parametrize(
    ("told", "words", "value"),
    [
        ("صباح الأحد", "ظهر اليوم نفسه", "2019-03-31TAF"),
        ("صباح الأحد", "اليوم التالي", "2019-04-01"),
        ("صباح الأحد", "الليلة ذاتها", "2019-03-31TNI"),
        ("صباح الأحد", "تلك السنة", "2019"),
        ("الأسبوع الماضي", "الأسبوع ذاته", "2019-W13"),
        ("آذار 2014", "الشهر نفسه", "2014-03"),
        ("صيف 2014", "العام التالي", "2015"),
        ("آذار 2014", "اليوم نفسه", None),
        ("عام 2014", "الشهر نفسه", None),
        ("صباح الأحد", "ذات يوم", None),
        ("صباح الأحد", "اليومين التاليين", None),
        ("قبل أيام", "اليوم نفسه", None),
    ],
)
def test_the_same_day_is_the_one_told_before(told: str, words: str, value: str | None) -> None:
    """A day, week, month or year told before is taken up where it is as fine as what takes it up."""
    resolved = timed(f"وقع ذلك {told} ثم تكرر {words}", told, words)
    time = resolved.entities[1].time
    assert time is not None
    assert time.value == value
    assert time.anchor != PUBLISHED


@pytest.mark.parametrize("words", ["ليلا", "قبيل الفجر", "ساعتين", "قبل ساعات", "بعد دقائق"])
def test_hours_without_a_day_leave_the_day_to_the_sentence(words: str) -> None:
    """A part of the day, a length and uncounted hours name no day: the sentence does, or publication."""
    text = f"يوم الأحد دارت معارك {words}"
    assert event_value(timed(text, "يوم الأحد", words, actual=("معارك", words))) == ("2019-03-31", True)
    assert event_value(timed(text, words, actual=("معارك", words))) == ("2019-04-04", True)


def test_length_of_a_plan_is_its_time() -> None:
    """What is to come within 48 hours is not of today."""
    text = "أمهلهم 48 ساعة للانسحاب"
    assert event_value(timed(text, "48 ساعة", possible=("للانسحاب", "48 ساعة"))) == ("PT48H", False)


def test_a_day_wins_over_a_length() -> None:
    """Of the Times of an event the one that says when is its time."""
    text = "هدنة عشرة أيام منذ الاثنين"
    given_event = event(text, "هدنة", argument(text, "عشرة أيام"), argument(text, "الاثنين"))
    (found,) = resolve_times(Document(text=text, published=PUBLISHED, events=(given_event,))).events
    assert found.time is not None
    assert found.time.value == "2019-04-01"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("قتلوا بين 24 مارس و2 أبريل 2017", "2017-03-24/2017-04-02"),
        ("قتلوا في 24 مارس و2 أبريل 2017", "2019-03-24"),
    ],
)
def test_two_times_between_are_a_range(text: str, value: str) -> None:
    """Two Time arguments that بين holds together are one range; else the first is the time."""
    arguments = [argument(text, words) for words in ("24 مارس", "و2 أبريل 2017")]
    given_event = event(text, "قتلوا", *arguments)
    (found,) = resolve_times(Document(text=text, published=PUBLISHED, events=(given_event,))).events
    assert found.time is not None
    assert found.time.value == value


def test_what_has_happened_is_not_of_a_day_ahead() -> None:
    """The one date of a sentence, if it lies ahead, is that of a plan alone."""
    text = "دعا إلى إضراب الأسبوع المقبل"
    resolved = timed(text, "الأسبوع المقبل", actual=("دعا", ""), possible=("إضراب", ""))
    assert event_value(resolved, 0) == ("2019-04-04", True)
    assert event_value(resolved, 1) == ("2019-W15", True)


def test_days_that_no_calendar_has_do_no_harm() -> None:
    """A time that a file gave may be of week 60 or of 31 February; what counts from it stays open."""
    text = "وقع ذلك حينها ثم تكرر اليوم نفسه"
    for value in ("2019-W60", "2019-02-31", "0000", "", "2019-04-04/2019-04-06"):
        known = replace(entity(text, "حينها"), time=Timex(type="DATE", value=value, precision="day"))
        mentions = (known, entity(text, "اليوم نفسه", "T2"))
        found = resolve_times(Document(text=text, published=PUBLISHED, entities=mentions)).entities[1].time
        assert found is not None
        assert found.value is None


def test_times_that_are_there_are_kept() -> None:
    """A time that an annotator gave is not touched, so that resolving twice is resolving once."""
    kept = Timex(type="DATE", value="2019-03-22", precision="day")
    own = replace(entity(TEXT, FRIDAY), time=kept)
    given_document = document(event(TEXT, "قصفت", time=kept), entities=(own,))
    resolved = resolve_times(given_document)
    assert (resolved.entities[0].time, resolved.events[0].time) == (kept, kept)
    assert resolve_times(resolved) == resolved


def test_nothing_else_changes() -> None:
    """Apart from the times the document is as it was."""
    given_document = document(event(TEXT, "قصفت"), entities=(entity(TEXT, FRIDAY),), published=None)
    resolved = resolve_times(given_document).to_dict()
    for item in (*resolved["entities"], *resolved["events"]):
        item.pop("time", None)
    assert resolved == given_document.to_dict()


def test_document_without_day_of_publication() -> None:
    """Without the day of publication an event that states no time has none."""
    (found,) = resolve_times(document(event(TEXT, "قتيلان"), published=None)).events
    assert found.time is None


def test_huge_documents_are_read() -> None:
    """Five megabytes of digits as one date are read, and 10,000 events and dates in one sentence."""
    digits = "9" * 5_000_000
    wrong = Document(text=digits, published=PUBLISHED, entities=(entity(digits, digits),))
    assert resolve_times(wrong).entities[0].time == Timex(start=0, end=len(digits), text=digits, type="DATE")
    n = 10_000
    text = "أمس " * n
    entities = tuple(
        Entity(id=f"T{i}", label="DATE", start=4 * i, end=4 * i + 3, text="أمس") for i in range(n)
    )
    events = tuple(
        Event(id=f"E{i}", type="Attack", trigger=Trigger(start=4 * i, end=4 * i + 3, text="أمس"))
        for i in range(n)
    )
    crowded = Document(
        text=text, published=PUBLISHED, sentences=((0, len(text)),), entities=entities, events=events
    )
    resolved = resolve_times(crowded)
    assert {item.time.value for item in resolved.entities if item.time} == {"2019-04-03"}
    assert {item.time.value for item in resolved.events if item.time} == {"2019-04-04"}
