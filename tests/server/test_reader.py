"""The reader: batches, turns, refusals, clients that leave, documents that fail, a model that is swapped."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libyaevents.documents import Document
from libyaevents.engines import Encoded, Engine, RoleLogits, TriggerBatch
from libyaevents.errors import DocumentError
from libyaevents.extractor import Extractor
from libyaevents.server import reader as module
from libyaevents.server.reader import OverloadedError, Reader, StoppedError
from libyaevents.server.settings import MAX_WAIT_S
from libyaevents.windows import WindowBatch
from tests.server.client import FakeExtractor

LONGEST_S = 20  # that anything here may take on a busy machine; a hang fails then
BROKEN, FAULTY = FakeExtractor.BROKEN, FakeExtractor.FAULTY

T = TypeVar("T")


def news(number: int, text: str = "قصفت طائرة مجهولة رتلًا قرب هون") -> Document:
    """Return an article of its own."""
    return Document(id=f"خبر-{number}", text=f"{text} {number}", published=date(2020, 6, 6))


@pytest.fixture
def extractor() -> Iterator[FakeExtractor]:
    """Return an extractor whose gate is open again when the test is over."""
    extractor = FakeExtractor()
    yield extractor
    extractor.gate.set()


def use(extractor: Extractor, scenario: Callable[[Reader], Awaitable[T]], **options: Any) -> T:
    """Run a scenario with a reader that has begun, and close it."""

    async def run() -> T:
        reader = Reader(extractor, **options)
        reader.start()
        try:
            async with asyncio.timeout(LONGEST_S):
                return await scenario(reader)
        finally:
            if isinstance(extractor, FakeExtractor):
                extractor.gate.set()
            reader.close()

    return asyncio.run(run())


async def hold(reader: Reader, extractor: FakeExtractor, n_articles: int = 1) -> list[asyncio.Task[Document]]:
    """Close the gate while the first articles are read, so that all that comes later waits."""
    extractor.gate.clear()
    extractor.begun.clear()
    held = [asyncio.create_task(reader.read(news(-1 - number))) for number in range(n_articles)]
    await asyncio.to_thread(extractor.begun.wait, LONGEST_S)
    return held


async def asked(*wanted: Awaitable[T]) -> list[asyncio.Future[T]]:
    """Begin to ask, and return when all of it waits in the reader's lines."""
    tasks: list[asyncio.Future[T]] = [asyncio.ensure_future(each) for each in wanted]
    await asyncio.sleep(0)
    return tasks


async def all_of(reader: Reader, documents: Sequence[Document], **options: Any) -> list[Document]:
    """Return the whole answer of a list."""
    return [found async for found in reader.read_many(documents, **options)]


# Answers


def test_answers_are_the_model_s_own(tiny_model: Path, article: Document) -> None:
    """Documents read together for many requests are what the extractor gives for each alone."""
    extractor = Extractor.from_pretrained(tiny_model, n_threads=1)
    sentences = [article.text[start:end] for start, end in article.sentences]
    documents = [
        Document(
            id=f"خبر-{number}", text=" ".join(sentences[number : number + 3]), published=date(2020, 6, 6)
        )
        for number in range(8)
    ]

    async def scenario(reader: Reader) -> list[Document]:
        single = [reader.read(document) for document in documents]
        return [*await asyncio.gather(*single), *await all_of(reader, documents)]

    expected = [next(extractor.extract_many([document])) for document in documents]
    found = use(extractor, scenario)
    assert any(document.events for document in expected)
    assert [without_scores(each) for each in found] == [without_scores(each) for each in expected * 2]


def without_scores(document: Document) -> Document:
    """Return a document without what may differ in the last digits."""
    return replace(
        document,
        entities=tuple(replace(entity, score=None) for entity in document.entities),
        events=tuple(
            replace(
                event,
                score=None,
                trigger=replace(event.trigger, score=None),
                arguments=tuple(replace(argument, score=None) for argument in event.arguments),
            )
            for event in document.events
        ),
    )


