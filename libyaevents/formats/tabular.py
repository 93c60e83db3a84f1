"""Events as rows in a file: documents and the name of a form come in, one open file is written.

Codebooks are csv or parquet; `csv`, `parquet` and `geojson` hold all that is known of each event.
"""

from collections.abc import Iterable
from itertools import chain, islice
from typing import BinaryIO

from libyaevents.documents import Document
from libyaevents.formats.geojson import write_geojson
from libyaevents.formats.rows import columns_of, to_rows
from libyaevents.formats.tables import write_csv, write_parquet

__all__ = ["ROWS", "write_rows"]

ROWS = ("acled", "ucdp", "plover", "geojson", "csv", "parquet")
_CODEBOOKS = ("acled", "ucdp", "plover")


def write_rows(
    documents: Iterable[Document],
    form: str,
    stream: BinaryIO,
    *,
    any_factuality: bool = False,
    as_parquet: bool = False,
    with_bom: bool = False,
) -> None:
    """Write a row for each event; `as_parquet` and `with_bom` say how rows by a codebook are written.

    Raises:
        MissingExtraError: parquet needs pyarrow, which is not installed.
        InputError: a number does not fit into parquet.
    """
    shape = form if form in _CODEBOOKS else "table"
    rows = to_rows(documents, shape, any_factuality=any_factuality)
    # A file that is no list of documents is mostly told by its first line: no header goes before that.
    first = list(islice(rows, 1))
    rows = chain(first, rows)
    if form == "geojson":
        write_geojson(rows, stream)
    elif form == "parquet" or (form in _CODEBOOKS and as_parquet):
        write_parquet(rows, columns_of(shape), stream)
    else:
        write_csv(rows, columns_of(shape), stream, with_bom=with_bom)
