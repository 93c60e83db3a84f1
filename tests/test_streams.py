"""Streams: order, bounds, errors behind results, threads that end; and bad input, whose work is counted."""

import gc
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

import pytest

from libyaevents import articles as articles_module
from libyaevents import extractor as extractor_module
from libyaevents.documents import Document
from libyaevents.engines import Encoded, Engine, RoleLogits, TriggerBatch
from libyaevents.errors import DocumentError, InputTypeError
from libyaevents.extractor import Extractor
from libyaevents.streams import Calls, Group, gather, read_ahead
from libyaevents.windows import WindowBatch
from libyaevents.words import split_words

SENTENCE = "قصفت طائرات مسيرة مواقع قوات حفتر شرقي مصراتة فجر الجمعة."
WAIT_S = 30.0  # far more than anything here takes; nothing is measured by it


class StreamError(Exception):
    """What a caller's own stream raises."""


def _groups(items: Iterable[int], size: int = 1) -> Iterator[Group[int]]:
    return gather(items, lambda _: 1, limit=size)


def _double(group: Group[int]) -> Iterator[int]:
    return (2 * item for item in group)


def _until(holds: Callable[[], bool]) -> bool:
    """Wait for what other threads do; false where it takes beyond all sense."""
    end = time.monotonic() + WAIT_S
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)
    return holds()


def _own_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("libyaevents")]


def _have_ended() -> bool:
    return _until(lambda: not _own_threads())


# Any stream


def test_groups_are_filled_in_order() -> None:
    """A group ends with the item that fills it, and the last one says that it is the last."""
    groups = list(gather([3, 1, 5, 0, 1], lambda item: item, limit=4))
    assert [(group.items, group.is_last) for group in groups] == [
        ([3, 1], False),
        ([5], False),
        ([0, 1], True),
    ]
    assert list(_groups([])) == []


def test_error_of_a_stream_is_part_of_its_last_group() -> None:
    """What came before an error is in the same group, and the group raises it behind its items."""

    def stream() -> Iterator[int]:
        yield 1
        raise StreamError

    (group,) = _groups(stream(), 5)
    read: list[int] = []
    with pytest.raises(StreamError) as caught:
        read.extend(group)
    assert read == [1]
    assert "stream" in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("size", [1, 7, 100])
def test_results_are_in_order(n_threads: int, size: int) -> None:
    """However many threads read, and whichever is first to be done, results come in the stream's order."""

    def read(group: Group[int]) -> Iterator[int]:
        time.sleep(0.001 * (group.items[0] % 3))
        yield from _double(group)

    assert list(read_ahead(_groups(range(50), size), read, n_threads=n_threads)) == [*range(0, 100, 2)]
    assert _have_ended()


@pytest.mark.parametrize("n_threads", [1, 2, 4])
def test_stream_is_read_a_bounded_number_of_groups_ahead(n_threads: int) -> None:
    """An endless stream is never further than so many groups ahead, and rests while nobody takes results."""
    n_read = 0

    def endless() -> Iterator[int]:
        nonlocal n_read
        for item in count():
            n_read += 1
            yield item

    results = read_ahead(_groups(endless(), 10), _double, n_threads=n_threads)
    for n_taken, _ in enumerate(islice(results, 200), start=1):
        assert n_read <= n_taken + 10 * (n_threads + 2)
    now = n_read
    time.sleep(0.05)
    assert n_read == now


def test_little_is_read_without_threads() -> None:
    """A stream that does not fill one group is read in the caller's thread, as is all with one thread."""
    threads: set[threading.Thread] = set()

    def read(group: Group[int]) -> Iterator[int]:
        threads.add(threading.current_thread())
        yield from _double(group)

    assert list(read_ahead(_groups(range(9), 10), read, n_threads=4)) == [*range(0, 18, 2)]
    assert list(read_ahead(_groups(range(50), 10), read, n_threads=1)) == [*range(0, 100, 2)]
    assert threads == {threading.current_thread()}