def test_order_of_a_list(extractor: FakeExtractor) -> None:
    """A list is answered in its order, whatever its length."""
    documents = [news(number) for number in range(200)]
    found = use(extractor, lambda reader: all_of(reader, documents))
    assert found == [extractor.read(document) for document in documents]


def test_an_empty_list(extractor: FakeExtractor) -> None:
    """An empty list has an empty answer."""
    assert use(extractor, lambda reader: all_of(reader, [])) == []


def test_answers_come_as_they_are_read(extractor: FakeExtractor) -> None:
    """The first answer of a list does not wait for its last document."""

    async def scenario(reader: Reader) -> tuple[Document, int]:
        async with aclosing(reader.read_many([news(number) for number in range(500)])) as answers:
            first = await anext(answers)
            return first, sum(map(len, extractor.batches))

    first, n_read = use(extractor, scenario)
    assert first.id == "خبر-0"
    assert n_read < 500


def test_enrichment_is_a_choice(extractor: FakeExtractor) -> None:
    """Who asks decides whether what is found is resolved, also among others in one batch."""
    extractor.enrich = lambda document: replace(document, metadata={"resolved": "yes"})

    async def scenario(reader: Reader) -> list[Document]:
        await hold(reader, extractor)
        waiting = await asked(reader.read(news(1), enrich=False), reader.read(news(2)))
        extractor.gate.set()
        return [*await asyncio.gather(*waiting), *await all_of(reader, [news(3)], enrich=False)]

    found = use(extractor, scenario)
    assert [dict(document.metadata) for document in found] == [{}, {"resolved": "yes"}, {}]
    assert len(extractor.batches[1]) == 2


# Batches


def test_what_waits_is_read_together(extractor: FakeExtractor) -> None:
    """Requests that came while another was read are read in batches of at most 32 documents."""
    told: list[tuple[int, int]] = []

    async def scenario(reader: Reader) -> None:
        held = await hold(reader, extractor)
        waiting = await asked(*(reader.read(news(number)) for number in range(40)))
        extractor.gate.set()
        await asyncio.gather(*held, *waiting)

    use(extractor, scenario, on_batch=lambda n, characters, seconds: told.append((n, characters)))
    assert [len(batch) for batch in extractor.batches] == [1, 32, 8]
    assert told == [(len(batch), sum(map(len, batch))) for batch in extractor.batches]


def test_long_documents_make_small_batches(extractor: FakeExtractor) -> None:
    """A batch has at most 65,536 characters; a longer document is a batch of its own."""
    lengths = [30_000, 30_000, 30_000, 500_000, 10]

    async def scenario(reader: Reader) -> None:
        held = await hold(reader, extractor)
        waiting = await asked(*(reader.read(Document(text="ق" * length)) for length in lengths))
        extractor.gate.set()
        await asyncio.gather(*held, *waiting)

    use(extractor, scenario)
    assert [[len(text) for text in batch] for batch in extractor.batches[1:]] == [
        [30_000, 30_000],
        [30_000],
        [500_000],
        [10],
    ]


# Turns


def test_a_short_request_passes_a_long_list(extractor: FakeExtractor) -> None:
    """A request that comes behind a long list is read in the next batch."""

    async def scenario(reader: Reader) -> int:
        held = await hold(reader, extractor)
        (listed,) = await asked(all_of(reader, [news(number) for number in range(300)]))
        (short,) = await asked(reader.read(news(1000)))
        extractor.gate.set()
        await short
        place = next(place for place, batch in enumerate(extractor.batches) if news(1000).text in batch)
        await asyncio.gather(*held, listed)
        return place

    assert use(extractor, scenario) == 1


def test_lists_take_turns(extractor: FakeExtractor) -> None:
    """Of two lists that wait, a batch holds as much of the one as of the other."""

    async def scenario(reader: Reader) -> None:
        held = await hold(reader, extractor)
        lists = [[news(first + number) for number in range(100)] for first in (0, 1000)]
        waiting = await asked(*(all_of(reader, documents) for documents in lists))
        extractor.gate.set()
        await asyncio.gather(*held, *waiting)

    use(extractor, scenario)
    numbers = [int(text.split()[-1]) for text in extractor.batches[1]]
    assert sum(number >= 1000 for number in numbers) == 16


