"""Public corpora of named entities as partial labels: for each word the set of our entity tags it may have.

In: CoNLL files of other guidelines. Out: windows, and for their words which tags are admissible; the loss
that trains the entity head on such sets; and a model's score on such a corpus.

Their types are coarser than ours and their spans differ, but sets must exclude: were one tag in nearly all of
them, a network would learn to give no other. So a name is of few types of ours, and a word that a corpus
leaves `O` of none that it marks. Exceptions are told by the common nouns at which our names start (HEADS):
الجيش alone is `O` there and MILITARY here, and in وزير خارجية فرنسا, one TITLE, they see a place.
"""

import logging
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from libyaevents.assemble import Labels
from libyaevents.documents import Document
from libyaevents.errors import LabelError
from libyaevents.evaluation import TagReport
from libyaevents.evaluation.sequences import tag_reports
from libyaevents.formats.conll import OUTSIDE, join_sentences, read_conll
from libyaevents.subwords import encode_words
from libyaevents.tags import iob2_tags
from libyaevents.windows import Window, WindowBatch, collate, make_windows, sentence_words
from libyaevents.words import Span, split_words

__all__ = [
    "PartialBatch",
    "PartialExample",
    "make_partial_batch",
    "partial_loss",
    "read_partial",
    "score_conll",
]

logger = logging.getLogger(__name__)

# What the types of ANERcorp, CaraNER and Wojood may be under our guideline; with `O` some of their names are
# none of ours. A type that is missing (MISC) may be anything.
READINGS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("PERS", "PER"), ("PERSON",)),
    **dict.fromkeys(("LOC", "GPE"), ("GPE", "LOC")),  # Wojood has GPE مخيم جنين, قطاع غزة
    "FAC": ("FAC", "LOC", "ORG"),
    "ORG": ("ORG", "MILITARY"),
    "NORP": (OUTSIDE, "NORP", "MILITARY", "ORG"),  # O: الأطفال, الناخبين
    **dict.fromkeys(("OCC", "TIT", "TITLE"), ("TITLE",)),
    "DATE": ("DATE",),
    "TIME": (OUTSIDE, "DATE"),  # O: الآن
    "EVENT": (OUTSIDE, "NAMED_EVENT", "NORP"),  # O: افتتاح, تفشي الكوليرا
    **dict.fromkeys(("CARDINAL", "MONEY", "PERCENT", "QUANTITY"), ("QUANTITY",)),
    "ORDINAL": (OUTSIDE, "DATE"),  # O: رقم 85, الجزء الأول
}
MEASURES = ("DATE", "QUANTITY")  # that start before the foreign name where it leaves out خلال or نحو