def test_what_is_ready_is_given_before_more_is_asked_for() -> None:
    """Results that are ready do not wait for a stream that is slow."""
    is_done = threading.Event()

    def slow() -> Iterator[int]:
        yield 1
        assert is_done.wait(WAIT_S)
        time.sleep(0.2)  # until the thread has put its result away
        yield 2
        assert first == [2]
        yield 3

    def read(group: Group[int]) -> Iterator[int]:
        yield from _double(group)
        is_done.set()

    first: list[int] = []
    first.extend(read_ahead(_groups(slow()), read, n_threads=3))
    assert first == [2, 4, 6]


@pytest.mark.parametrize("n_threads", [1, 3])
def test_error_of_a_stream_comes_behind_all_results(n_threads: int) -> None:
    """The caller gets its own error, with the place where it was raised, when all before it is read."""

    def stream() -> Iterator[int]:
        yield from range(23)
        raise StreamError

    read: list[int] = []
    with pytest.raises(StreamError) as caught:
        read.extend(read_ahead(_groups(stream(), 5), _double, n_threads=n_threads))
    assert read == [*range(0, 46, 2)]
    assert "stream" in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert _have_ended()


@pytest.mark.parametrize("n_threads", [1, 3])
def test_error_in_reading_comes_behind_the_results_before_it(n_threads: int) -> None:
    """An error in the middle of a group, whatever its type, comes where its result should have come."""

    def read(group: Group[int]) -> Iterator[int]:
        for item in group:
            yield 1 // (12 - item)

    found: list[int] = []
    with pytest.raises(ZeroDivisionError):
        found.extend(read_ahead(_groups(range(50), 5), read, n_threads=n_threads))
    assert len(found) == 12
    assert _have_ended()


def test_interrupt_is_not_held_back() -> None:
    """Ctrl-C ends the reading at once, whatever is still to be given."""

    def stream() -> Iterator[int]:
        yield from range(10)
        raise KeyboardInterrupt

    found: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        found.extend(read_ahead(_groups(stream(), 4), _double, n_threads=8))
    assert len(found) < 10
    assert _have_ended()


@pytest.mark.parametrize("end", ["close", "forget", "collect"])
def test_unfinished_reading_leaves_no_thread(end: str) -> None:
    """A reader that is closed, forgotten or found as garbage in a cycle drops what waits and ends."""
    n_groups = 0

    def read(group: Group[int]) -> Iterator[int]:
        nonlocal n_groups
        n_groups += 1
        yield from _double(group)

    results = read_ahead(_groups(count()), read, n_threads=2)
    assert next(results) == 0
    if end == "close":
        assert isinstance(results, Iterator)
        results.close()  # type: ignore[attr-defined]
    elif end == "collect":
        cycle = [results]
        cycle.append(cycle)  # type: ignore[arg-type]
        del cycle
    del results
    gc.collect()
    assert _have_ended()
    assert n_groups <= 5


# Documents


@pytest.fixture(scope="module")
def extractor(tiny_model: Path) -> Extractor:
    """The tiny model."""
    return Extractor.from_pretrained(tiny_model, n_threads=1)