def test_a_list_waits_in_part(extractor: FakeExtractor) -> None:
    """Of a long list only a few documents wait at a time, so that it does not fill the line for others."""

    async def scenario(reader: Reader) -> int:
        held = await hold(reader, extractor)
        (listed,) = await asked(all_of(reader, [news(number) for number in range(1000)]))
        pending = reader.pending_characters
        extractor.gate.set()
        await asyncio.gather(*held, listed)
        return pending

    n_weights = use(extractor, scenario) / (len(news(100).text) + module.OVERHEAD)
    assert 32 <= n_weights <= 66


# Refusals


def test_too_long_a_wait(extractor: FakeExtractor) -> None:
    """Where what waits takes longer than anybody should wait, a request is told when to come back."""

    async def scenario(reader: Reader) -> OverloadedError:
        held = await hold(reader, extractor)
        waiting = await asked(*(reader.read(news(number)) for number in range(40)))
        reader._rate = 100.0  # characters a second
        pending_s = reader.pending_characters / reader._rate
        with pytest.raises(OverloadedError) as single:
            await reader.read(news(1000))
        with pytest.raises(OverloadedError):
            await all_of(reader, [news(1000)])
        assert pending_s - MAX_WAIT_S <= single.value.retry_after_s <= pending_s - MAX_WAIT_S + 1
        extractor.gate.set()
        await asyncio.gather(*held, *waiting)
        await reader.read(news(1001))
        return single.value

    error = use(extractor, scenario)
    assert error.retry_after_s >= 1
    assert f"send the request again in {error.retry_after_s} seconds" in str(error)
    assert news(1000).text not in [text for batch in extractor.batches for text in batch]


def test_nothing_is_refused_where_nothing_waits(extractor: FakeExtractor) -> None:
    """A document that takes longer than anybody waits is read where nothing is before it."""

    async def scenario(reader: Reader) -> Document:
        reader._rate = 1.0
        return await reader.read(Document(text="ق" * 100_000))

    assert len(use(extractor, scenario).text) == 100_000


def test_the_rate_is_measured(extractor: FakeExtractor) -> None:
    """How long a wait is taken to be follows what was read in how much time."""

    async def scenario(reader: Reader) -> float:
        reader._rate = 1.0
        await all_of(reader, [news(number) for number in range(200)])
        return reader._rate

    assert use(extractor, scenario) > 1000


# Clients that leave


def test_a_client_that_leaves(extractor: FakeExtractor) -> None:
    """What nobody waits for any more is not read, and no longer counted as waiting."""

    async def scenario(reader: Reader) -> list[Document]:
        held = await hold(reader, extractor)
        leaving = await asked(*(reader.read(news(number)) for number in range(3)))
        (staying,) = await asked(reader.read(news(7)))
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        extractor.gate.set()
        answers = [await staying, *await asyncio.gather(*held)]
        await asyncio.sleep(0)
        assert reader.pending_characters == 0
        return answers

    use(extractor, scenario)
    assert extractor.batches == [[news(-1).text], [news(7).text]]


def test_a_list_whose_client_leaves(extractor: FakeExtractor) -> None:
    """Of a list whose client left, only the batch at hand is read to its end."""

    async def scenario(reader: Reader) -> None:
        async with aclosing(reader.read_many([news(number) for number in range(1000)])) as answers:
            await anext(answers)
        await reader.read(news(5000))
        await asyncio.sleep(0)
        assert reader.pending_characters == 0

    use(extractor, scenario)
    assert sum(map(len, extractor.batches)) <= 2 * 64 + 1


def test_a_client_that_leaves_while_it_is_read(extractor: FakeExtractor) -> None:
    """An answer that nobody waits for is dropped; the reader goes on."""

    async def scenario(reader: Reader) -> Document:
        (held,) = await hold(reader, extractor)
        held.cancel()
        await asyncio.gather(held, return_exceptions=True)
        extractor.gate.set()
        return await reader.read(news(1))

    assert use(extractor, scenario).id == "خبر-1"


