"""Load a server on loopback and compare it with the same model in process, round by round.

    python scripts/server_load.py [--articles 256] [--clients 64] [--rounds 3] [--json FILE]

A server process of its own is started with an empty data folder. Each round reads the same articles twice:
by `extract_many` in this process while the server idles, and by many clients while this process only
asks. Each client keeps one connection and sends one article a request. So both meet the same load of the
machine, and neither shares it with the other; the median of the rounds' ratios is what counts. Both may use
the same cores, `--cores` of them, on which the clients run, too. Articles are sentences of the packaged one,
mixed anew for each, of 2 to 40 sentences.

Every answer is compared with the one in process: id, text, and all that was found (scores within 0.001).
Clients send and read HTTP by asyncio streams themselves: a client library's time would be taken for the
server's. A 429 is sent again after its Retry-After, and counted. Where the machine is too slow for all
articles and rounds in `--limit` seconds, there are fewer of them.
"""

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Any

from libyaevents import Document, Extractor

LARGEST_DIFFERENCE = 1e-3  # of scores, whose last digits depend on what is read together
MOST_TRIES = 20
FEWEST_ARTICLES = 64  # of a round, however slow the machine
START_TIMEOUT_S, ANSWER_TIMEOUT_S, STOP_TIMEOUT_S = 60, 120, 10
BUSY = 429


@dataclass
class Round:
    """What one round measured."""

    in_process_s: float = 0.0
    served_s: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    n_lost: int = 0
    n_mixed_up: int = 0
    n_refused: int = 0


@dataclass(frozen=True)
class Measured:
    """What all rounds measured together; rates are articles a second."""

    n_articles: int
    n_clients: int
    n_rounds: int
    n_characters: int
    in_process_rate: float
    served_rate: float
    ratio: float
    smallest_ratio: float
    largest_ratio: float
    p50_ms: float
    p99_ms: float
    server_start_mib: float
    server_peak_mib: float
    documents_a_batch: float
    n_lost: int
    n_mixed_up: int
    n_refused: int


def main(command_line: Sequence[str] | None = None) -> int:
    """Read the command line, measure, print; 1 where an answer was lost or mixed up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--articles", type=int, default=256)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--cores", type=int, help="that this process and the server share; all of them if left out"
    )
    parser.add_argument("--model", default="compact")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--limit", type=float, default=110.0, help="seconds for all of it")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    arguments = parser.parse_args(command_line)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the server is stopped, too
    if arguments.cores:  # the engine counts them when it loads; the server inherits them
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])
    measured = measure(arguments)
    for name, value in asdict(measured).items():
        print(f"{name.replace('_', ' '):20} {value:>12,.2f}".removesuffix(".00"))
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(measured), indent=1) + "\n", encoding="utf-8")
    return int(bool(measured.n_lost or measured.n_mixed_up))


def measure(arguments: argparse.Namespace) -> Measured:
    """Start the server, run the rounds, and stop it."""
    started = time.perf_counter()
    extractor = Extractor.from_pretrained(arguments.model)
    expected = expected_of(extractor, mixed_articles(arguments.articles), arguments.limit / 10)
    articles = [replace(found, sentences=(), entities=(), events=()) for found in expected.values()]
    rounds: list[Round] = []
    with served(arguments.model, arguments.port) as (process, port):
        asyncio.run(ask_all(port, articles[: arguments.clients], expected, arguments.clients))  # warms it up
        start_mib, longest_s = memory_mib(process.pid), 0.0
        while len(rounds) < arguments.rounds:
            begun = time.perf_counter()
            if rounds and begun - started + longest_s > arguments.limit:
                break
            rounds.append(one_round(extractor, port, articles, expected, n_clients=arguments.clients))
            longest_s = max(longest_s, time.perf_counter() - begun)
        metrics = asyncio.run(get(port, "/metrics"))
        peak_mib = memory_mib(process.pid)
    ratios = [each.in_process_s / each.served_s for each in rounds]
    latencies = sorted(latency for each in rounds for latency in each.latencies_s)
    return Measured(
        n_articles=len(articles),
        n_clients=arguments.clients,
        n_rounds=len(rounds),
        n_characters=sum(len(article.text) for article in articles),
        in_process_rate=len(articles) / median(each.in_process_s for each in rounds),
        served_rate=len(articles) / median(each.served_s for each in rounds),
        ratio=median(ratios),
        smallest_ratio=min(ratios),
        largest_ratio=max(ratios),
        p50_ms=1000 * percentile(latencies, 0.5),
        p99_ms=1000 * percentile(latencies, 0.99),
        server_start_mib=start_mib,
        server_peak_mib=peak_mib,
        documents_a_batch=documents_a_batch(metrics),
        n_lost=sum(each.n_lost for each in rounds),
        n_mixed_up=sum(each.n_mixed_up for each in rounds),
        n_refused=sum(each.n_refused for each in rounds),
    )


def mixed_articles(n_articles: int) -> list[Document]:
    """Return articles with ids, days and texts of their own."""
    line = (files("libyaevents") / "data" / "article.jsonl").read_text(encoding="utf-8")
    source = Document.from_json(line)
    sentences = [source.text[start:end] for start, end in source.sentences]
    chance = random.Random(0)
    return [
        Document(
            id=f"خبر-{number}",
            # Its own number stands in the text, so that no two are equal.
            text="\n".join([f"الخبر رقم {number}.", *chance.choices(sentences, k=chance.randint(2, 40))]),
            published=date(2020, 1, 1) + timedelta(days=number % 366),
        )
        for number in range(n_articles)
    ]


def expected_of(
    extractor: Extractor, articles: Iterable[Document], limit_s: float
) -> dict[str | None, Document]:
    """Return what is found in process, by id, in as many articles as are read within a time."""
    expected: dict[str | None, Document] = {}
    start = time.perf_counter()
    for document in extractor.extract_many(articles):
        expected[document.id] = document
        if time.perf_counter() - start > limit_s and len(expected) >= FEWEST_ARTICLES:
            break
    return expected


def one_round(
    extractor: Extractor,
    port: int,
    articles: Sequence[Document],
    expected: Mapping[str | None, Document],
    *,
    n_clients: int,
) -> Round:
    """Read the articles in process, then by the server."""
    start = time.perf_counter()
    for document in extractor.extract_many(articles):
        document.to_json()  # as the server writes them, too
    in_process_s = time.perf_counter() - start
    start = time.perf_counter()
    measured = asyncio.run(ask_all(port, articles, expected, n_clients))
    return replace(measured, in_process_s=in_process_s)


async def ask_all(
    port: int, articles: Sequence[Document], expected: Mapping[str | None, Document], n_clients: int
) -> Round:
    """Let clients ask for the articles until none is left; compare the answers when all are there."""
    measured, left = Round(), iter(articles)
    answers: list[tuple[Document, bytes]] = []
    requests = {article.id: request_of(article) for article in articles}

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
        try:
            for article in left:
                answer = await asked(reader, writer, requests[article.id], measured)
                answers.append((article, answer))
        finally:
            writer.close()
            await writer.wait_closed()

    start = time.perf_counter()
    results = await asyncio.gather(*(client() for _ in range(n_clients)), return_exceptions=True)
    measured.served_s = time.perf_counter() - start
    for result in results:
        if isinstance(result, BaseException):
            print(f"a client failed: {result!r}", file=sys.stderr)
    measured.n_lost = len(articles) - len(answers)
    measured.n_mixed_up = sum(not is_equal(body, expected[article.id]) for article, body in answers)
    return measured


async def asked(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, measured: Round
) -> bytes:
    """Return the answer to a request; one that is refused for load is sent again when the server says."""
    for _ in range(MOST_TRIES):
        start = time.perf_counter()
        status, headers, body = await exchanged(reader, writer, request)
        if status != BUSY:
            break
        measured.n_refused += 1
        await asyncio.sleep(int(headers["retry-after"]))
    if status != 200:
        raise RuntimeError(f"expected an answer, found status {status}: {body[:500].decode()}")
    measured.latencies_s.append(time.perf_counter() - start)
    return body


async def exchanged(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Send a request and read its answer, which has a length."""
    writer.write(request)
    async with asyncio.timeout(ANSWER_TIMEOUT_S):
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
    return int(first.split()[1]), headers, body


