"""Add new articles to what a model knows, and accept the result only if nothing was lost.

In: a `RetrainConfig`. Out: a report, and a model where it is accepted; the model that it starts from is read
only.

`train` does the work, on the new articles and those that come with the package, so that what was
known is not forgotten. The old and the new model then read a frozen probe set that neither was trained on. A
model that reads a class of it worse (see `probe`) stays a candidate, and `output/model` is as it was.
"""

import json
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from libyaevents.assemble import Labels
from libyaevents.catalog import list_models, model_folder
from libyaevents.checkpoint import LABELS, ONTOLOGY, REPORT, load_labels, load_settings
from libyaevents.documents import Document
from libyaevents.errors import ConfigError, OutputError
from libyaevents.evaluation.calibration import measure_reliability
from libyaevents.extractor import Extractor
from libyaevents.formats.jsonl import write_documents
from libyaevents.ontology import Ontology, load_ontology
from libyaevents.outputs import check_replaceable, whole_folder
from libyaevents.training.added import find_contradictions, read_added
from libyaevents.training.config import ARTICLE, RetrainConfig, TrainConfig
from libyaevents.training.corpus import describe, read_corpus, text_hash, unique
from libyaevents.training.extend import label_names
from libyaevents.training.probe import compare, find_examples, hash_probe, read_probe
from libyaevents.training.retrain_page import to_page
from libyaevents.training.retrain_report import CANDIDATE, RetrainReport
from libyaevents.training.start import check_labels, read_json
from libyaevents.training.train import train, write_text
from libyaevents.words import split_words

__all__ = ["retrain"]

logger = logging.getLogger(__name__)

# A name is learnt in the word embeddings, of which only the rows of words that are met have a gradient; the
# layers, which carry all that is known, hardly move. Chosen by measurement, see docs/retraining.md.
EMBEDDING_LEARNING_RATE, ENCODER_LEARNING_RATE, HEAD_LEARNING_RATE = 3e-3, 5e-5, 2e-4
EXTENDED_HEAD_LEARNING_RATE = 5e-3  # of heads with new rows, which have a long way to go
PACKAGED = (ARTICLE, "open")  # the train split: probe articles are none of it
REPLAY_PASSES = 2  # over all articles that come along: more of them twice keep more than fewer of them often
MOST_PASSES, FEWEST_PASSES = 16, 4  # over the new articles
MOST_WORDS_READ = 200_000  # of new articles in all passes: three minutes of a processor


def retrain(config: RetrainConfig) -> RetrainReport:
    """Train on new articles, measure what changed, write the report, and the model where it is accepted.

    A run that was interrupted goes on where it was when it is started again with the same configuration. One
    that was rejected and is started again with `force` is not trained again.

    Raises:
        ConfigError: the output would replace the starting model, or the configuration is wrong otherwise.
        InputError, CorpusError, LabelError: files cannot be read, or what they hold is wrong.
        ModelNotFoundError, CheckpointError: the model to start from is not there, or damaged.
        OutputError: the results could not be written; a model already there is as it was.
    """
    started, cpu_started = time.monotonic(), time.process_time()
    start = model_folder(config.start)
    _check_output(config.output, start)
    ontology = load_ontology(start / ONTOLOGY if config.ontology is None else config.ontology)
    known, labels = load_labels(start), Labels.of(ontology, {})
    check_labels(known, labels, config.start)
    probe = read_probe(config.probe, ontology)
    added = read_added(config.add, ontology, probe=probe)
    replayed = _read_replay(config, ontology, apart_from=[*added, *probe])
    config = replace(config, passes=config.passes or _n_passes(added))
    before, before_added = _read(start, probe, added)
    contradictions = find_contradictions(added, before_added, known)
    _warn_of(contradictions, config)
    candidate = _train(
        config, start, ontology, replayed, is_extended=label_names(known) != label_names(labels)
    )
    after, after_added = _read(candidate, probe, added)
    report = RetrainReport(
        config=config,
        added=describe(TrainConfig(corpus=config.add), added, []),
        replayed=describe(TrainConfig(corpus=config.replay or (ARTICLE,)), replayed, []),
        new_labels=_new_labels(known, labels),
        contradictions=tuple(contradictions),
        probe_sha256=hash_probe(probe),
        n_probe=len(probe),
        n_probe_seen=len(_seen(start) & set(map(text_hash, probe))),
        changes=tuple(compare(probe, before, after, seed=config.seed)),
        on_added=tuple(compare(added, before_added, after_added, seed=config.seed)),
        calibration=_calibration(probe, before, after),
        examples=tuple(find_examples(probe, before, after)),
        seconds=time.monotonic() - started,
        cpu_seconds=time.process_time() - cpu_started,
    )
    _write_report(report)
    if report.is_accepted:
        _accept(candidate, report.model)
    return report


