"""What a document says of a name: what it repeats, and what the words around it show.

Bodies are found again by the words of their names, spellings by what one letter less leaves. Around a name
stand a verb (قالت أنقرة: the state, not the city) and an occupation (الخباز محمد الحداد: a namesake).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from libyaevents.documents import Actor
from libyaevents.enrich.actor_names import head_of, is_definite, name_readings
from libyaevents.enrich.actor_rows import Naming
from libyaevents.enrich.actor_spelling import NearIndex
from libyaevents.enrich.arabic import fold, proclitic_readings, remember, strip_conjunction, word_set

__all__ = ["Phrases", "Spellings", "identity_of", "in_one_clause", "is_private", "is_state_that_acts"]

# A bare noun may stand for an actor named without it: الحركة for حماس, but never الجيش for قوات حفتر.
_KINDS_OF_GROUPS = frozenset({"حركه", "تنظيم", "جماعه", "حزب", "بعثه", "حلف", "منظمه", "وكاله"})
# A name that does not begin with one of these (النواصي) may be called by what the table calls it: الكتيبة.
_KINDS_OF_BODIES = _KINDS_OF_GROUPS | word_set(
    "كتيبه لواء سريه مجلس برلمان حكومه مجموعه هييه شركه قناه صحيفه شبكه قبيله جبهه فصيل جهاز لجنه قوه مليشيا"
    " مليشيات موسسه محكمه مفوضيه غرفه عمليه سرايا كتايب تحالف اتحاد جامعه مصرف حرس فيلق وحدات موتمر نظام"
    " اداره جيش قوات قياده طيران سلاح وزاره سلطات"
)
_ARMY = "جيش"
_FORCES_OF_ARMIES = frozenset({"قوات", "قياده", "طيران", "مليشيا", "مليشيات"})

_SENTENCE_MARKS = re.compile(r"[.،,؛;:!؟?\n()«»\"-]")
_STOPS = re.compile(r"[.؛;:\n]")
_CLAUSE_WORDS = word_set(
    "ان انه انها الذي التي الذين بينما فيما حيث لكن ولكن ثم بعد قبل عندما حين كما وقال وقالت واضاف واضافت"
)
_LONGEST_TITLE = 4

# Behind these a city is a place.
_VERBS_OF_PLACES = word_set("زارت غادرت وصلت دخلت بلغت قصفت شهدت تشهد تشهدها")
# What only a state has, and where only a state stands.
_BEFORE_STATES = word_set(
    "دعم موقف رد سياسه قرار تدخل تصريحات اتهامات عقوبات تهديدات مصالح ضغوط حليف حليفه حلفا بين جانب دور نفوذ"
    " مطالب شروط تحذيرات مبادره مساعي رغبه رفض تاييد"
)
# What runs between two cities and not between their states.
_WAYS = word_set("الطريق طريق الطرق خط الخط الحدود المسافه مسافه السكه رحله رحلات الرحلات")
_CLAUSE_OPENERS = word_set("ان وان بان فان لان لكن ولكن بينما فيما حيث اما كانت وكانت")
_SHORTEST_VERB = 4
_NOUNS_IN_TA = word_set("تركيا تونس تشاد تجاه تحت تفجير تفجيري ترهونه تاريخ تمثال تظاهر تجار توقيت تقاطع")

# A bearer of one of these is a namesake of the commander or minister. Words of respect (المهندس) are left
# out, and so is what may be said of an official (ممثل الأمين العام).
_OCCUPATIONS = word_set(
    "خباز نجار حداد سباك كهربايي ميكانيكي سايق بايع بقال جزار قصاب حلاق خياط طباخ طاهي طاه نادل اسكافي دهان"
    " لحام خراط صايغ مزارع فلاح صياد نحال بستاني معلم مدرس تلميذ ممرض مسعف صيدلي بيطري لاعب مدرب عداء سباح"
    " ملاكم دراج فنان مطرب مغني شاعر روايي رسام نحات خطاط عازف موسيقي مسرحي موظف محاسب صراف حمال بواب"
    " مسن طفل فتي يتيم عريس شيف صباغ"
)
# Without the article these are verbs, or said of officials: طالب السراج بذلك.
_OCCUPATIONS_WITH_ARTICLE = word_set("طالب عامل تاجر حارس")
_OWNERS = frozenset({"صاحب", "مالك"})
_TRADES = word_set("مخبز مقهي دكان متجر محل ورشه حانوت بقاله مطعم مكتبه صيدليه مدرسه كشك مرسم")
_OWN_TRADES = _TRADES - {"محل"}
_ITS = "ه"
_LINKS = word_set("وهو هو الذي يعمل كان وكان")
# Behind one of these a name is another's: سائق رئيس الحكومة فايز السراج.
_PARTING = word_set(
    "في من الي علي عن ان مع بعد قبل الذي التي رييس الرييس وزير الوزير قايد القايد امر الناطق المتحدث المشير"
    " اللواء العقيد العميد الفريق الجنرال الشيخ السيد"
)
_LONGEST_COMPLEMENT, _WORDS_BEHIND = 3, 4

_MOST_NAMES = 64
_SHORTEST_TYPO = 4


def identity_of(actor: Actor | None, key: str) -> str:
    """Return what tells an actor from others; of a mention without actor its key."""
    return (actor.id or actor.name) if actor else key


class Phrases:
    """The bodies that a document names, by the words of the names."""

    def __init__(self) -> None:
        self._names: defaultdict[tuple[str, str], dict[tuple[frozenset[str], str], None]] = defaultdict(dict)
        self._heads: set[str] = set()
        self._groups: defaultdict[str, set[str]] = defaultdict(set)
        self._armies: set[str] = set()
        self._actors: dict[str, Actor] = {}

    def add(self, key: str, actor: Actor | None) -> None:
        """Add a name of the document; without actor it still stands in the way of a guess."""
        words, identity = _bare_words(key), identity_of(actor, key)
        if actor:
            self._actors[identity] = actor
        head = head_of(key)
        self._heads.add(head)
        for word in words:
            self._names[head, word][words, identity] = None

    def add_kinds(self, key: str, namings: Iterable[Naming], actor: Actor) -> None:
        """Add what the actor of a name is called in the table: حماس is a حركة, قوات حفتر may be الجيش too."""
        own_head = head_of(key)
        is_bare = own_head not in _KINDS_OF_BODIES
        for naming in namings:
            head = head_of(naming.key)
            if head == _ARMY and own_head in _FORCES_OF_ARMIES:
                self._armies.add(identity_of(actor, naming.key))
            if head in (_KINDS_OF_BODIES if is_bare else _KINDS_OF_GROUPS):
                self._heads.add(head)
                self._groups[head].add(identity_of(actor, naming.key))
                self._actors[identity_of(actor, naming.key)] = actor

    def find(self, key: str) -> Actor | None:
        """Return the actor of the one longer name that has the head and all words of `key`."""
        found: set[str] = set()
        for reading in name_readings(key):
            found = self._longer_names(reading)
            if found:
                break
        actors = {identity_of(self._actors.get(identity), identity) for identity in found}
        actor = self._actors.get(actors.pop()) if len(actors) == 1 else None
        if actor:
            self._actors[key] = actor
        return actor

    def _longer_names(self, key: str) -> set[str]:
        words, head = _bare_words(key), head_of(key)
        if len(words) == 1 and not is_definite(key):
            return set()
        if head not in self._heads:
            return set()
        names = min((self._names.get((head, word), {}) for word in words), key=len, default={})
        # Of so many, one would be a guess; and 10,000 brigades in one text stay linear.
        near = names if len(names) <= _MOST_NAMES else {}
        longer = {identity for other, identity in near if words < other}
        if len(words) > 1:
            return longer
        found = longer | self._groups.get(head, set())
        # Beside الجيش التركي and قوات حفتر a bare الجيش is neither; قوات حفتر alone are never الجيش.
        return found | self._armies if found and head == _ARMY else found


class Spellings:
    """The resolved names of a document, of persons or of bodies, found again with one letter changed."""

    def __init__(self) -> None:
        self._index = NearIndex()
        self._actors: dict[str, Actor] = {}

    def add(self, key: str, actor: Actor) -> None:
        """Add a name."""
        self._index.add(key)
        self._actors[key] = actor

    def find(self, key: str) -> Actor | None:
        """Return the actor of the one name that is a letter away."""
        if len(key) < _SHORTEST_TYPO or any(map(str.isdigit, key)):
            return None
        names = {name for reading in name_readings(key) for name in self._index.near(reading)}
        near = {identity_of(self._actors[name], name): self._actors[name] for name in names}
        return next(iter(near.values())) if len(near) == 1 else None


def in_one_clause(between: str) -> bool:
    """Return whether two names with these words between them stand in one clause: few, no mark, no إن."""
    words = fold(between).split()
    is_parted = _SENTENCE_MARKS.search(between) or _CLAUSE_WORDS.intersection(words)
    return not is_parted and len(words) <= _LONGEST_TITLE


def is_state_that_acts(before: str, behind: str) -> bool:
    """Return whether a capital between these words is its state: قالت أنقرة, إن أنقرة ترفض, not إلى أنقرة."""
    words, rest = fold(before).split(), fold(behind).split()
    last = words[-1] if words else ""
    if strip_conjunction(last) in _VERBS_OF_PLACES:
        return False
    if last == "بين" and not _WAYS.isdisjoint(words[-4:]):
        return False
    if any(reading.stem in _BEFORE_STATES for reading in proclitic_readings(last)):
        return True
    if _is_feminine_verb(last):
        return True
    return (not last or last in _CLAUSE_OPENERS) and bool(rest) and _is_feminine_verb(rest[0])


def is_private(before: str, behind: str) -> bool:
    """Return whether the words around a person show a private one: الخباز فلان, فلان صاحب مقهى."""
    words = fold(_SENTENCE_MARKS.split(before)[-1]).split()
    for index in range(len(words) - 1, max(len(words) - 2 - _LONGEST_COMPLEMENT, -1), -1):
        if words[index] in _PARTING:
            break
        if _is_occupation(words, index):
            return _describes_next(words[index], words[index + 1 :])
    words = fold(_STOPS.split(behind, maxsplit=1)[0]).replace("،", " ، ").replace("(", " ، ").split()
    first = next((i for i, word in enumerate(words) if word not in _LINKS | {"،"}), len(words))
    is_said_of = first > 0 and first < len(words) and _is_occupation(words, first)
    return is_said_of or any(map(_is_own_trade, words[:_WORDS_BEHIND]))


def _describes_next(occupation: str, rest: Sequence[str]) -> bool:
    """Return whether the next name is the bearer's: الخباز فلان, سائق الشاحنة فلان, not سائق فلان."""
    is_definite_one = any(reading.article for reading in proclitic_readings(occupation))
    return all(word.startswith("ال") for word in rest) if is_definite_one else bool(rest)