def request_of(article: Document) -> bytes:
    """Return a whole HTTP request for an article."""
    fields = {"id": article.id, "text": article.text, "published": str(article.published)}
    body = json.dumps(fields, ensure_ascii=False).encode()
    head = (
        "POST /extract HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def get(port: int, path: str) -> str:
    """Return what a path answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    _, _, body = await exchanged(reader, writer, request)
    writer.close()
    await writer.wait_closed()
    return body.decode()


def is_equal(answer: bytes, expected: Document) -> bool:
    """Whether an answer is the document expected, with scores within `LARGEST_DIFFERENCE`."""
    return _is_near(json.loads(answer), json.loads(expected.to_json()))


def _is_near(found: Any, expected: Any) -> bool:
    if isinstance(expected, float) and isinstance(found, float):
        return abs(found - expected) <= LARGEST_DIFFERENCE
    if isinstance(expected, dict) and isinstance(found, dict):
        return found.keys() == expected.keys() and all(
            _is_near(found[key], expected[key]) for key in expected
        )
    if isinstance(expected, list) and isinstance(found, list):
        return len(found) == len(expected) and all(map(_is_near, found, expected))
    return type(found) is type(expected) and found == expected


@contextmanager
def served(model: str, port: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a server; its process and port."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "libyaevents", "serve", "--data", f"{folder}/data", "--model", model]
        process = subprocess.Popen([*command, "--port", str(port)], stderr=subprocess.PIPE, text=True)
        try:
            yield process, _port_of(process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_TIMEOUT_S)


def _port_of(process: subprocess.Popen[str]) -> int:
    """Return the port that the server prints, when it answers there."""
    assert process.stderr is not None
    line = process.stderr.readline()
    match = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
    if match is None:
        raise RuntimeError(f"expected a server's address, found {line!r}")
    asyncio.run(asyncio.wait_for(get(int(match[1]), "/healthz"), START_TIMEOUT_S))
    return int(match[1])


def memory_mib(pid: int) -> float:
    """Return the most memory that a process has had so far; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(match[1]) / 1024 if match else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that a share of the sorted values does not exceed."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def documents_a_batch(metrics: str) -> float:
    """Return the mean size of the server's batches."""
    value = {name: float(number) for name, number in re.findall(r"^(\w+) (\S+)$", metrics, re.MULTILINE)}
    n_batches = value.get("libyaevents_batch_documents_count", 0.0)
    return value.get("libyaevents_batch_documents_sum", 0.0) / n_batches if n_batches else 0.0


if __name__ == "__main__":
    sys.exit(main())
