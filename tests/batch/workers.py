"""Worker processes without a model, in the place of `run_worker`, and what tests of runs share."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from libyaevents.batch.records import Rejected, to_document
from libyaevents.batch.shards import Refusal, Result, encode
from libyaevents.batch.worker import At, Chunk, Failed, Job, Ready
from libyaevents.documents import Document, Event, Trigger

KILLER = "قاتل"
SENTENCE = "قصفت طائرات مسيرة مواقع شرقي مصراتة فجر الجمعة."


def article(number: int) -> Document:
    """One of many articles."""
    return Document(id=f"a{number}", text=f"{SENTENCE} وقال المتحدث إن الغارة قتلت {number} جنود.")


def write_articles(path: Path, n: int) -> list[Document]:
    """Write JSON Lines and return what is in them."""
    documents = [article(number) for number in range(n)]
    path.write_text("".join(f"{document.to_json()}\n" for document in documents), encoding="utf-8")
    return documents


def found_in(document: Document) -> Document:
    """What the workers here find: one event, whose trigger is the first word."""
    word = document.text.split()[0]
    trigger = Trigger(start=0, end=len(word), text=word)
    return replace(document, events=(Event(id="E1", type="AirStrike", trigger=trigger),))


def shape(document: Document) -> Any:
    """All that is found but for the scores, which company may move in their last digits."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(item) for name, item in value.items() if name != "score"}
        return [plain(item) for item in value] if isinstance(value, list) else value

    return plain(document.to_dict())


def read_without_model(connection: Connection, job: Job) -> None:
    """Find one event in every article; end without a word at one that holds KILLER."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection.send(Ready())
    try:
        while True:
            chunk = connection.recv()
            connection.send(_read(chunk, job, connection))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _read(chunk: Chunk, job: Job, connection: Connection) -> Result:
    documents, refusals = [], []
    for place, document in _documents(chunk, job):
        if chunk.is_careful and isinstance(document, Document):
            connection.send(At(place))
        if isinstance(document, Rejected):
            refusals.append(Refusal(place, chunk.records[place].where, document.id, document.reason))
        elif KILLER in document.text:
            os._exit(9)
        else:
            documents.append(found_in(document))
    return Result(encode(documents, job.format), len(documents), refusals)


def _documents(chunk: Chunk, job: Job) -> Iterator[tuple[int, Document | Rejected]]:
    for place, record in enumerate(chunk.records):
        reason = chunk.given_up.get(place)
        yield place, Rejected(reason) if reason else to_document(record, job.columns, job.published)


def end_once_at_each(connection: Connection, job: Job) -> None:
    """Read as above, but end once at every record, as if killed; the model's folder remembers."""
    connection.send(Ready())
    try:
        while True:
            chunk = connection.recv()
            for place, document in _documents(chunk, job):
                assert isinstance(document, Document)
                if chunk.is_careful:
                    connection.send(At(place))
                seen = Path(job.model) / document.text
                if not seen.exists():
                    seen.touch()
                    os._exit(9)
            connection.send(_read(replace(chunk, is_careful=False), job, connection))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def end_at_a_chunk(connection: Connection, job: Job) -> None:
    """End as soon as there is a record to read."""
    connection.send(Ready())
    chunk = connection.recv()
    if len(chunk.given_up) < len(chunk.records):
        os._exit(9)
    connection.send(_read(chunk, job, connection))
    connection.recv()


def end_at_the_start(connection: Connection, job: Job) -> None:
    """End before anything was read, as for want of memory."""
    os._exit(7)


def fail(connection: Connection, job: Job) -> None:
    """Say that it is not possible to go on."""
    connection.send(Failed("CheckpointError: no labels.json"))