@pytest.fixture(scope="module")
def texts(article: Document) -> list[str]:
    """Articles of one to twenty sentences, and nothing among them."""
    parts = [article.text[start:end] for start, end in article.sentences]
    return ["" if n % 7 == 3 else " ".join(parts[n % 20 : n % 20 + 1 + n % 5]) for n in range(40)]


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few characters at a time that a short stream has many groups."""
    monkeypatch.setattr(extractor_module, "CHARACTERS_AT_A_TIME", 800)


def _in_threads(extractor: Extractor, n_threads: int, engine: Engine | None = None) -> Extractor:
    parts = extractor.tokenizer, extractor.labels, extractor.settings
    return Extractor(engine or extractor.engine, *parts, enrich=extractor.enrich, n_threads=n_threads)


@pytest.mark.usefixtures("small_groups")
@pytest.mark.parametrize("n_threads", [2, 4])
def test_threads_change_nothing(extractor: Extractor, texts: list[str], n_threads: int) -> None:
    """Documents are the same to the last bit, whatever number of threads read them."""
    expected = list(extractor.extract_many(texts))
    assert [document.text for document in expected] == texts
    assert list(_in_threads(extractor, n_threads).extract_many(texts)) == expected


@pytest.mark.usefixtures("small_groups")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_error_of_the_input_comes_behind_all_documents(
    extractor: Extractor, texts: list[str], n_threads: int
) -> None:
    """All documents that came before an error in the input have come out before it."""

    def stream() -> Iterator[str]:
        yield from texts
        raise StreamError

    read: list[Document] = []
    with pytest.raises(StreamError):
        read.extend(_in_threads(extractor, n_threads).extract_many(stream()))
    assert [document.text for document in read] == texts


@pytest.mark.usefixtures("small_groups")
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize(
    ("item", "error"), [(None, InputTypeError), ("قتل \ud800", DocumentError)], ids=["None", "surrogate"]
)
def test_bad_item_comes_behind_all_documents(
    extractor: Extractor, texts: list[str], item: object, error: type[Exception], n_threads: int
) -> None:
    """A bad item is told in its place, within a group as well as at its edge."""
    for place in (0, 1, 17):
        items = [*texts[:place], item, *texts[place:]]
        read: list[Document] = []
        with pytest.raises(error):
            read.extend(_in_threads(extractor, n_threads).extract_many(items))  # type: ignore[arg-type]
        assert [document.text for document in read] == texts[:place]


@pytest.mark.parametrize("n_threads", [1, 2])
def test_error_of_an_enricher(extractor: Extractor, texts: list[str], n_threads: int) -> None:
    """An enricher runs in the caller's thread, and its error ends the stream in its place."""

    def enrich(document: Document) -> Document:
        assert threading.current_thread() is threading.main_thread()
        if document.text == texts[5]:
            raise StreamError
        return document

    reader = _in_threads(extractor, n_threads)
    reader.enrich = enrich
    stream = reader.extract_many(texts)
    assert [document.text for document in islice(stream, 5)] == texts[:5]
    with pytest.raises(StreamError):
        next(stream)


def test_nothing_is_read_before_it_is_asked_for(extractor: Extractor) -> None:
    """Making the iterator reads nothing."""

    def fails() -> Iterator[str]:
        pytest.fail("the stream was read")
        yield ""

    extractor.extract_many(fails())


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("text", [SENTENCE, ""], ids=["sentence", "nothing"])
def test_endless_streams(extractor: Extractor, text: str, n_threads: int) -> None:
    """An endless stream gives its first documents after a bounded number has been read, empty ones too."""
    taken = count()
    stream = _in_threads(extractor, n_threads).extract_many(text for _ in taken)
    assert [document.text for document in islice(stream, 3)] == [text] * 3
    a_group = extractor_module.CHARACTERS_AT_A_TIME // (len(text) + extractor_module.OVERHEAD) + 1
    assert next(taken) <= (n_threads + 2) * a_group


class _Counting:
    """An engine that counts: calls, threads that called, cells of batches, most words of one batch."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.n_calls = self.n_cells = self.most_words = 0
        self.threads: set[threading.Thread] = set()

    def encode(self, batch: WindowBatch) -> Encoded:
        self._count(batch.input_ids.size, batch.word_mask.size)
        return self._engine.encode(batch)

    def roles(self, batch: TriggerBatch) -> RoleLogits:
        self._count(len(batch.span) * batch.word_mask.shape[1], batch.word_mask.size)
        return self._engine.roles(batch)

    def _count(self, n_cells: int, n_words: int) -> None:
        self.n_calls += 1
        self.n_cells += n_cells
        self.most_words = max(self.most_words, n_words)
        self.threads.add(threading.current_thread())


def test_a_short_article_needs_no_thread(extractor: Extractor) -> None:
    """An article of one batch is read in the caller's thread."""
    engine = _Counting(extractor.engine)
    _in_threads(extractor, 4, engine).extract(SENTENCE)
    assert engine.threads == {threading.current_thread()}


