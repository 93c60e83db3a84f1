"""Which predicted document belongs to which gold one, and whether the two can be compared at all."""

from collections.abc import Mapping, Sequence

from libyaevents.documents import Document
from libyaevents.errors import CorpusError, DocumentError
from libyaevents.evaluation.items import trigger_span

__all__ = ["check_triggers", "match_documents"]


def match_documents(
    gold: Sequence[Document], predicted: Sequence[Document], *, side: str
) -> list[tuple[Document, Document]]:
    """Pair gold and predicted documents in gold order: by id, or by position where no document has one.

    `side` names the predicted list in errors.

    Raises:
        CorpusError: There is no gold document, or the lists differ in length or ids.
        DocumentError: Two matched documents differ in text.
    """
    if not gold:
        raise CorpusError("gold: expected at least one document, found none; give documents to score against")
    if any(document.id is not None for document in (*gold, *predicted)):
        pairs = _match_ids(_by_id(gold, side="gold"), _by_id(predicted, side=side), side=side)
    elif len(gold) == len(predicted):
        pairs = list(zip(gold, predicted, strict=True))
    else:
        raise CorpusError(
            f"{side}: expected {len(gold)} documents, as many as in gold, found {len(predicted)}; "
            "give one for each gold document, in the same order, or give all of them ids"
        )
    for number, pair in enumerate(pairs, start=1):
        _check_text(*pair, where=f"{side}, {_name(pair[0], number)}")
    return pairs


def check_triggers(pairs: Sequence[tuple[Document, Document]]) -> None:
    """Check that documents predicted with gold triggers hold the gold triggers and types.

    Raises:
        DocumentError: A pair differs in triggers.
    """
    for number, (gold, predicted) in enumerate(pairs, start=1):
        expected, found = (set(map(trigger_span, document.events)) for document in (gold, predicted))
        if expected != found:
            raise DocumentError(
                f"with_gold_triggers, {_name(gold, number)}: expected the {len(expected)} gold triggers with "
                f"their types, found {len(expected - found)} missing and {len(found - expected)} others; "
                "predict arguments for the gold documents' own triggers"
            )


def _by_id(documents: Sequence[Document], *, side: str) -> dict[str, Document]:
    found: dict[str, Document] = {}
    for number, document in enumerate(documents, start=1):
        if document.id is None:
            raise CorpusError(
                f"{side}, document {number}: expected an id, since other documents have one, found none; "
                "give every gold and predicted document an id, or none of them"
            )
        if document.id in found:
            raise CorpusError(
                f"{side}, document {number}: expected a new id, found {document.id!r} again; drop one"
            )
        found[document.id] = document
    return found


def _match_ids(
    gold: Mapping[str, Document], predicted: Mapping[str, Document], *, side: str
) -> list[tuple[Document, Document]]:
    missing, unknown = gold.keys() - predicted.keys(), predicted.keys() - gold.keys()
    if missing or unknown:
        raise CorpusError(
            f"{side}: expected the ids of the {len(gold)} gold documents, found {len(missing)} missing"
            f"{_examples(missing)} and {len(unknown)} not in gold{_examples(unknown)}; "
            "predict exactly the gold documents and keep their ids"
        )
    return [(document, predicted[name]) for name, document in gold.items()]


def _examples(names: set[str]) -> str:
    quoted = [repr(name) for name in sorted(names)]
    return f" ({', '.join(quoted[:3])}{', …' if len(quoted) > 3 else ''})" if quoted else ""


def _check_text(gold: Document, predicted: Document, *, where: str) -> None:
    if gold.text == predicted.text:
        return
    letters = enumerate(zip(gold.text, predicted.text, strict=False))
    shorter = min(len(gold.text), len(predicted.text))
    offset = next((offset for offset, (ours, theirs) in letters if ours != theirs), shorter)
    raise DocumentError(
        f"{where}: expected the gold document's text, found another from offset {offset} on: "
        f"{gold.text[offset : offset + 20]!r} in gold, {predicted.text[offset : offset + 20]!r} here; "
        "offsets are compared, so predict the gold text unchanged"
    )


def _name(document: Document, number: int) -> str:
    return f"document {number}" if document.id is None else f"document {document.id!r}"