def _check_output(output: Path, start: Path) -> None:
    """Refuse to write into a model that is there: the one to start from, or one that ships."""
    for kept in (start, *(model.path for model in list_models())):
        for place in (output, output / "model"):
            if place.resolve() == kept.resolve() or kept.resolve() in place.resolve().parents:
                raise ConfigError(
                    f"the output {output} would be written into the model {kept}, which stays as it is: give "
                    "another folder (--out)"
                )
    check_replaceable(output / "model", marker=LABELS)


def _read_replay(
    config: RetrainConfig, ontology: Ontology, *, apart_from: Sequence[Document]
) -> list[Document]:
    """What is trained on again: what was added before, and the articles of the package."""
    earlier = read_corpus(config.replay, ontology) if config.replay else []
    packaged = read_corpus(PACKAGED, ontology)
    apart = set(map(text_hash, apart_from))
    return [each for each in unique([*earlier, *packaged]) if text_hash(each) not in apart]


def _n_passes(added: Sequence[Document]) -> int:
    n_words = sum(len(split_words(document.text)) for document in added)
    return max(FEWEST_PASSES, min(MOST_PASSES, MOST_WORDS_READ // n_words))


def _read(
    model: Path, probe: Sequence[Document], added: Sequence[Document]
) -> tuple[list[Document], list[Document]]:
    """What a model finds in the bare texts, by the int8 graphs that users run."""
    bare = (Document(text=document.text, id=document.id) for document in (*probe, *added))
    found = list(Extractor.from_pretrained(model, engine="onnx", enrich=False).extract_many(bare))
    return found[: len(probe)], found[len(probe) :]


def _warn_of(contradictions: Sequence[str], config: RetrainConfig) -> None:
    """Say at once what the verdict will rest on, whatever the probe shows: training takes minutes."""
    if contradictions:
        fate = "will be accepted by force" if config.force else "will be rejected"
        logger.warning(
            "the annotation contradicts what %s knows, and the model %s: %s",
            config.start,
            fate,
            "; ".join(contradictions),
        )


def _seen(model: Path) -> set[str]:
    """Hashes of the texts that a model was trained on."""
    return set(read_json(model / REPORT).get("seen", ()))


def _train(
    config: RetrainConfig,
    start: Path,
    ontology: Ontology,
    replayed: Sequence[Document],
    *,
    is_extended: bool,
) -> Path:
    """Train the candidate and return its folder."""
    output = config.output / CANDIDATE
    replay = output / "replay.jsonl"
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write to {output}: {error.strerror}; choose another folder") from error
    write_documents(replayed, replay)
    known = tuple(read_json(start / REPORT).get("config", {}).get("data", ()))
    files = ", ".join(config.to_dict()["add"])
    settings = TrainConfig(
        corpus=config.add,
        init=str(start),
        replay=str(replay),
        output=output,
        name=config.name,
        data=(*known, f"Added in retraining: {files}"),
        epochs=REPLAY_PASSES,
        corpus_repeats=math.ceil((config.passes or MOST_PASSES) / REPLAY_PASSES),
        max_subwords=load_settings(start).max_subwords,
        encoder_learning_rate=ENCODER_LEARNING_RATE,
        head_learning_rate=EXTENDED_HEAD_LEARNING_RATE if is_extended else HEAD_LEARNING_RATE,
        embedding_learning_rate=EMBEDDING_LEARNING_RATE,
        folds=0,
        seed=config.seed,
    )
    return train(settings, ontology=ontology).model


def _new_labels(known: Labels, labels: Labels) -> tuple[str, ...]:
    pairs = zip(label_names(known), label_names(labels), strict=True)
    return tuple(label for old, new in pairs for label in new if label not in old)


def _calibration(
    gold: Sequence[Document], before: Sequence[Document], after: Sequence[Document]
) -> dict[str, tuple[float, float]]:
    """Expected calibration error by kind of span, from 0 to 1, before and after."""
    old, new = (measure_reliability(list(zip(gold, read, strict=True))) for read in (before, after))
    return {kind: (old[kind].error, new[kind].error) for kind in old if kind in new}


def _write_report(report: RetrainReport) -> None:
    texts = {
        "report.json": json.dumps(report.to_dict(), ensure_ascii=False, indent=1),
        "report.md": report.to_markdown(),
        "report.html": to_page(report),
    }
    for name, text in texts.items():
        write_text(report.config.output / name, text)


def _accept(candidate: Path, target: Path) -> None:
    """Put the candidate in the place of what was there; the run in its folder stays, to be resumed."""
    with whole_folder(target, marker=LABELS) as folder:
        for path in candidate.iterdir():
            path.replace(folder / path.name)
    candidate.rmdir()