def test_a_long_article_is_read_by_threads(extractor: Extractor, article: Document) -> None:
    """Batches of one article are read side by side, with the same result, and no thread is left."""
    engine = _Counting(extractor.engine)
    text = " ".join([article.text] * 5)
    assert _in_threads(extractor, 4, engine).extract(text) == extractor.extract(text)
    assert 2 <= len(engine.threads) <= 4
    assert threading.current_thread() not in engine.threads
    assert _have_ended()


def test_calls_side_by_side() -> None:
    """Results are in the order of the items; after `close` no thread is left."""
    calls, barrier = Calls(2), threading.Barrier(2)

    def call(n: int) -> int:
        barrier.wait(WAIT_S)  # passed by two threads together alone
        return 2 * n

    assert list(calls.map(call, range(6))) == [0, 2, 4, 6, 8, 10]
    calls.close()
    assert _have_ended()


def test_error_of_a_call() -> None:
    """The error of a call comes in its place."""
    calls = Calls(2)
    results = calls.map(lambda n: 1 // n, [1, 2, 0, 3])
    assert [next(results), next(results)] == [1, 0]
    with pytest.raises(ZeroDivisionError):
        next(results)
    calls.close()
    assert _have_ended()


@pytest.mark.usefixtures("small_groups")
def test_closed_stream_stops_the_engine(extractor: Extractor, texts: list[str]) -> None:
    """After `close` no thread is left, and the engine is called no more than it was being called."""
    engine = _Counting(extractor.engine)
    stream = _in_threads(extractor, 2, engine).extract_many(text for _ in count() for text in texts)
    next(stream)
    assert isinstance(stream, Iterator)
    stream.close()  # type: ignore[attr-defined]
    n_calls = engine.n_calls
    assert _have_ended()
    assert engine.n_calls <= n_calls + 2
    assert threading.current_thread() not in engine.threads


@pytest.mark.usefixtures("small_groups")
def test_input_that_calls_the_extractor(extractor: Extractor, texts: list[str]) -> None:
    """An input that is made with the same extractor, stream in stream, holds nothing up."""
    reader = _in_threads(extractor, 2)
    inner = (reader.extract(document.text) for document in reader.extract_many(texts))
    assert list(reader.extract_many(inner)) == list(reader.extract_many(texts))


@pytest.mark.usefixtures("small_groups")
def test_several_streams_at_once(extractor: Extractor, texts: list[str]) -> None:
    """Threads that each read a stream of their own with one extractor get their own documents."""
    reader = _in_threads(extractor, 2)
    expected = list(reader.extract_many(texts))
    found: dict[int, list[Document]] = {}
    threads = [
        threading.Thread(
            target=lambda n: found.update({n: list(reader.extract_many(texts[n:]))}), args=(number,)
        )
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert found == {number: expected[number:] for number in range(4)}
    assert _have_ended()


def _read_in_a_process(model: Path, texts: list[str]) -> list[str]:
    reader = Extractor.from_pretrained(model, n_threads=2)
    extractor_module.CHARACTERS_AT_A_TIME = 800
    return [document.to_json() for document in reader.extract_many(texts)]


@pytest.mark.usefixtures("small_groups")
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_processes(tiny_model: Path, extractor: Extractor, texts: list[str], method: str) -> None:
    """Processes that load the model read as this one does, and end."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    with multiprocessing.get_context(method).Pool(1) as pool:
        found = pool.apply_async(_read_in_a_process, (tiny_model, texts)).get(WAIT_S * 4)
    assert found == [document.to_json() for document in extractor.extract_many(texts)]


FORKING = """
import os, sys
from pathlib import Path
from libyaevents import extractor
extractor.CHARACTERS_AT_A_TIME = 100
reader = extractor.Extractor.from_pretrained(sys.argv[1], n_threads=2)
stream = reader.extract_many([sys.argv[2]] * 50)
first = next(stream)
process = os.fork()
if not process:
    own = extractor.Extractor.from_pretrained(sys.argv[1], n_threads=2)
    # As multiprocessing ends its processes: an engine waits for threads of its own that are not here.
    os._exit(0 if list(own.extract_many([sys.argv[2]] * 50)) == [first] * 50 else 9)
print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), len(list(stream)))
"""

LEAVING = """
import sys
from libyaevents import extractor
extractor.CHARACTERS_AT_A_TIME = 100
stream = extractor.Extractor.from_pretrained(sys.argv[1], n_threads=2).extract_many([sys.argv[2]] * 10**6)
print(len(next(stream).text))
"""


def _run(program: str, model: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "-c", program, str(model), SENTENCE]
    return subprocess.run(command, capture_output=True, text=True, timeout=4 * WAIT_S)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is of Unix")
def test_fork_in_the_middle_of_a_stream(tiny_model: Path) -> None:
    """A forked process reads with a model of its own and ends; the stream goes on in its parent."""
    done = _run(FORKING, tiny_model)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["0", "49"], "")


def test_program_ends_in_the_middle_of_a_stream(tiny_model: Path) -> None:
    """A program whose stream was left where it stood ends."""
    done = _run(LEAVING, tiny_model)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [str(len(SENTENCE))], "")


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C reaches other processes on Unix alone")
def test_interrupted_command(tiny_model: Path, tmp_path: Path) -> None:
    """Ctrl-C in the middle of a long `extract` ends the process with 130, in silence, with whole lines."""
    news = tmp_path / "news.jsonl"
    lines = (json.dumps({"id": str(n), "text": SENTENCE * 20}, ensure_ascii=False) for n in range(20_000))
    news.write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "libyaevents", "extract", str(news), "--model", str(tiny_model)]
    # Without a buffer: what it reads behind the first line would be lost to `communicate`.
    with subprocess.Popen(
        command, bufsize=0, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        first = running.stdout.readline()
        os.killpg(running.pid, signal.SIGINT)
        rest, errors = running.communicate(timeout=8 * WAIT_S)
        with pytest.raises(ProcessLookupError):
            os.killpg(running.pid, 0)
    assert (running.returncode, errors) == (130, b"")
    assert all(json.loads(line) for line in [first, *rest.splitlines()[:-1]])


# Bad input: twice as much of it is at most so many times the work

LINEAR = 2.2


class _Work:
    """Calls of functions, Python's and others, while it is entered, and the most memory in bytes."""

    def __enter__(self) -> "_Work":
        self.n_calls = 0
        tracemalloc.start()
        sys.setprofile(self._count)
        return self

    def __exit__(self, *error: object) -> None:
        sys.setprofile(None)
        self.most_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    def _count(self, frame: object, event: str, argument: object) -> None:
        self.n_calls += event.endswith("call")


