"""Do to `libyaevents batch` what disks, people and systems do to long runs, and check what is left.

    python scripts/batch_faults.py FOLDER [--only NAME …] [--articles 360] [--kills 20] [--model compact]

Every run is the command as a process of its own, with nothing in it replaced. Articles are mixed from the
sentences of the packaged open corpus by a fixed seed. After each fault the result is read back: ids in order
and the SHA-256 of every text against what was given, so that nothing is lost or there twice; how much could
not be read, from the quarantine; the exit code; that no traceback was written and an error is one line; where
nothing but time was lost, that every file is, byte for byte, what an undisturbed run writes. Memory is that
of the largest process at its peak: whatever the input, it may exceed that of an undisturbed run by 150 MiB. A
line tells each case; the exit code is 1 if one failed.

A full disk is a tmpfs where the system lets this process mount one, else a limit on the size of files.
All is written below FOLDER/batch_faults, which each call makes anew. Linux alone.
"""

import argparse
import gzip
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psutil
import pyarrow
import pyarrow.parquet
from fault_place import MIB, FailedError, Place, Watch, contents, quarantine

from libyaevents.batch import read_results
from libyaevents.errors import LibyaeventsError

LARGEST_BLOCK = 2**18  # bytes before a damage that may be lost with it, where files are compressed
SPARSE_BYTES = 5 * 10**9
BOMB_PART, BOMB_PARTS = 8 * MIB, 1280  # of zeros
LONGEST_END_S = 60.0  # of workers, after the process that they work for


def undisturbed(place: Place) -> str:
    """Nothing happens."""
    return place.check(place.whole, place.undisturbed)


def full_disk(place: Place, share: float) -> str:
    """The disk is full when a share of the result is written; then there is room."""
    out, size = place.folder / f"full-{share}", sum(len(data) for _, data in contents(place.whole))
    out.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={int(size * share)}", "tmpfs", str(out)]
    if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode:
        largest = max(len(data) for _, data in contents(place.whole))
        place.run(place.news, out, file_bytes=int(largest * share)).expect(2, "make room")
        return f"limit on files; {place.check_same(out, place.run(place.news, out))}"
    try:
        place.run(place.news, out).expect(2, "No space left on device; what is finished is kept: make room")
        subprocess.run(["mount", "-o", f"remount,size={2 * size + 64 * MIB}", str(out)], check=True)
        return f"tmpfs; {place.check_same(out, place.run(place.news, out))}"
    finally:
        subprocess.run(["umount", str(out)], check=True)


def killed_workers(place: Place) -> str:
    """Workers are killed at random moments; where none is let come up a line says so, and the run goes on."""
    out, due, n_killed, n_aside, n_starts, n_whole = place.folder / "killed-workers", 0.0, 0, 0, 0, 0

    def kill(process: psutil.Process, seconds: float) -> None:
        nonlocal due, n_killed
        if time.monotonic() < due or not (out / "documents-00000.parquet").exists():
            return
        workers = [child for child in process.children() if "--multiprocessing-fork" in child.cmdline()]
        if workers:
            place.random.choice(workers).kill()
            due, n_killed = time.monotonic() + place.random.uniform(0.2, 5), n_killed + 1

    while n_killed < place.options.kills or out.exists():
        outcome = place.run(place.news, out, watch=kill if n_killed < place.options.kills else None)
        n_starts += 1
        if outcome.code:
            outcome.expect(2, "expected worker processes that load the model")
            continue
        aside = {place.ids[number] for number in quarantine(out)}
        left = {id: text for id, text in place.articles.items() if id not in aside}
        told = place.check(out, outcome, left, len(aside))
        shutil.rmtree(out)
        n_aside, n_whole = n_aside + len(aside), n_whole + 1
    return f"{n_killed} kills in {n_whole} runs of {n_starts} starts, {n_aside} aside; last: {told}"


def killed_runs(place: Place) -> str:
    """The command is killed at random moments, again and again, and goes on each time."""
    out, n_before, n_whole = place.folder / "killed-runs", 0, 0
    for _ in range(place.options.kills):
        workers: list[psutil.Process] = []
        due = place.random.uniform(0.2, place.undisturbed.seconds)
        outcome = place.run(place.news, out, watch=kill_at(due, workers))
        if outcome.code not in (0, -signal.SIGKILL):
            outcome.expect(0)
        if psutil.wait_procs(workers, timeout=LONGEST_END_S)[1]:
            raise FailedError("workers live on")
        n_found = len(list(read_results(out))) if (out / "manifest.json").exists() else 0
        if n_found < n_before:
            raise FailedError(f"{n_before - n_found} articles that were there are not any more")
        n_before = n_found
        if outcome.code == 0:
            place.check_same(out, outcome)
            shutil.rmtree(out)
            n_before, n_whole = 0, n_whole + 1
    told = place.check_same(out, place.run(place.news, out))
    return f"{place.options.kills - n_whole} kills in {n_whole + 1} runs; {told}"


