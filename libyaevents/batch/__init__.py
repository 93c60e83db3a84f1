"""Archives: from one file to ten million articles, on one machine or on a cluster that is there already.

    summary = run_batch("news.jsonl", "out", BatchConfig(format="parquet"))

`run_batch` is the command `libyaevents batch`; `libyaevents.batch.ray` and `libyaevents.batch.spark` do the
same to a dataset or a data frame of these systems. Nothing is lost and nothing is there twice, wherever a run
is cut off: see `libyaevents.batch.folder`.
"""

from libyaevents.batch.records import Columns
from libyaevents.batch.results import read_results
from libyaevents.batch.run import BatchConfig, Progress, Summary, run_batch

__all__ = ["BatchConfig", "Columns", "Progress", "Summary", "read_results", "run_batch"]
