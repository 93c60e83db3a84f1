"""The command as a process of its own: killed, interrupted, short of disk, and started twice."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from libyaevents.batch import read_results
from tests.batch.test_run import files
from tests.batch.workers import write_articles

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and limits are those of POSIX")

N_ARTICLES = 120
LONGEST_WAIT_S = 300  # on a machine that is busy with other things; nothing here waits without need


@pytest.fixture(scope="module")
def news(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An input of twelve shards."""
    path = tmp_path_factory.mktemp("input") / "أخبار.jsonl"
    write_articles(path, N_ARTICLES)
    return path


@pytest.fixture(scope="module")
def whole(news: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run leaves that nothing disturbs."""
    folder = tmp_path_factory.mktemp("whole")
    assert finish(news, folder, tiny_model) == ""
    return folder


def command(news: Path, folder: Path, model: Path) -> list[str]:
    """The command line of a run."""
    line = [sys.executable, "-m", "libyaevents", "batch", str(news), str(folder), "--model", str(model)]
    return [*line, "--shard-size", "10", "--workers", "2"]


def finish(news: Path, folder: Path, model: Path) -> str:
    """Run to the end; return the lines on stderr that are errors or warnings."""
    done = subprocess.run(command(news, folder, model), capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert re.search(
        rf"^{N_ARTICLES} documents in 12 shards; \d+ articles read now, [\d.]+/s$", done.stderr, re.M
    )
    return "".join(line for line in done.stderr.splitlines() if line.startswith(("error", "warning")))


@pytest.fixture
def started(news: Path, tiny_model: Path, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A run that has finished its first shard."""
    process = subprocess.Popen(
        command(news, tmp_path / "out", tiny_model),
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    with process:
        assert process.stderr
        assert process.stderr.readline().startswith("documents-00000.parquet: ")
        yield process
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def assert_that_all_end(processes: list[psutil.Process]) -> None:
    """Check that processes end by themselves."""
    assert processes
    _, alive = psutil.wait_procs(processes, timeout=LONGEST_WAIT_S)
    assert not alive


def test_kill_9(
    started: "subprocess.Popen[str]", news: Path, whole: Path, tiny_model: Path, tmp_path: Path
) -> None:
    """A run that is killed leaves no process, and the next start makes what an undisturbed run does."""
    workers = psutil.Process(started.pid).children(recursive=True)
    started.kill()
    started.wait()
    n_found = len(list(read_results(tmp_path / "out")))
    assert 10 <= n_found < N_ARTICLES
    assert n_found % 10 == 0, "only whole shards count"
    assert_that_all_end(workers)
    finish(news, tmp_path / "out", tiny_model)
    assert files(tmp_path / "out") == files(whole)


def test_ctrl_c(
    started: "subprocess.Popen[str]", news: Path, whole: Path, tiny_model: Path, tmp_path: Path
) -> None:
    """Ctrl-C, which reaches all processes of a terminal, ends all of them quietly, and the run can go on."""
    workers = psutil.Process(started.pid).children(recursive=True)
    os.killpg(started.pid, signal.SIGINT)
    _, err = started.communicate(timeout=LONGEST_WAIT_S)
    assert started.returncode == 130
    assert "Traceback" not in err
    assert "stopped: what is finished is kept; give the same command again to go on" in err
    assert_that_all_end(workers)
    assert not list((tmp_path / "out").glob(".*.part"))
    finish(news, tmp_path / "out", tiny_model)
    assert files(tmp_path / "out") == files(whole)


def test_two_at_once(started: "subprocess.Popen[str]", news: Path, tiny_model: Path, tmp_path: Path) -> None:
    """A second run on a folder is refused in one line while the first is at work."""
    os.kill(started.pid, signal.SIGSTOP)
    second = subprocess.run(
        command(news, tmp_path / "out", tiny_model), capture_output=True, text=True, encoding="utf-8"
    )
    assert second.returncode == 2
    (line,) = second.stderr.splitlines()
    assert line.startswith("error: ")
    assert "found another at work in it" in line


def test_a_killed_worker(started: "subprocess.Popen[str]", whole: Path, tmp_path: Path) -> None:
    """A worker that is killed from outside costs a warning and nothing else."""
    deadline = time.monotonic() + LONGEST_WAIT_S
    while time.monotonic() < deadline:
        workers = [
            child
            for child in psutil.Process(started.pid).children()
            if "resource_tracker" not in " ".join(child.cmdline())
        ]
        if workers:
            workers[0].kill()
            break
    _, err = started.communicate(timeout=LONGEST_WAIT_S)
    assert started.returncode == 0, err
    assert files(tmp_path / "out") == files(whole)


def test_full_disk(news: Path, whole: Path, tiny_model: Path, tmp_path: Path) -> None:
    """Where no more can be written, one line says so, and the run can go on."""
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))

    line = command(news, tmp_path / "out", tiny_model)
    full = subprocess.run(line, preexec_fn=limit, capture_output=True, text=True, encoding="utf-8")
    assert full.returncode == 2, full.stderr
    assert "Traceback" not in full.stderr
    assert "File too large; what is finished is kept: make room" in full.stderr
    finish(news, tmp_path / "out", tiny_model)
    assert files(tmp_path / "out") == files(whole)


def test_wrong_column(tiny_model: Path, tmp_path: Path) -> None:
    """A wrong name of a column is one line that lists those there are."""
    (tmp_path / "a.csv").write_text("nr,body\n1,قصف\n", encoding="utf-8")
    line = command(tmp_path / "a.csv", tmp_path / "out", tiny_model)
    done = subprocess.run(line, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 2
    (error,) = done.stderr.splitlines()
    assert "expected a column 'text', found none" in error
    assert "known: nr, body" in error