# Documents that fail


@pytest.mark.parametrize(("text", "kind"), [(BROKEN, DocumentError), (FAULTY, ZeroDivisionError)])
@pytest.mark.parametrize("place", [0, 3, 7])
def test_one_failing_document(extractor: FakeExtractor, text: str, kind: type[Exception], place: int) -> None:
    """A document that cannot be read fails alone, whatever the fault and its place in the batch."""
    documents = [news(number) for number in range(8)]
    documents[place] = news(place, text)

    async def scenario(reader: Reader) -> list[Document | BaseException]:
        held = await hold(reader, extractor)
        waiting = await asked(*(reader.read(document) for document in documents))
        extractor.gate.set()
        await asyncio.gather(*held)
        return await asyncio.gather(*waiting, return_exceptions=True)

    found = use(extractor, scenario)
    assert len(extractor.batches[1]) == 8
    assert isinstance(found.pop(place), kind)
    assert found == [extractor.read(each) for number, each in enumerate(documents) if number != place]


def test_enrichment_that_fails(extractor: FakeExtractor) -> None:
    """A document whose facts cannot be resolved fails alone, too."""

    def enrich(document: Document) -> Document:
        if document.id == "خبر-1":
            raise KeyError(document.id)
        return document

    extractor.enrich = enrich

    async def scenario(reader: Reader) -> list[Document | BaseException]:
        held = await hold(reader, extractor)
        waiting = await asked(*(reader.read(news(number)) for number in range(3)))
        extractor.gate.set()
        return (await asyncio.gather(*held, *waiting, return_exceptions=True))[1:]

    first, second, third = use(extractor, scenario)
    assert isinstance(second, KeyError)
    assert (first, third) == (extractor.read(news(0)), extractor.read(news(2)))


def test_a_failing_document_of_a_list(extractor: FakeExtractor) -> None:
    """A list is answered up to the document that fails."""

    async def scenario(reader: Reader) -> list[str | None]:
        answers = reader.read_many([news(n, BROKEN if n == 5 else "قصف") for n in range(9)])
        found = [(await anext(answers)).id for _ in range(5)]
        with pytest.raises(DocumentError, match="خبر-5"):
            await anext(answers)
        return found

    assert use(extractor, scenario) == [f"خبر-{number}" for number in range(5)]


# Another model


def test_swap(extractor: FakeExtractor) -> None:
    """What waits when the model is swapped is read with the new one; what is being read, with the old one."""
    other = FakeExtractor(label="FAC")

    async def scenario(reader: Reader) -> list[str]:
        held = await hold(reader, extractor)
        waiting = await asked(reader.read(news(1)))
        reader.swap(other)
        extractor.gate.set()
        answers = [*await asyncio.gather(*held), *await asyncio.gather(*waiting)]
        return [document.entities[0].label for document in answers]

    assert use(extractor, scenario) == ["GPE", "FAC"]


def test_the_extractor_at_hand(extractor: FakeExtractor) -> None:
    """The reader lends its extractor; the one that it was given stays as it was."""
    engine = extractor.engine

    async def scenario(reader: Reader) -> list[Document]:
        return list(reader.extractor.extract_many([news(1)]))

    assert use(extractor, scenario) == [extractor.read(news(1))]
    assert extractor.engine is engine


# The end


def test_the_end_of_what_waits(extractor: FakeExtractor) -> None:
    """What is not begun when the reader is closed fails, and nothing is read after it."""

    async def scenario() -> list[Document | BaseException]:
        reader = Reader(extractor)
        reader.start()
        held = await hold(reader, extractor)
        waiting = await asked(*(reader.read(news(number)) for number in range(40)))
        closing_reader = asyncio.create_task(asyncio.to_thread(reader.close))
        failed = await asyncio.gather(*waiting, return_exceptions=True)
        extractor.gate.set()
        await closing_reader
        await asyncio.gather(*held, return_exceptions=True)
        with pytest.raises(StoppedError):
            await reader.read(news(1))
        with pytest.raises(StoppedError):
            await all_of(reader, [news(1)])
        return list(failed)

    assert {type(each) for each in asyncio.run(scenario())} == {StoppedError}
    assert len(extractor.batches) == 1


