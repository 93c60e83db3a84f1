"""What to annotate next: margins, the choice by worth and novelty, the marked sentences, and the command."""

import json
import re
import runpy
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libyaevents.cli import main
from libyaevents.datasets import load_corpus
from libyaevents.documents import Document, Entity
from libyaevents.errors import ConfigError
from libyaevents.extractor import Extractor, WordScores
from libyaevents.formats import annotation
from libyaevents.formats.jsonl import read_documents, write_documents
from libyaevents.suggest import MARKED_SHARE, TRIGGER_WEIGHT, Candidate, _measure, choose, measure, suggest
from libyaevents.tags import decode_spans

TEXTS = (
    "قصفت طائرات مسيرة مواقع شرقي مصراتة فجر الجمعة. وقال المتحدث إن الغارة قتلت أربعة جنود.",
    "دعت الأمم المتحدة إلى وقف إطلاق النار في سرت والجفرة. ورحبت بذلك حكومة الوفاق.",
    "اجتمع السراج بوزير الخارجية التركي في طرابلس أمس.",
    "نفى مصدر عسكري انسحاب القوات من قاعدة الوطية الجوية. وأكد أن المعارك مستمرة جنوب العاصمة.",
    "افتتح في بنغازي معرض للكتاب. وتستمر فعالياته أسبوعا.",
)

SCRIPT = Path(__file__).parent.parent / "scripts" / "active_learning.py"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def extractor(tiny_model: Path) -> Extractor:
    """The tiny model."""
    return Extractor.from_pretrained(tiny_model, n_threads=1, enrich=False)


@pytest.fixture(scope="module")
def shipped() -> Extractor:
    """The shipped model."""
    return Extractor.from_pretrained(n_threads=1)