# Common nouns, without the article, at which our names of a type start.
HEADS: Mapping[str, str] = {
    "ORG": "حكومة سلطة سلطات شرطة برلمان مجلس مجالس وزارة وزارات محكمة محاكم لجنة لجان هيئة هيئات مؤسسة "
    "منظمة جمعية اتحاد نقابة حزب أحزاب كتلة حركة جماعة جهاز أجهزة إدارة ادارة رئاسة خارجية داخلية دفاع أمن "
    "امن استخبارات مخابرات نيابة قضاء مفوضية بعثة مكتب مركز معهد جامعة كلية مدرسة شركة شركات بنك مصرف بورصة "
    "صندوق وكالة وكالات صحيفة جريدة مجلة قناة إذاعة تلفزيون شبكة موقع نادي منتخب فريق نظام بلدية دائرة "
    "مديرية أمانة سفارة مؤتمر حلف تحالف مجموعة مرصد ديوان دار رابطة قيادة قوة أمم منظومة قسم قوات",
    "MILITARY": "جيش جيوش قوة قوات قوى تنظيم تنظيمات ميليشيا ميليشيات مليشيا مليشيات كتيبة كتائب لواء ألوية "
    "فيلق فرقة وحدة وحدات حرس سلاح طيران بحرية مقاومة تحالف حشد احتلال قيادة غرفة فصيل فصائل جماعة حركة "
    "جبهة خفر أنصار حزب مجلس دفاع شبكة خلية سرايا مجموعة مؤسسة جهاز رئاسة",
    "LOC": "حدود ساحل سواحل أراضي اراضي جنوب شمال شرق غرب وسط جنوبي شمالي شرقي غربي أواسط بحر ريف قطاع محور "
    "حي أحياء مخيم مخيمات منطقة مناطق جبهة وادي هضبة صحراء جبل جبال شبه جزيرة جزر قارة بلاد عالم ضفة ضاحية "
    "إقليم نهر بحيرة خليج محيط مياه سهل شاطئ شواطئ أرض مرتفعات موانئ خط حارة بحيرات سهول",
    "FAC": "مطار مطاري ميناء ميناءي مرفأ سجن مستشفى مستشفي مقر طريق شارع بوابة قاعدة فندق مسجد جامع كنيسة "
    "دير مبنى برج برجي حقل معسكر سوق محطة قصر قنصلية سفارة كلية مدرسة متحف معبر جسر ملعب استاد ساحة ميدان "
    "مركز مصنع مقبرة قلعة حصن مرقد مقام حرم بيت سد جدار سياج صالة مسرح قاعة جامعة حاجز قبر ضريح محطات مينائي",
    "TITLE": "رئيس رئيسة رؤساء وزير وزيرة وزيرا وزراء نائب نائبة قائد قائدا قيادي متحدث متحدثة ناطق ناطقة "
    "زعيم أمين امين مدير مديرة عضو أعضاء مبعوث مندوب ممثل سفير مستشار آمر ضابط مدعي محافظ حاكم ملك أمير ولي "
    "شيخ لواء عميد عقيد فريق مشير جنرال مدرب لاعب حارس مهاجم مدافع نجم كاتب باحث مراسل صحفي صحافي قاضي مفتي "
    "إمام بابا مسؤول منسق مفوض مشرف وكيل مساعد سكرتير خبير محلل أستاذ دكتور مؤسس سيد خادم معالي سمو مرشد",
    "NAMED_EVENT": "حرب اتفاق اتفاقية معاهدة مؤتمر قمة عملية ثورة انتفاضة غزو اجتياح معركة هدنة مبادرة "
    "إعلان بطولة كأس دوري دورة مجزرة درع نكبة",
}
REACH = 4  # words behind a head that may belong to its name; the nearest one for a person: قوات حفتر
# One guideline takes these words into a name, the other leaves them out: مدينة القدس, جنوب لبنان.
OPTIONAL = (
    "مدينة بلدة قرية محافظة منطقة إقليم اقليم ولاية حي خربة جزيرة دولة العاصمة قضاء لواء مديرية ضاحية قارة "
    "شمال جنوب شرق غرب وسط شمالي جنوبي شرقي غربي صحيفة جريدة مجلة قناة شبكة موقع الملك الأمير الشيخ السيد "
    "الإمام البابا معالي سمو جلالة فضيلة بتاريخ"
)
_QUOTES = frozenset("\"'«»“”‘’()[]#")

# What names are called in ANERcorp, from its types, ours and Wojood's.
NEWSWIRE_TYPES = {
    **dict.fromkeys(("PERS", "PER", "PERSON"), "PERS"),
    **dict.fromkeys(("LOC", "GPE", "FAC"), "LOC"),
    **dict.fromkeys(("ORG", "MILITARY"), "ORG"),
}

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartialExample:
    """A window and the tags that its words may have: `admissible` is (words, tags), all true if unknown."""

    window: Window
    admissible: Flags


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartialBatch:
    """Padded windows and the admissible tags of their words (batch, words, tags); padding admits all."""

    windows: WindowBatch
    admissible: Tensor


def read_partial(
    paths: Sequence[Path],
    tokenizer: Tokenizer,
    labels: Labels,
    *,
    specials: tuple[int, int],
    max_subwords: int,
) -> list[PartialExample]:
    """Cut CoNLL files into windows, in order; see `join_sentences` for what makes a document.

    An organization whose name is also a place's in these files may be that place, as countries that act are.

    Raises:
        InputError: see `read_conll`.
        LabelError: `labels` lacks an entity type that foreign types are read as.
    """
    files = [list(join_sentences(read_conll(path))) for path in paths]
    names = [entity for documents in files for document in documents for entity in document.entities]
    reader = _Reader(labels, {name.text for name in names if "GPE" in READINGS.get(name.label, ())})
    examples: list[PartialExample] = []
    for documents in files:
        outside = reader.outside({name.label for document in documents for name in document.entities})
        for document in documents:
            words = split_words(document.text)
            windows = make_windows(
                encode_words(document.text, words, tokenizer),
                sentence_words(words, document.sentences),
                specials=specials,
                max_subwords=max_subwords,
            )
            admissible = reader.read(document, words, outside)
            examples += [_example(window, admissible) for window in windows]
    unread = Counter(name.label for name in names if name.label not in READINGS)
    logger.info("%d windows of other corpora; names that may be anything: %s", len(examples), dict(unread))
    return examples