class SlowEngine:
    """An engine that waits before each call until it is let go on."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.n_calls = 0
        self.begun, self.gate = threading.Event(), threading.Event()

    def encode(self, batch: WindowBatch) -> Encoded:
        """Encode when the gate is open."""
        self.n_calls += 1
        self.begun.set()
        self.gate.wait(LONGEST_S)
        return self._engine.encode(batch)

    def roles(self, batch: TriggerBatch) -> RoleLogits:
        """Score roles."""
        return self._engine.roles(batch)


def test_the_end_amid_a_long_article(tiny_model: Path, article: Document) -> None:
    """A long article that is being read does not hold up the end by more than one call of the engine."""
    extractor = Extractor.from_pretrained(tiny_model, n_threads=1)
    engine = extractor.engine = SlowEngine(extractor.engine)

    async def scenario() -> BaseException | None:
        reader = Reader(extractor)
        reader.start()
        reading = asyncio.create_task(reader.read(Document(text="\n".join([article.text] * 20))))
        await asyncio.to_thread(engine.begun.wait, LONGEST_S)
        ending = asyncio.create_task(asyncio.to_thread(reader.close))
        while not reader._is_closed.is_set():
            await asyncio.sleep(0)
        engine.gate.set()
        await ending
        (error,) = await asyncio.gather(reading, return_exceptions=True)
        return error if isinstance(error, BaseException) else None

    assert isinstance(asyncio.run(scenario()), StoppedError)
    assert engine.n_calls == 1


def test_close_without_start(extractor: FakeExtractor) -> None:
    """A reader that never began can be closed, twice."""
    with closing(Reader(extractor)) as reader:
        reader.close()


def test_an_event_loop_that_is_gone(extractor: FakeExtractor) -> None:
    """The reader goes on where the event loop of a request was closed before its answer."""
    reader = Reader(extractor)
    reader.start()

    async def leave() -> None:
        await hold(reader, extractor)

    asyncio.run(leave())
    extractor.gate.set()
    assert asyncio.run(reader.read(news(2))) == extractor.read(news(2))
    reader.close()


# All of it at once

Request = tuple[
    list[int], bool, int
]  # lengths of the texts, whether they are one list, when its client leaves
requests = st.lists(
    st.tuples(
        st.lists(st.sampled_from([0, 1, 40, 5_000, 70_000]), min_size=1, max_size=12),
        st.booleans(),
        st.sampled_from([0, 1, 5, 10_000]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(requests)
def test_every_answer_belongs_to_its_question(asked_for: list[Request]) -> None:
    """Whatever comes together, and whoever leaves, who stays gets the answers to its own questions."""
    extractor = FakeExtractor()

    async def client(reader: Reader, name: int, request: Request) -> None:
        lengths, is_list, patience = request
        documents = [
            Document(id=f"{name}-{place}", text=f"{name}-{place} " + "قصف " * (length // 4))
            for place, length in enumerate(lengths)
        ]
        found: list[Document] = []
        if is_list:
            async with aclosing(reader.read_many(documents)) as answers:
                async for document in answers:
                    found.append(document)
                    if len(found) > patience:
                        break
        else:
            wanted = [asyncio.ensure_future(reader.read(document)) for document in documents]
            for _ in range(patience):
                await asyncio.sleep(0)
            for task in wanted if patience < 10_000 else ():
                task.cancel()
            left = await asyncio.gather(*wanted, return_exceptions=True)
            found = [each for each in left if isinstance(each, Document)]
            assert patience < 10_000 or len(found) == len(documents)
        own = {document.id: extractor.read(document) for document in documents}
        assert found == [own[document.id] for document in found]

    async def scenario(reader: Reader) -> None:
        reader._rate = 1e12  # nobody is refused
        await asyncio.gather(*(client(reader, name, each) for name, each in enumerate(asked_for)))
        await asyncio.sleep(0)
        assert reader.pending_characters == 0

    use(extractor, scenario)