@pytest.fixture
def run(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> Run:
    """Run `libyaevents suggest` with the tiny model, in a folder with one file of articles."""
    monkeypatch.chdir(tmp_path)
    lines = (json.dumps({"id": f"a{number}", "text": text}) for number, text in enumerate(TEXTS))
    (tmp_path / "news.jsonl").write_text("\n".join(lines), encoding="utf-8")

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main(["suggest", "--model", str(tiny_model), *map(str, arguments)])
        return code, *capfd.readouterr()

    return run


def articles(texts: Sequence[str] = TEXTS) -> list[Document]:
    """Texts as documents with ids of their own."""
    return [Document(id=f"a{number}", text=text) for number, text in enumerate(texts)]


def candidate(
    text: str, uncertainty: Sequence[float], n_words: Sequence[int], content: Sequence[float]
) -> Candidate:
    """A candidate by hand; sentences have `n_words` words."""
    return Candidate(
        document=Document(text=text),
        n_words=np.array(n_words, np.int64),
        uncertainty=np.array(uncertainty, np.float64),
        content=np.array(content, np.float64),
    )


def texts_of(candidates: Sequence[Candidate]) -> list[str]:
    """The candidates' texts, in order."""
    return [candidate.document.text for candidate in candidates]


# Drawing a pool takes longer than hypothesis likes where a machine is busy.
any_pool = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
shares = st.floats(0, 3)
sentences = st.lists(st.tuples(st.integers(0, 40), shares), min_size=1, max_size=6)
contents = st.lists(st.floats(-2, 2), min_size=3, max_size=3)
pools = st.lists(st.tuples(sentences, contents), max_size=7).map(
    lambda drawn: [
        candidate(
            f"{number}", [words * share for words, share in parts], [words for words, _ in parts], content
        )
        for number, (parts, content) in enumerate(drawn)
    ]
)


# Margins


def test_margins_by_hand() -> None:
    """A word adds 1 - (p₁ - p₂) as an entity and twice that as a trigger, to the sentence it stands in."""
    sure, torn = [np.log(0.98), np.log(0.01), np.log(0.01)], [np.log(0.5), np.log(0.4), np.log(0.1)]
    scores = WordScores(
        document=Document(text="قتل جندي. عاد"),
        sentences=((0, 2), (2, 2), (2, 3)),
        states=np.eye(3, dtype=np.float32),
        entity_logits=np.array([sure, torn, torn], np.float32),
        trigger_logits=np.array([torn, sure, sure], np.float32),
    )
    measured = _measure(scores)
    words = [0.03 + TRIGGER_WEIGHT * 0.9, 0.9 + TRIGGER_WEIGHT * 0.03, 0.9 + TRIGGER_WEIGHT * 0.03]
    assert measured.uncertainty == pytest.approx([words[0] + words[1], 0, words[2]], rel=1e-5)
    assert measured.n_words.tolist() == [2, 0, 1]
    assert measured.content == pytest.approx(np.array(words) / sum(words), rel=1e-5)
    assert measured.mean == pytest.approx(sum(words) / 3, rel=1e-5)


def test_scores_are_those_that_are_decoded(extractor: Extractor) -> None:
    """Decoding the scores of words gives the triggers that `extract_many` finds; nothing else biases them."""
    biased = replace(extractor.settings, entity_outside_bias=1.0, trigger_outside_bias=-1.0)
    reader = Extractor(extractor.engine, extractor.tokenizer, extractor.labels, biased)
    (found,), (scores,) = reader.extract_many([TEXTS[0]]), reader.score_words([TEXTS[0]])
    for name, logits in (("entities", scores.entity_logits), ("events", scores.trigger_logits)):
        decoded = [
            decode_spans(logits[np.newaxis, start:end], np.array([end - start]))[0]
            for start, end in scores.sentences
        ]
        assert sum(map(len, decoded)) == len(getattr(found, name)) > 0
    assert scores.document.sentences == found.sentences
    assert scores.states.shape[0] == scores.sentences[-1][1]


def test_a_measure_does_not_depend_on_company(extractor: Extractor) -> None:
    """An article is measured alike alone and among others, though they are read together."""
    together = list(measure(extractor, TEXTS))
    for text, among in zip(TEXTS, together, strict=True):
        (alone,) = measure(extractor, [text])
        assert alone.uncertainty == pytest.approx(among.uncertainty, abs=1e-3)
        assert alone.worth > 0


# Choosing


@any_pool
@given(pools, st.integers(1, 9), st.randoms())
def test_choice_does_not_depend_on_order(pool: list[Candidate], n: int, random: Random) -> None:
    """Shuffled candidates give the same choice; all come once where fewer are there than asked for."""
    shuffled = list(pool)
    random.shuffle(shuffled)
    chosen = texts_of(choose(shuffled, n))
    assert chosen == texts_of(choose(pool, n))
    assert len(chosen) == len(set(chosen)) == min(n, len(pool))


@any_pool
@given(pools, st.integers(1, 7))
def test_a_longer_list_begins_with_the_shorter(pool: list[Candidate], n: int) -> None:
    """Who annotates ten of twenty articles annotates the ten that would have been chosen."""
    assert texts_of(choose(pool, n + 1))[:n] == texts_of(choose(pool, n))


@any_pool
@given(pools)
def test_the_first_is_worth_most(pool: list[Candidate]) -> None:
    """Nothing is known of what is like what at first, so worth alone counts; without words it is nothing."""
    if pool:
        assert choose(pool, 1)[0].worth == max(candidate.worth for candidate in pool)


def test_near_duplicates_come_last() -> None:
    """An article like a chosen one is passed over for one that is worth less and about something else."""
    pool = [
        candidate("الخبر", [20.0], [50], [1.0, 0.0]),
        candidate("الخبر نفسه", [19.9], [50], [1.0, 0.001]),
        candidate("خبر آخر", [5.0], [50], [0.0, 1.0]),
    ]
    assert texts_of(choose(pool, 3)) == ["الخبر", "خبر آخر", "الخبر نفسه"]


def test_long_articles_do_not_win_by_length() -> None:
    """Of two articles, the one with more uncertainty a word comes first, though the other has more in all."""
    pool = [candidate("طويل", [60.0], [600], [1.0]), candidate("قصير", [30.0], [150], [-1.0])]
    assert texts_of(choose(pool, 1)) == ["قصير"]


def test_one_odd_word_does_not_win() -> None:
    """A headline of one doubtful word is not worth opening before an article with many."""
    pool = [candidate("كلمة", [2.0], [1], [1.0]), candidate("مقال", [30.0], [150], [-1.0])]
    assert texts_of(choose(pool, 2)) == ["مقال", "كلمة"]


def test_articles_without_words_come_last() -> None:
    """What holds nothing to annotate follows all else, and alone it is what there is."""
    empty, full = candidate("…", [0.0], [0], [0.0]), candidate("مقال", [0.0], [9], [1.0])
    assert texts_of(choose([empty, full], 5)) == ["مقال", "…"]
    assert texts_of(choose([empty], 1)) == ["…"]
    assert choose([], 3) == []


@any_pool
@given(sentences)
def test_marked_sentences_hold_half(parts: list[tuple[int, float]]) -> None:
    """Marked are the most uncertain sentences, by word, as many as hold half of the uncertainty."""
    made = candidate("نص", [words * share for words, share in parts], [words for words, _ in parts], [1.0])
    marked = np.array(made.marked_sentences(), np.int64) - 1
    needed = MARKED_SHARE * made.uncertainty.sum()
    assert made.uncertainty[marked].sum() >= needed * (1 - 1e-9)
    assert made.uncertainty[marked[:-1]].sum() <= needed * (1 + 1e-9)
    by_word = made.uncertainty / np.maximum(made.n_words, 1)
    others = np.delete(by_word, marked)
    assert all(by_word[first] >= by_word[second] for first, second in combinations(marked, 2))
    assert by_word[marked].min(initial=3) >= others.max(initial=0) or not len(marked)


# Suggesting


def test_suggestions_are_annotated_articles(extractor: Extractor) -> None:
    """A suggestion is what `extract_many` finds, and its metadata says how unsure the model is, and where."""
    found = {document.id: document for document in extractor.extract_many(articles())}
    for document in suggest(extractor, articles(), n_articles=3):
        marks = dict(document.metadata)
        numbers = [int(number) for number in marks.pop("uncertain_sentences").split()]
        assert 0 < float(marks.pop("uncertainty")) <= 3
        assert set(numbers) <= set(range(1, len(document.sentences) + 1))
        assert numbers
        assert replace(document, metadata=marks) == found[document.id]


def test_suggestions_do_not_depend_on_order(extractor: Extractor) -> None:
    """The same articles in another order give the same suggestions, run after run."""
    ids = [document.id for document in suggest(extractor, articles(), n_articles=4)]
    assert ids == [document.id for document in suggest(extractor, articles()[::-1], n_articles=4)]
    assert ids == [document.id for document in suggest(extractor, iter(articles()), n_articles=4)]


def test_more_than_there_are(extractor: Extractor) -> None:
    """Who asks for more articles than there are gets all of them, each once."""
    found = list(suggest(extractor, articles(), n_articles=100))
    assert sorted(document.text for document in found) == sorted(TEXTS)


def test_one_article_and_none(extractor: Extractor) -> None:
    """One article is its own suggestion; of no articles there is none."""
    assert [document.text for document in suggest(extractor, TEXTS[:1], n_articles=1)] == [TEXTS[0]]
    assert list(suggest(extractor, [], n_articles=1)) == []


def test_texts_without_words(extractor: Extractor) -> None:
    """Empty texts and texts of white space are no obstacle; nothing in them is marked."""
    found = list(suggest(extractor, ["", " \n", TEXTS[0]], n_articles=3))
    assert found[0].text == TEXTS[0]
    assert [document.metadata["uncertain_sentences"] for document in found[1:]] == ["", ""]
    alone = next(suggest(extractor, [""], n_articles=1))
    assert alone.metadata["uncertainty"] == "0.000"


def test_duplicates_come_last(extractor: Extractor) -> None:
    """A text that comes twice is suggested a second time only when all others were."""
    found = [document.text for document in suggest(extractor, [*TEXTS, *TEXTS[:2]], n_articles=7)]
    assert set(found[:5]) == set(TEXTS)


@pytest.mark.parametrize("n", [0, -1])
def test_a_choice_of_nothing_is_refused(extractor: Extractor, n: int) -> None:
    """At least one article has to be asked for."""
    with pytest.raises(ConfigError, match=f"number of articles from 1 up, found {n}"):
        next(suggest(extractor, articles(), n_articles=n))


def test_annotation_is_not_looked_at(extractor: Extractor) -> None:
    """An annotated article is measured and annotated as if it were not."""
    entity = Entity(id="T1", label="GPE", start=29, end=35, text=TEXTS[0][29:35])
    (plain,) = suggest(extractor, [Document(text=TEXTS[0])], n_articles=1)
    (annotated,) = suggest(extractor, [Document(text=TEXTS[0], entities=(entity,))], n_articles=1)
    assert annotated == plain


def test_shipped_model_passes_over_rewrites(shipped: Extractor) -> None:
    """Of an agency's report and its rewrite, one is suggested, and the other after all other articles."""
    documents = load_corpus("open", split="test")
    report = documents[0]
    rewrite = Document(id="rewrite", text=report.text.replace("أمس", "أول أمس", 1) + "\nوكالات")
    found = list(suggest(shipped, [*documents, rewrite], n_articles=len(documents)))
    assert len({document.id for document in found} & {"rewrite", report.id}) == 1


# The command


def test_suggests_in_a_format(run: Run) -> None:
    """The chosen articles are written, the one to begin with first; stderr lists them and their sentences."""
    code, out, err = run("news.jsonl", "--uncertain", "2", "--to", "jsonl", "--output", "chosen.jsonl")
    assert (code, out) == (0, "")
    documents = list(read_documents("chosen.jsonl"))
    header, *rows = err.splitlines()
    assert header == "words uncertainty  article: its most uncertain sentences, from 1"
    assert [row.split()[2].rstrip(":") for row in rows] == [document.id for document in documents]
    assert [row.split(": ")[1] for row in rows] == [
        document.metadata["uncertain_sentences"] for document in documents
    ]
    assert len(documents) == 2


def test_without_a_number_all_are_annotated(run: Run, extractor: Extractor) -> None:
    """Without --uncertain the predictions for all articles come in their order."""
    code, out, err = run("news.jsonl", "--to", "jsonl")
    assert (code, err) == (0, "")
    assert [Document.from_json(line) for line in out.splitlines()] == list(extractor.extract_many(articles()))


@pytest.mark.parametrize("to", ["brat", "conll", "labelstudio", "doccano", "inception"])
def test_annotation_tools_keep_the_marks(run: Run, to: str) -> None:
    """Whichever the format, what was chosen, and which of its sentences are uncertain, comes back from it."""
    assert run("news.jsonl", "--uncertain", "2", "--to", "jsonl", "--output", "chosen.jsonl")[0] == 0
    assert run("news.jsonl", "--uncertain", "2", "--to", to, "--output", "tasks")[0] == 0
    expected = {
        document.id: (document.text, document.metadata) for document in read_documents("chosen.jsonl")
    }
    found = {document.id: (document.text, document.metadata) for document in annotation.read("tasks", to)}
    assert found == expected


def test_what_a_format_cannot_hold_is_said(run: Run) -> None:
    """Columns have no place for scores: that is said with their number, before the list of the choice."""
    code, _, err = run("news.jsonl", "--uncertain", "2", "--to", "conll", "--output", "chosen.conllup")
    assert code == 0
    assert re.match(r"warning: conll does not hold: .*score of an entity \(\d+\)", err)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["news.jsonl", "--to", "brat"], "expected --output FOLDER for brat"),
        (["news.jsonl", "--to", "bratt", "--output", "out"], "'bratt'"),
        (["news.jsonl", "--uncertain", "0", "--to", "jsonl"], "--uncertain"),
        (["news.jsonl", "--uncertain", "-2", "--to", "jsonl"], "--uncertain"),
        (["news.jsonl", "--uncertain", "many", "--to", "jsonl"], "--uncertain"),
        (["news.jsonl"], "--to"),
        (["nowhere.jsonl", "--to", "jsonl"], "nowhere.jsonl"),
        (["empty.jsonl", "--to", "jsonl", "--output", "out"], "empty.jsonl"),
        (["broken.jsonl", "--uncertain", "2", "--to", "jsonl", "--output", "out"], "broken.jsonl:2"),
        (["news.jsonl", "--to", "jsonl", "--output", "no/such/folder.jsonl"], "folder.jsonl"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_one_line(run: Run, arguments: list[str], message: str) -> None:
    """What is wrong is said in one line with exit code 2, and nothing is written."""
    Path("empty.jsonl").touch()
    Path("broken.jsonl").write_text(f'{{"id": "a", "text": "{TEXTS[0]}"}}\n{{"text": 7}}\n', encoding="utf-8")
    before = set(Path().iterdir())
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert set(Path().iterdir()) == before


# The simulation


def test_simulation_goes_on_where_it_was(
    tmp_path: Path, tiny_encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The script writes a row for each strategy and round; cut short, it makes the same rows again."""
    script = runpy.run_path(str(SCRIPT))
    pool, dev, out = tmp_path / "pool.jsonl", tmp_path / "dev.jsonl", tmp_path / "out"
    write_documents(load_corpus("open", split="train")[:6], pool)
    write_documents(load_corpus("open", split="dev")[:1], dev)
    data = ["--pool", pool, "--dev", dev, "--encoder", tiny_encoder, "--out", out, "--seeds", "3"]
    sizes = ["--words", "400", "--rounds", "1", "--first-steps", "2", "--round-steps", "1"]
    arguments = list(map(str, [*data, *sizes]))
    assert script["main"](arguments) == 0
    rows = list(script["read_rows"](out))
    assert [(row["strategy"], row["round"]) for row in rows] == [
        ("first", 0),
        ("random", 1),
        ("uncertain", 1),
        ("suggest", 1),
    ]
    assert all(len(row["added"]) == row["articles"] - rows[0]["articles"] for row in rows[1:])
    path = out / "seed-3" / "rows.jsonl"
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:2]), encoding="utf-8")
    assert script["main"](arguments) == 0
    assert list(script["read_rows"](out)) == rows
    assert "| suggest | 1 |" in script["table"](rows)
