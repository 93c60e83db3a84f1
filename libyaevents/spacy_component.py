"""The extractor as a component of spaCy pipelines: `nlp.add_pipe("libyaevents")`.

In: docs of any tokenizer. Out: the same docs with `doc.ents`, the span groups `triggers` and `arguments`,
`doc._.events` and `doc._.libyaevents`, the `Document` with offsets into `doc.text`. spaCy finds this module
by its entry point, so that nothing needs to be imported.
"""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from libyaevents.catalog import DEFAULT_MODEL
from libyaevents.documents import Document, Event
from libyaevents.errors import ConfigError
from libyaevents.extractor import Extractor
from libyaevents.formats.spacy import annotate, stored_document

__all__ = ["EventComponent", "make_component"]


class EventComponent:
    """Reads docs with one model; a pipeline that is saved keeps the model's name or path, not its files.

    Args:
        model: name of an installed model, or its folder.
        recall_bias: as for `Extractor.from_pretrained`.
        overwrite_ents: replace the entities that the doc has. Otherwise they stay, and those of the model
            that collide with them go to the span group `entities`.

    Raises:
        ModelNotFoundError, CheckpointError, ConfigError: As for `Extractor.from_pretrained`.
    """

    def __init__(
        self, model: str = DEFAULT_MODEL, *, recall_bias: float = 0.0, overwrite_ents: bool = True
    ) -> None:
        self.model, self.recall_bias, self.overwrite_ents = model, recall_bias, overwrite_ents
        self._load()

    def __call__(self, doc: Doc) -> Doc:
        """Read one doc."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Read docs as they come, `batch_size` together; what a doc gets does not depend on its company."""
        remaining = iter(stream)
        while docs := list(islice(remaining, batch_size)):
            texts = [Document(text=doc.text) for doc in docs]
            for doc, document in zip(docs, self.extractor.extract_many(texts), strict=True):
                annotate(doc, document, overwrite=self.overwrite_ents)
                yield doc

    @property
    def extractor(self) -> Extractor:
        """The loaded model; anew in another process, since threads of an engine do not survive a fork."""
        if self._process != os.getpid():
            # To free the engine of the parent process would wait for its threads, which are not here.
            self._left_alone = self._extractor
            self._load()
        return self._extractor

    def __getstate__(self) -> dict[str, Any]:
        """Return the settings alone, for processes of `nlp.pipe`; the model is loaded there."""
        names = ("model", "recall_bias", "overwrite_ents")
        return {"_process": None, "_extractor": None, **{name: getattr(self, name) for name in names}}

    def _load(self) -> None:
        self._extractor = Extractor.from_pretrained(self.model, recall_bias=self.recall_bias)
        self._process = os.getpid()


@Language.factory(
    "libyaevents",
    assigns=["doc.ents", "doc.spans", "doc._.events", "doc._.libyaevents"],
    default_config={"model": DEFAULT_MODEL, "recall_bias": 0.0, "overwrite_ents": True},
)
def make_component(
    nlp: Language, name: str, model: str, recall_bias: float, overwrite_ents: bool
) -> EventComponent:
    """Make the component from its part of a pipeline's config.

    Raises:
        ConfigError: Something else has taken the name `doc._.events` or `doc._.libyaevents`.
        ModelNotFoundError, CheckpointError: As for `Extractor.from_pretrained`.
    """
    for attribute, getter in _ATTRIBUTES.items():
        if not Doc.has_extension(attribute):
            Doc.set_extension(attribute, getter=getter)
        elif Doc.get_extension(attribute)[2] is not getter:
            raise ConfigError(
                f"expected doc._.{attribute} to be free, found an extension of that name: remove it with "
                f"Doc.remove_extension({attribute!r})"
            )
    return EventComponent(model, recall_bias=recall_bias, overwrite_ents=overwrite_ents)


def _events(doc: Doc) -> tuple[Event, ...]:
    document = stored_document(doc)
    return () if document is None else document.events


_ATTRIBUTES = {"events": _events, "libyaevents": stored_document}