def make_partial_batch(examples: Sequence[PartialExample]) -> PartialBatch:
    """Pad examples to one batch."""
    windows = collate([example.window for example in examples])
    admissible = np.ones((*windows.word_mask.shape, examples[0].admissible.shape[1]), np.bool_)
    for row, example in enumerate(examples):
        admissible[row, : len(example.admissible)] = example.admissible
    return PartialBatch(windows=windows, admissible=torch.from_numpy(admissible))


def partial_loss(entity_logits: Tensor, admissible: Tensor) -> Tensor:
    """Average minus the log-probability of the admissible tags over the words that do not admit all.

    Args:
        entity_logits: *Shape:* (batch, words, tags), of any floating type.
        admissible: *Shape:* (batch, words, tags), boolean; every word admits a tag at least.

    Returns:
        A scalar in float32; zero where all words admit all.

    Source: Jin and Ghahramani (2002), Learning with Multiple Labels.
    """
    logits = entity_logits.float()
    log_mass = logits.masked_fill(~admissible, -torch.inf).logsumexp(-1)
    losses = logits.logsumexp(-1) - log_mass
    is_known = ~admissible.all(-1)
    return torch.where(is_known, losses, 0.0).sum() / is_known.sum().clamp(min=1)


def score_conll(gold: Sequence[Document], predicted: Iterable[Document]) -> TagReport:
    """Score our entities as PERS, LOC and ORG against documents of `join_sentences`, strictly, by tokens.

    PERSON is PERS; GPE, LOC and FAC are LOC; ORG and MILITARY are ORG; other types, on either side, are
    nothing. FAC is LOC since CLEANANERCorp calls airports, stadiums, mosques, ports and towers LOC (but
    universities, schools and hospitals ORG). An entity covers each token of which it covers a character.

    Raises:
        MissingExtraError: seqeval is not installed.
    """
    pairs = zip(gold, predicted, strict=True)
    return tag_reports([(_as_newswire(one, one), _as_newswire(one, other)) for one, other in pairs])[0]