def _bare(extractor: Extractor, engine: Engine) -> Extractor:
    reader = _in_threads(extractor, 1, engine)
    reader.enrich = None
    return reader


def _read_bad(extractor: Extractor, items: Iterable[str]) -> tuple[_Work, _Counting]:
    """Read it all, keep nothing, and say what it took."""
    engine = _Counting(extractor.engine)
    with _Work() as work:
        for document in _bare(extractor, engine).extract_many(items):
            assert document.metadata["coverage"] == "1.0"
    return work, engine


BAD: dict[str, tuple[Callable[[int], Iterable[str]], int]] = {
    "one sentence": (lambda n: [" ".join(SENTENCE[:-1].split() * (n // 9))], 450),
    "one text": (lambda n: [f"{SENTENCE}\n" * (n // 10)], 900),
    "documents of one word": (lambda n: (SENTENCE.split()[k % 9] for k in range(n)), 400),
    "empty documents between others": (lambda n: ("" if k % 5 else SENTENCE for k in range(n)), 200),
    "newlines": (lambda n: ["سرت" + "\n" * n + "طرابلس"], 10_000),
    "one word": (lambda n: ["ب" * n], 50_000),
    "words without subwords": (lambda n: ["ـ " * n], 2000),
    "dots": (lambda n: ["." * n], 1000),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_linear(monkeypatch: pytest.MonkeyPatch, extractor: Extractor, name: str) -> None:
    """Twice as much bad input is twice the calls and the cells, and at most twice the memory."""
    monkeypatch.setattr(articles_module, "WORDS_A_PART", 200)
    monkeypatch.setattr(extractor_module, "WORDS_AT_A_TIME", 400)
    make, n = BAD[name]
    _read_bad(extractor, make(n))  # what is loaded and cached once
    work, engine = _read_bad(extractor, make(n))
    twice, twice_engine = _read_bad(extractor, make(2 * n))
    assert twice.n_calls <= LINEAR * work.n_calls
    assert twice_engine.n_cells <= LINEAR * engine.n_cells
    assert twice.most_bytes <= LINEAR * work.most_bytes
    # A batch has its budget, in windows and in pairs; only a part of a text may be longer than that.
    assert twice_engine.most_words <= max(extractor_module.PAIRS_A_BATCH, 200)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("name", ["documents of one word", "empty documents between others"])
@pytest.mark.usefixtures("small_groups")
def test_stream_is_flat(extractor: Extractor, name: str, n_threads: int) -> None:
    """Many more documents take no more memory: not a document of them is kept, nor a tenth of one."""
    make, _ = BAD[name]
    reader = _in_threads(extractor, n_threads)
    peaks = []
    for n in (200, 200, 800):
        tracemalloc.start()
        for _ in reader.extract_many(make(n)):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] - peaks[1] < 600 * 200


def test_parts_of_a_document(
    monkeypatch: pytest.MonkeyPatch, extractor: Extractor, article: Document
) -> None:
    """An article that is read in parts of whole sentences is one document, with all its words and offsets."""
    whole = extractor.extract(article.text)
    longest = max(len(split_words(article.text[start:end])) for start, end in article.sentences)
    monkeypatch.setattr(articles_module, "WORDS_A_PART", 2 * longest)
    parts = list(
        articles_module.cut(articles_module.make_article(article), extractor.tokenizer, max_subwords=64)
    )
    assert len(parts) > 3
    assert [part.is_last for part in parts] == [*[False] * (len(parts) - 1), True]
    assert [sentence for part in parts for sentence in part.sentences] == parts[0].article.sentences
    found = extractor.extract(article.text)
    assert (found.text, found.sentences, found.metadata) == (whole.text, whole.sentences, whole.metadata)
    ids = [entity.id for entity in found.entities], [event.id for event in found.events]
    assert ids == ([f"T{n + 1}" for n in range(len(ids[0]))], [f"E{n + 1}" for n in range(len(ids[1]))])
    assert found.events[-1].trigger.start > len(article.text) * 0.9
    (given,) = extractor.extract_arguments([replace(article, sentences=())])
    assert [event.id for event in given.events] == [
        event.id for event in sorted(article.events, key=lambda event: event.trigger.start)
    ]
    (scores,) = extractor.score_words([article])
    assert len(scores.states) == len(scores.trigger_logits) == len(split_words(article.text))
    assert len(scores.sentences) == len(article.sentences)


def test_pieces_of_a_long_sentence(monkeypatch: pytest.MonkeyPatch, extractor: Extractor) -> None:
    """A sentence beyond all measure is decoded in pieces, and stays one sentence of the document."""
    monkeypatch.setattr(articles_module, "WORDS_A_PART", 50)
    text = " ".join(SENTENCE[:-1].split() * 30)
    found = extractor.extract(text)
    assert found.sentences == ((0, len(text)),)
    assert found.metadata["coverage"] == "1.0"
    assert max(event.trigger.start for event in found.events) > len(text) * 0.9
    (scores,) = extractor.score_words([text])
    assert scores.sentences == ((0, 300),)
