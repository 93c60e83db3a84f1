"""Show a document to a person: as a table for the terminal, or as one web page.

Text from the document is inert in both: markup is shown literally; control characters and bidi overrides,
which could reorder what a reader sees, are shown by their code points (⟨U+202E⟩).
"""

from libyaevents.render.page import to_html
from libyaevents.render.table import to_table

__all__ = ["to_html", "to_table"]