def _is_occupation(words: Sequence[str], index: int) -> bool:
    readings = tuple(proclitic_readings(words[index]))
    if any(reading.stem in _OWNERS for reading in readings):
        return any(head_of(word) in _TRADES for word in words[index + 1 : index + 3])
    if any(reading.article and reading.stem in _OCCUPATIONS_WITH_ARTICLE for reading in readings):
        return True
    # A predicate ends in alef: يعمل نجارا.
    return any({reading.stem, reading.stem.removesuffix("ا")} & _OCCUPATIONS for reading in readings)


def _is_own_trade(word: str) -> bool:
    """Return whether a person's own shop or school is named: في مخبزه, مدرسته."""
    for reading in proclitic_readings(word):
        bare = reading.stem.removesuffix(_ITS)
        if bare != reading.stem and {bare, bare[:-1] + "ه" if bare.endswith("ت") else bare} & _OWN_TRADES:
            return True
    return False


def _is_feminine_verb(word: str) -> bool:
    """Return whether a word has the form of a verb of a state: قالت, تقول, ستقول; تصريحات has not."""
    stem = word.removeprefix("و").removeprefix("ف")
    if len(stem) < _SHORTEST_VERB or stem.startswith("ال"):
        return False
    is_past = stem.endswith("ت") and not stem.endswith("ات")
    return is_past or (
        stem.startswith(("ت", "ست")) and not stem.endswith(("ه", "ات")) and stem not in _NOUNS_IN_TA
    )


@remember
def _bare_words(key: str) -> frozenset[str]:
    return frozenset(head_of(word) for word in key.split())
