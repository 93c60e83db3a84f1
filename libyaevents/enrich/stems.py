"""Words as mentions of events are compared by: light stems, roots, kinds of people and of weapons.

Arabic text comes in, sets of stems and of names of kinds go out. The tables are our own.
"""

import re
from collections.abc import Collection, Mapping
from functools import cache

from libyaevents.enrich.arabic import fold

__all__ = ["Names", "generic_stems", "means_of", "root_of", "sides_of", "stems_of", "words_of"]

Names = frozenset[str]

_WORD = re.compile(r"[^\W_]+")
_ARTICLE = re.compile(r"[وف]?(?:[بك]?ال|لل)(?=..)")
_PROCLITICS = frozenset("وفبلك")
_WEAK_LETTERS = re.compile(r"[اويءهة]")
# The longer ones first: of افرادها goes ها, not ا.
_ENDINGS = ("هما", "يين", "هم", "ها", "ين", "ون", "ان", "ات", "يه", "ه", "ي", "ا", "ت")
_FORMS = ("ات", "ين", "ون", "وا", "ان", "ت")
_SHORTEST_STEM = 3
# Folded words that tell neither who it was nor where.
_EMPTY_WORDS = (
    "من في علي عن الي ان او كل بعد قبل قرب عند بين مع اي كان التي الذي الذين هو هي لا لم لن قد "
    "نحو منهم بينهم احد عدد بعض شخص شخصا اشخاص اخر اخري اخرون اخرين رجال رجل عناصر عنصر افراد فرد "
    "قتيل جريح جثه ضحيه ضحايا قتلي جرحي مصاب مجهولون مجهولين مجموعه مصدر مدينه محيط جانب منطقه "
    "شرق غرب جنوب شمال شرقي غربي جنوبي شمالي حي طريق بلده وسط امام داخل مقر واحد اثنان اثنين "
    "ثلاثه اربعه خمسه سته سبعه ثمانيه تسعه عشره ثلاث اربع خمس سبع ثمان تسع عشر"
)
# Words of proper names that a whole war shares: الجيش, حكومة الوفاق الوطني, وكالة الأنباء.
_GENERIC_WORDS = (
    "جيش قوات قوه لواء الويه كتيبه كتائب سريه سرايا مليشيا ميليشيات جماعه جبهه حركه تنظيم تحالف فصيل مقاومه "
    "غرفه عمليات قياده عامه مجلس حكومه وزاره رئاسه دوله سلطات بعثه لجنه هيئه منظمه جمعيه حزب اتحاد مركز "
    "مديريه امن شرطه دفاع داخليه خارجيه صحه هلال صليب احمر امم متحده دولي وطني عربي اسلامي مسلحه عسكري شعبي "
    "محلي وفاق شرعيه معارضه نظام ثوار داعش قاعده وكاله انباء قناه صحيفه اذاعه رويترز فرانس برس سكاي نيوز "
    "شمال جنوب شرق غرب وادي جبل ساحل بحر جسر مطار مستشفي ميناء مسجد سوق شيخ عبد الله محمد احمد علي"
)
# Papers call the same people and the same weapon by different words of one kind.
_SIDES = {
    "forces": "شرطة شرطي شرطيين جنود جندي جنديين ضابط ضباط عسكري عسكريين أمن حراس حارس عقيد نقيب رائد "
    "ملازم عميد جيش مجند مجندين",
    "fighters": "مسلح مسلحين مهاجم مهاجمين مغيرين إرهابي إرهابيين انتحاري متشدد متطرف جهاديين متمردين "
    "مقاتل مقاتلين خصوم عصابة منفذين تنظيم خلية",
    "civilians": "مدني مدنيين مارة طفل أطفال نساء امرأة تلميذ تلاميذ طالب طلاب شاب شبان أهالي سكان مواطن "
    "مواطنين متظاهر محتج مشيع باعة تاجر تجار عامل عمال زبائن عائلة أسرة عابر متسوق",
    "captives": "سجين سجناء أسير أسرى معتقل محتجز موقوف مختطف رهينة رهائن نزيل",
}
_MEANS = {
    "vehicle": "سيارة شاحنة صهريج مفخخة ملغومة مركبة دراجة",
    "belt": "حزام أحزمة سترة ناسف",
    "charge": "عبوة لغم ألغام لاصقة",
    "gun": "رصاص طلقات أعيرة بندقية بنادق مسدس كاتم قنص رشاش",
    "shell": "قذيفة قذائف هاون صاروخ صواريخ مدفعية",
    "air": "طائرة مروحية مسيرة مقاتلات",
}


def words_of(text: str) -> list[str]:
    """Return the folded words of a text."""
    return _WORD.findall(fold(text))


def stems_of(text: str, seen: Collection[str] = ()) -> Names:
    """Return the light stems of the words of a text that tell something.

    `seen` are the folded words of the document: the ل of لشرطة is cut where شرطة or الشرطة stands there too,
    the ب of بوابة is not.
    """
    stems = {_stem(word, seen) for word in words_of(text) if len(word) >= _SHORTEST_STEM}
    return frozenset(stems - _empty())


def root_of(word: str) -> str:
    """Return the letters of a folded word that its forms share: مقتل and القتلى are قتل."""
    stem = _ARTICLE.sub("", word, count=1)
    if stem == word and word[:1] in _PROCLITICS and len(word) > _SHORTEST_STEM + 1:
        stem = word[1:]
    for ending in _FORMS:
        stem = stem.removesuffix(ending) if len(stem) - len(ending) >= _SHORTEST_STEM else stem
    stem = stem.removeprefix("م") if len(stem) > _SHORTEST_STEM else stem
    return _WEAK_LETTERS.sub("", stem)


def sides_of(stems: Names) -> Names:
    """Return the kinds of people among some stems: forces, fighters, civilians, captives."""
    return _kinds(_side_table(), stems)


def means_of(stems: Names) -> Names:
    """Return the kinds of weapons among some stems."""
    return _kinds(_means_table(), stems)


def _stem(word: str, seen: Collection[str] = ()) -> str:
    bare = _ARTICLE.sub("", word, count=1)
    if bare == word:
        bare = _without_proclitics(word, seen)
    for ending in _ENDINGS:
        if bare.endswith(ending) and len(bare) - len(ending) >= _SHORTEST_STEM:
            return bare.removesuffix(ending)
    return bare


def _without_proclitics(word: str, seen: Collection[str]) -> str:
    for count in (1, 2):
        rest = word[count:]
        if len(rest) < _SHORTEST_STEM or not _PROCLITICS.issuperset(word[:count]):
            return word
        if rest in seen or "ال" + rest in seen:
            return rest
    return word


def _kinds(table: Mapping[str, Names], stems: Names) -> Names:
    return frozenset().union(*(table[stem] for stem in stems if stem in table))


@cache
def generic_stems() -> Names:
    """Return the stems of the words of proper names that tell no story from another."""
    return frozenset(_stem(word) for word in _GENERIC_WORDS.split())


@cache
def _empty() -> Names:
    return frozenset(_stem(word) for word in _EMPTY_WORDS.split())


@cache
def _side_table() -> Mapping[str, Names]:
    return _by_stem(_SIDES)


@cache
def _means_table() -> Mapping[str, Names]:
    return _by_stem(_MEANS)


def _by_stem(table: Mapping[str, str]) -> Mapping[str, Names]:
    kinds: dict[str, set[str]] = {}
    for kind, words in table.items():
        for word in fold(words).split():
            kinds.setdefault(_stem(word), set()).add(kind)
    return {stem: frozenset(found) for stem, found in kinds.items()}