def kill_at(due: float, children: list[psutil.Process]) -> Watch:
    """Kill a run at a moment; take down which processes it had."""

    def kill(process: psutil.Process, seconds: float) -> None:
        if seconds > due:
            children.extend(process.children(recursive=True))
            process.kill()

    return kill


def cut_off(place: Place, suffix: str) -> str:
    """A file ends too soon: what was before that is there."""
    share, data = 0.6, b"".join(place.lines)
    pack: dict[str, Callable[[bytes], bytes]] = {
        ".gz": gzip.compress,
        ".zst": partial(pyarrow.compress, codec="zstd", asbytes=True),
    }
    packed = pack[Path(suffix).suffix](data) if Path(suffix).suffix in pack else data
    source = place.write(f"cut{suffix}", packed[: int(len(packed) * share)])
    out = place.folder / f"cut-off{suffix}"
    outcome = place.run(source, out)
    n_found = len(list(read_results(out)))
    lost = LARGEST_BLOCK if packed is not data else 0
    least = int(share * 0.98 * len(data) - lost) * len(place.lines) // len(data) - 1
    if n_found < least:
        raise FailedError(f"expected {least} articles at least, found {n_found}")
    return place.check(out, outcome, dict(list(place.articles.items())[:n_found]), 1)


def cut_off_table(place: Place) -> str:
    """A Parquet file without its end is refused, or put aside where others are with it, even the first."""
    data = place.table("table.parquet").read_bytes()
    source = place.write("tables/1.parquet", data[: len(data) // 2])
    place.check_refused(place.whole, source, "found what is damaged or cut off")
    place.table("tables/2.parquet")
    out = place.folder / "tables-out"
    return place.check(out, place.run(source.parent, out), aside=1)


def damaged_table(place: Place) -> str:
    """A part of a Parquet file is overwritten with zeros: the other parts are read."""
    size = max(len(place.ids) // 6, 1)
    path = place.table("damaged.parquet", row_group_size=size)
    column = pyarrow.parquet.ParquetFile(path).metadata.row_group(2).column(0)
    data = bytearray(path.read_bytes())
    data[column.data_page_offset : column.data_page_offset + 100] = bytes(100)
    path.write_bytes(data)
    lost, out = place.ids[2 * size : 3 * size], place.folder / "damaged-out"
    left = {id: text for id, text in place.articles.items() if id not in lost}
    return place.check(out, place.run(path, out), left, 1)


def empty(place: Place, suffix: str, n_bytes: int) -> str:
    """A file holds nothing, or five gigabytes of nothing."""
    path = place.write(f"empty-{n_bytes}{suffix}", b"")
    os.truncate(path, n_bytes)
    out = place.folder / f"{path.name}-out"
    outcome = place.run(path, out)
    path.unlink()
    if n_bytes and suffix == ".parquet":
        return outcome.expect(2, "found what is damaged or cut off")
    return place.check(out, outcome, {}, 1)


def bomb(place: Place, suffix: str) -> str:
    """Behind the articles a file expands to ten gigabytes of zeros."""
    zeros = bytes(BOMB_PART)
    data = b"".join(place.lines)
    if suffix == ".gz":
        packed = gzip.compress(data) + BOMB_PARTS * gzip.compress(zeros)
    else:
        pack = partial(pyarrow.compress, codec="zstd", asbytes=True)
        packed = pack(data) + BOMB_PARTS * pack(zeros)
    out = place.folder / f"bomb-out{suffix}"
    return place.check(out, place.run(place.write(f"bomb.jsonl{suffix}", packed), out), aside=1)


def links(place: Place) -> str:
    """A folder holds links to a file, to folders, to nothing, in circles, and through a file."""
    text = place.articles[place.ids[0]]
    place.write("elsewhere/2.txt", text.encode())
    folder = place.write("links/1.txt", text.encode()).parent
    targets = {"2.txt": "../elsewhere/2.txt", "3": "../elsewhere", "4": ".", "5.txt": "nowhere"}
    targets |= {"6.txt": "7.txt", "7.txt": "6.txt", "8": "8", "9.txt": "1.txt/9"}
    for name, target in targets.items():
        (folder / name).symlink_to(target)
    out = place.folder / "links-out"
    return place.check(out, place.run(folder, out), {"1": text, "2": text}, 4)


def names(place: Place) -> str:
    """Files and folders have names in Arabic, in windows-1256, with quotation marks and line breaks."""
    given = ["أخبار/خبر «أول» ١.txt", "أخبار/خبر\nثان.txt", 'أخبار/"ثالث".txt', "أخبار/ليبيا ٢٠١١/رابع.txt"]
    for name in given:
        place.write(f"الأرشيف/{name}", place.articles[place.ids[0]].encode())
    old = "خامس".encode("cp1256")
    place.write(f"الأرشيف/أخبار/{os.fsdecode(old)}.txt", place.articles[place.ids[0]].encode())
    expected = sorted(name.removesuffix(".txt") for name in given)
    expected.append(f"أخبار/{old.decode(errors='backslashreplace')}")
    out = place.folder / "النتائج ٢"
    outcome = place.run(place.folder / "الأرشيف", out)
    return place.check(out, outcome, dict.fromkeys(expected, place.articles[place.ids[0]]))


def bad_bytes(place: Place) -> str:
    """In the middle of a file are bytes that are no UTF-8."""
    middle = len(place.lines) // 2
    broken = place.lines[middle].replace("ا".encode(), b"\xff\xfe", 1)
    source = place.write("bad.jsonl", b"".join([*place.lines[:middle], broken, *place.lines[middle + 1 :]]))
    left = {id: text for id, text in place.articles.items() if id != place.ids[middle]}
    out = place.folder / "bad-out"
    return place.check(out, place.run(source, out), left, 1)


def half_written(place: Place) -> str:
    """Of a finished run some files are half-written, lost, or left under the names of unfinished ones."""
    out = shutil.copytree(place.whole, place.folder / "half")
    os.truncate(out / "documents-00003.parquet", 1000)
    (out / "events-00001.parquet").unlink()
    for name in (".documents-00002.parquet.part", ".manifest.json.part", "documents-99999.parquet"):
        (out / name).write_bytes(b"PAR1")
    return place.check_same(out, place.run(place.news, out))


def half_manifest(place: Place) -> str:
    """The manifest of a finished run is half-written."""
    out = shutil.copytree(place.whole, place.folder / "half-manifest")
    os.truncate(out / "manifest.json", 1000)
    return place.check_refused(out, place.news, "expected the manifest of a run")


def other_run(place: Place) -> str:
    """The output folder is that of a run over another input, or holds something else."""
    other = place.write("other.jsonl", place.lines[0])
    place.check_refused(place.whole, other, "holds another run")
    notes = place.write("notes/notes.txt", b"")
    return place.check_refused(notes.parent, other, "expected an empty folder")


def two_at_once(place: Place) -> str:
    """Two commands begin in one folder at the same moment: one of them is refused."""
    out = place.folder / "two"
    with ThreadPoolExecutor(2) as pool:
        one, other = sorted(
            pool.map(lambda _: place.run(place.news, out), range(2)), key=lambda run: run.code
        )
    other.expect(2, "found another at work in it")
    return place.check_same(out, one)


CASES: dict[str, Callable[[Place], str]] = {
    "undisturbed": undisturbed,
    **{f"disk full at {share:.0%}": partial(full_disk, share=share) for share in (0.1, 0.5, 0.9)},
    "workers killed": killed_workers,
    "runs killed": killed_runs,
    **{
        f"cut off {suffix}": partial(cut_off, suffix=suffix)
        for suffix in (".jsonl", ".jsonl.gz", ".jsonl.zst")
    },
    "cut off .parquet": cut_off_table,
    "damaged .parquet": damaged_table,
    **{
        f"{n_bytes} bytes {suffix}": partial(empty, suffix=suffix, n_bytes=n_bytes)
        for n_bytes in (0, SPARSE_BYTES)
        for suffix in (".txt", ".jsonl", ".csv", ".jsonl.gz", ".parquet")
    },
    "bomb .gz": partial(bomb, suffix=".gz"),
    "bomb .zst": partial(bomb, suffix=".zst"),
    "links": links,
    "names": names,
    "bad bytes": bad_bytes,
    "half-written shards": half_written,
    "half-written manifest": half_manifest,
    "another run's folder": other_run,
    "two at once": two_at_once,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--articles", type=int, default=360)
    parser.add_argument("--kills", type=int, default=20, help="Of workers, and of whole runs.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--seed", type=int, default=0)
    place = Place(parser.parse_args(arguments))
    n_failed = 0
    for name in place.options.only:
        try:
            told = CASES[name](place)
        except (FailedError, LibyaeventsError) as error:
            told, n_failed = f"FAILED: {error}", n_failed + 1
        print(f"{name:24} {told}", flush=True)
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
