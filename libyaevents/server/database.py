"""The SQLite file of a studio: made where there is none, checked where there is one, written all or nothing.

In: a path. Out: rows of its tables; and transactions that are on the disk when they end, or else undone.
"""

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from libyaevents.errors import InputError, OutputError
from libyaevents.server.edits import NotSavedError

__all__ = ["LARGEST", "Database", "storable"]

LARGEST = 2**63 - 1  # integer that a column holds
APPLICATION, VERSION = 0x6C796165, 1  # in the file's head; "lyae", and of these tables
BUSY_TIMEOUT_MS = 10_000  # for another program that writes

# What is long stands last in its row: a list is read without it.
_TABLES = """
CREATE TABLE documents (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, text_hash TEXT NOT NULL,
  title TEXT, published TEXT, source TEXT, first_words TEXT NOT NULL, n_words INTEGER NOT NULL,
  is_hidden INTEGER NOT NULL DEFAULT 0, added_at TEXT NOT NULL, added_by TEXT NOT NULL,
  body TEXT NOT NULL, model_reading TEXT
) STRICT;
CREATE INDEX documents_by_text ON documents (text_hash);
CREATE TABLE layers (
  document INTEGER NOT NULL REFERENCES documents, name TEXT NOT NULL, state TEXT NOT NULL,
  revision INTEGER NOT NULL, n_entities INTEGER NOT NULL, n_events INTEGER NOT NULL,
  changed_at TEXT NOT NULL, changed_by TEXT NOT NULL, annotation TEXT NOT NULL, PRIMARY KEY (document, name)
) STRICT;
CREATE TABLE changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT, change_id TEXT UNIQUE,
  document INTEGER NOT NULL REFERENCES documents, layer TEXT, revision INTEGER,
  kind TEXT NOT NULL, author TEXT NOT NULL, at TEXT NOT NULL, detail TEXT NOT NULL
) STRICT;
CREATE INDEX changes_by_layer ON changes (document, layer, revision);
"""


class Database:
    """An open file; any thread may call it, one at a time inside `lock`."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it and the folder that it is in.

        Raises:
            OutputError: it cannot be made or written.
            InputError: it is no database, another program's, damaged, or of a later version.
        """
        self.path = path
        self.lock = threading.RLock()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # what is not published yet
        except OSError as error:
            raise _unwritable(path.parent, error.strerror or str(error)) from error
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        except sqlite3.Error as error:
            raise _unwritable(path.parent, str(error)) from error
        self._connection.row_factory = sqlite3.Row
        try:
            self._open()
        except BaseException:
            self._connection.close()
            raise

    def _open(self) -> None:
        try:
            self._check()
            self._prepare()
        except sqlite3.OperationalError as error:
            raise _unwritable(self.path.parent, str(error)) from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from error

    def _check(self) -> None:
        """Look whose file it is before anything is written to it."""
        execute = self._connection.execute
        execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        application, version = (
            execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        if not self._is_empty() and application != APPLICATION:
            raise InputError(
                f"{self.path}: expected a database of the studio, found another program's; choose another "
                "folder (--data)"
            )
        if version > VERSION:
            raise InputError(
                f"{self.path}: expected version {VERSION}, found {version} of a later "
                "libyaevents; upgrade with pip install --upgrade libyaevents"
            )
        found = execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise self._damaged(found)

    def _prepare(self) -> None:
        execute = self._connection.execute
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")  # what was answered outlives a crash of the machine, too
        execute("PRAGMA fullfsync = ON")  # without it macOS leaves it in the memory of the disk
        execute("PRAGMA foreign_keys = ON")
        with self.writing():
            if self._is_empty():  # another server may have made them meanwhile
                for statement in filter(str.strip, _TABLES.split(";")):
                    execute(statement)
            # Written even where they are the same: what cannot be written is found now, not at a change.
            execute(f"PRAGMA application_id = {APPLICATION}")
            execute(f"PRAGMA user_version = {VERSION}")

    def _is_empty(self) -> bool:
        return self._connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None

    def _damaged(self, found: str) -> InputError:
        return InputError(
            f"{self.path}: expected a whole database of the studio, found {' '.join(found.split())}; put a "
            "copy of it in its place, or choose another folder (--data)"
        )

    def close(self) -> None:
        """Close the file; all that was written is in it."""
        with self.lock:
            self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make what happens inside one transaction: on the disk when it ends, undone when it fails.

        Raises:
            NotSavedError: the file cannot be written.
        """
        with self.lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise NotSavedError(
                    f"{self.path}: expected a file that can be written, found: {error}; this was not saved: "
                    "make room or give the permission, and save it again"
                ) from error
            finally:
                if self._connection.in_transaction:
                    with suppress(sqlite3.Error):  # SQLite has undone it, or will when it opens the file next
                        self._connection.execute("ROLLBACK")

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Return the rows of a query."""
        with self.lock:
            return self._connection.execute(query, values).fetchall()

    def row(self, query: str, *values: Any) -> sqlite3.Row | None:
        """Return the first row of a query, None where there is none."""
        with self.lock:
            row: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
            return row

    def insert(self, table: str, **values: Any) -> int:
        """Add a row inside `writing`, and return its number."""
        places = ", ".join("?" * len(values))
        with self.lock:
            query = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})"
            return int(self._connection.execute(query, tuple(values.values())).lastrowid or 0)

    def update(self, table: str, where: Mapping[str, Any], **values: Any) -> None:
        """Change the rows that have these values, inside `writing`."""
        columns = ", ".join(f"{name} = ?" for name in values)
        condition = " AND ".join(f"{name} = ?" for name in where)
        self.execute(f"UPDATE {table} SET {columns} WHERE {condition}", *values.values(), *where.values())

    def execute(self, statement: str, *values: Any) -> None:
        """Run a statement inside `writing`."""
        with self.lock:
            self._connection.execute(statement, values)


def _unwritable(folder: Path, found: str) -> OutputError:
    return OutputError(
        f"{folder}: expected a folder that can be written, found: {found}; give the permission, make room, "
        "or choose another folder (--data)"
    )


def storable(number: int) -> int:
    """Return the number that a column holds and that is nearest; beyond it there is no row, either."""
    return max(-LARGEST, min(number, LARGEST))