class _Reader:
    """Says which of our tags the words of foreign documents may have."""

    def __init__(self, labels: Labels, places: Set[str]) -> None:
        """`places` are names that an organization may share with a place."""
        missing = {label for types in READINGS.values() for label in types} - {OUTSIDE, *labels.entities}
        if missing:
            raise LabelError(
                f"expected labels with all entity types of the ontology, found none named "
                f"{', '.join(sorted(missing))}: train without partial labels, or on the ontology's types"
            )
        self.places = places
        self.numbers = {tag: number for number, tag in enumerate(iob2_tags(labels.entities))}
        self.heads = {label: _pattern(words, article="(?:ال|ل)?") for label, words in HEADS.items()}
        self.optional = _pattern(OPTIONAL)

    def outside(self, foreign: Iterable[str]) -> Flags:
        """What a word may be (tags,) that a corpus with names of these types leaves `O`, heads aside.

        Dates and quantities are never excluded: guidelines differ in which words belong to them.
        """
        readings = [READINGS[label] for label in foreign if label in READINGS]
        marked = {label for types in readings if OUTSIDE not in types for label in types}
        return ~self._flags("BI", (marked | {"FAC"} if "LOC" in marked else marked) - set(MEASURES))

    def read(self, document: Document, words: Sequence[Span], outside: Flags) -> Flags:
        """What the words of a document may be (words, tags).

        A word of nested names may be what any of them admits, but nothing counts inside a name that is surely
        one of ours: the longest name wins.
        """
        starts = [start for start, _ in words]
        pieces = [document.text[start:end] for start, end in words]
        heads = [{label for label, head in self.heads.items() if head.fullmatch(piece)} for piece in pieces]
        near = list(_behind(pieces, heads))
        rows = np.array(
            [outside | self._flags("B", heads[n]) | self._flags("I", near[n]) for n in range(len(words))]
        )
        is_named, is_ours = np.zeros((2, len(words)), np.bool_)
        names = [
            (bisect_left(starts, name.start), bisect_left(starts, name.end), name.label)
            for name in document.entities
        ]
        ends = {(end, label) for _, end, label in names}
        for start, end, label in sorted(names, key=lambda name: (name[0] - name[1], name)):
            if is_ours[start:end].all():
                continue
            types = self._types(label, pieces[start:end], heads[start])
            found = self._name(pieces[start:end], types, near[start], goes_on=(start, label) in ends)
            rows[start:end] = found | (rows[start:end] & is_named[start:end, np.newaxis])
            is_named[start:end] = True
            is_ours[start:end] |= bool(types) and OUTSIDE not in types
        return rows

    def _types(self, label: str, pieces: Sequence[str], heads: Set[str]) -> tuple[str, ...]:
        """What a name may be, by its words and the heads that its first one is; nothing for anything."""
        types = READINGS.get(label, ())
        name = " ".join(pieces)
        if label in {"LOC", "ORG"} and "FAC" in heads:
            types = (*types, "FAC")  # مطار دمشق, مستشفى الشفاء
        if label == "ORG" and not self.places.isdisjoint({name, name[1:], f"ال{name[2:]}"}):
            types = (*types, "GPE", "LOC")  # إيران, لإيران, للصين, which act
        if types == ("TITLE",) and len(pieces) == 1 and not name.startswith(("ال", "لل")):
            types = (OUTSIDE, *types)  # indefinite: مذيع, حلاق
        return types

    def _name(
        self, pieces: Sequence[str], types: tuple[str, ...], near: Mapping[str, int], *, goes_on: bool
    ) -> Flags:
        """What the words of one name may be (words, tags), from the heads before it and their distances.

        With `goes_on` its first word may continue a name of the same type.
        """
        rows = np.ones((len(pieces), len(self.numbers)), np.bool_)
        if not types:
            return rows
        if "PERSON" in types:  # قوات حفتر, but not الرئيس ماكرون
            near = {label: distance for label, distance in near.items() if distance == 1 and label != "TITLE"}
        goes_on = goes_on or types[0] in MEASURES
        opens = True
        for number, piece in enumerate(pieces):
            if not _has_letters(piece):
                continue
            if opens and number + 1 < len(pieces) and self.optional.fullmatch(piece):
                goes_on = True
                continue
            # Of what is not surely one of ours, a part may be: اللاجئين الفلسطينيين holds a NORP.
            begins = opens or OUTSIDE in types
            prefixes = ("B" if begins else "") + ("I" if goes_on else "")
            rows[number] = self._flags(prefixes, types) | self._flags("I", near)
            opens, goes_on = False, True
        return rows

    def _flags(self, prefixes: str, labels: Iterable[str]) -> Flags:
        flags = np.zeros(len(self.numbers), np.bool_)
        for label in labels:
            tags = [label] if label == OUTSIDE else [f"{prefix}-{label}" for prefix in prefixes]
            flags[[self.numbers[tag] for tag in tags]] = True
        return flags


def _pattern(words: str, article: str = "") -> re.Pattern[str]:
    """Match one of the words with the proclitics that Arabic writes to it."""
    return re.compile(f"[وف]?[بلك]?{article}(?:{'|'.join(words.split())})")


def _has_letters(piece: str) -> bool:
    return any(map(str.isalnum, piece))


def _behind(pieces: Sequence[str], heads: Sequence[Set[str]]) -> Iterator[Mapping[str, int]]:
    """For each word, what heads stand up to `REACH` words before it, and how far; punctuation parts them."""
    near: dict[str, int] = {}
    for piece, begun in zip(pieces, heads, strict=True):
        if piece not in _QUOTES:
            near = {label: n + 1 for label, n in near.items() if n < REACH} if _has_letters(piece) else {}
        yield near
        near = near | dict.fromkeys(begun, 0)


def _example(window: Window, rows: Flags) -> PartialExample:
    """Cut out the rows of a window's words; those that another window scores admit all."""
    (first, last), (start, end) = window.words, window.scored
    admissible = np.ones((last - first, rows.shape[1]), np.bool_)
    admissible[start - first : end - first] = rows[start:end]
    return PartialExample(window=window, admissible=admissible)


def _as_newswire(gold: Document, document: Document) -> Document:
    """Keep persons, places and organizations under ANERcorp's types, over whole tokens of `gold`."""
    entities = []
    for entity in document.entities:
        if entity.label in NEWSWIRE_TYPES:
            start, end = _whole_tokens(gold.text, entity.start, entity.end)
            label, text = NEWSWIRE_TYPES[entity.label], gold.text[start:end]
            entities.append(replace(entity, label=label, start=start, end=end, text=text))
    return replace(gold, entities=tuple(entities))


def _whole_tokens(text: str, start: int, end: int) -> Span:
    """Widen a span to the white space around it."""
    while start > 0 and text[start - 1] not in " \n":
        start -= 1
    while end < len(text) and text[end] not in " \n":
        end += 1
    return start, end
