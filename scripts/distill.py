"""Teach a small model by larger ones, as the shipped model was.

In three steps, each a command. TRAIN, NEWS and NAMES are annotated articles and corpora of names, as for
`libyaevents train`; TEXT is plain or `.xz`, as for `libyaevents pretrain`. A GPU is meant; a CPU will do.

    python scripts/distill.py encoder --text TEXT --without DEV --minutes 10.3 --out encoder.safetensors
    python scripts/distill.py teacher --encoder encoder.safetensors --corpus TRAIN --corpus article
        --corpus open --corpus NEWS --partial NAMES --seed 1 --learning-rate 2e-4 --minutes 2.3
        --out teacher-1.safetensors
    python scripts/distill.py student --teacher teacher-1.safetensors --teacher teacher-2.safetensors
        --teacher teacher-3.safetensors --text TEXT --focus TRAIN --without DEV --corpus TRAIN
        --corpus article --corpus open --corpus NEWS --partial NAMES --dev DEV --minutes 5.2
        --out runs/compact

An encoder that no user runs need not be a BERT: the teachers' has layer norms before its layers, no biases,
rotary positions, normalized queries and keys, and its matrices are optimized by Muon. The teachers read the
student's subwords. Documents that copy those of DEV are left out of all text. `--steps` ends `encoder` and
`teacher` early, to try them out.

Source: distillation, Hinton et al. 2015, https://arxiv.org/abs/1503.02531. The teachers' network is in
`teacher_network.py`, with its own.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from teacher_network import HEAD_SIZE, MaskedModel, Muon, Teacher, TeacherEncoder
from torch import Tensor, nn

from libyaevents.assemble import Labels
from libyaevents.catalog import find_encoder
from libyaevents.checkpoint import TOKENIZER
from libyaevents.errors import CheckpointError, ConfigError, InputError, LibyaeventsError, OutputError
from libyaevents.ontology import load_ontology
from libyaevents.outputs import open_whole
from libyaevents.subwords import load_tokenizer
from libyaevents.training.batches import Batches, Lessons, TrainingBatch
from libyaevents.training.config import PretrainConfig, TrainConfig
from libyaevents.training.corpus import read_corpus
from libyaevents.training.data import to_dataset
from libyaevents.training.devices import Ahead, autocast, training_device
from libyaevents.training.finetune import Hiding, compute_loss
from libyaevents.training.loop import fit
from libyaevents.training.pretrain import HELD_OUT_SEQUENCES, Masker, check_length, draw
from libyaevents.training.start import start_from
from libyaevents.training.state import LoopConfig
from libyaevents.training.text import Text, Tokens
from libyaevents.training.train import train

STUDENT = "compact"  # the encoder that the student starts from; all read its subwords
PRECISION: Literal["bfloat16"] = "bfloat16"

# The teachers' encoder.
N_LAYERS, WIDTH = 12, 512
SEQUENCE_LENGTH, SEQUENCES, MASK_SHARE = 128, 512, 0.22
RATE = 2e-3
WARMUP_STEPS, FALL_FROM = 200, 0.4  # of the run; before it the rate stands
LOG_EVERY = 100  # steps
LEAST = {"minutes": 0.001, "steps": 1, "layers": 1, "width": HEAD_SIZE, "batch_size": 1, "seed": 0}

# The teachers.
TEACHER_WINDOWS, TEACHER_EPOCHS = 16, 9
HEAD_RATE, AVERAGE = 1.5e-3, 0.995

# The student.
TOPIC_SHARE = 0.015  # of a document's words that are triggers
LESSON_WINDOWS, GOLD_WINDOWS, STUDENT_EPOCHS = 256, 16, 8
STUDENT_RATE, STUDENT_HEAD_RATE, STUDENT_AVERAGE = 7e-4, 2e-3, 0.999
STUDENT_DROPOUT, STUDENT_ENCODER_DROPOUT = 0.15, 0.05
WORD_DROPOUT, MAX_SUBWORDS = 0.05, 128


def pretrain_encoder(options: argparse.Namespace) -> None:
    """Pretrain the teachers' encoder by whole-word masked language modeling."""
    tokenizer_path = Path(find_encoder(STUDENT)) / TOKENIZER
    text, device = Text.of(options.text, without=options.without), training_device()
    with TemporaryDirectory() as folder:
        tokens = Tokens.read(text, tokenizer_path, Path(folder))
        ids = np.asarray(tokens.ids).copy()
    tokens = Tokens(ids, tokens.continues, tokens.sha256)
    check_length(tokens, SEQUENCE_LENGTH)
    n_sequences = tokens.n_sequences(SEQUENCE_LENGTH)
    config = PretrainConfig(
        text=tuple(options.text),
        output=options.out,
        batch_size=min(options.batch_size, n_sequences - HELD_OUT_SEQUENCES),
        sequence_length=SEQUENCE_LENGTH,
        mask_share=MASK_SHARE,
    )
    masker = Masker(tokens, load_tokenizer(tokenizer_path), config, n_positions=SEQUENCE_LENGTH)
    training = np.arange(HELD_OUT_SEQUENCES, n_sequences)
    torch.manual_seed(options.seed)
    encoder = TeacherEncoder(len(tokens.continues), options.width, options.layers)
    model = MaskedModel(encoder).to(device)
    ahead = Ahead(lambda step: masker.batch(draw(training, step, config), seed=(options.seed, step)))
    _optimize(model, ahead, _progress(options.minutes, options.steps))
    held_out = masker.batch(np.arange(HELD_OUT_SEQUENCES), seed=(options.seed, 2**32)).to(device)
    with torch.no_grad(), autocast(PRECISION, device):
        loss = float(model.eval().loss(encoder.states(held_out.input_ids), held_out))
    print(f"held-out loss {loss:.3f}, {n_sequences * SEQUENCE_LENGTH:,} subwords of text")
    shape = {"width": options.width, "layers": options.layers}
    _save(encoder, shape | {"held_out_loss": round(loss, 4)}, options.out)


def _optimize(model: MaskedModel, ahead: Ahead, progress: Iterator[float]) -> None:
    device = next(model.parameters()).device
    encode = torch.compile(model.encoder.states) if device.type == "cuda" else model.encoder.states
    matrices = [weight for weight in model.encoder.blocks.parameters() if weight.ndim > 1]
    others = [weight for weight in model.parameters() if all(weight is not each for each in matrices)]
    muon = Muon(matrices)
    adam = torch.optim.AdamW(others, lr=RATE, betas=(0.9, 0.98), weight_decay=0.0)
    losses: list[Tensor] = []
    for step, done in enumerate(progress):
        rate = RATE * min(1.0, (step + 1) / WARMUP_STEPS, (1 - done) / (1 - FALL_FROM))
        batch = ahead(step).to(device)
        with autocast(PRECISION, device):
            loss = model.loss(encode(batch.input_ids), batch)
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        nn.utils.clip_grad_norm_(others, 1.0)
        adam.param_groups[0]["lr"] = rate
        adam.step()
        muon.step(rate)
        losses.append(loss.detach())
        if len(losses) == LOG_EVERY:
            print(f"step {step + 1}: loss {float(torch.stack(losses).mean()):.3f}", file=sys.stderr)
            losses.clear()
    ahead.close()


def _progress(minutes: float, most_steps: int | None) -> Iterator[float]:
    """For each step the share of the run that is over; the first, which compiles, is not on the clock."""
    yield 0.0
    started, step = time.monotonic(), 1
    while True:
        done = (time.monotonic() - started) / (60 * minutes)
        if most_steps is not None:
            done = max(done, step / most_steps)
        if done >= 1:
            return
        yield done
        step += 1


def train_teacher(options: argparse.Namespace) -> None:
    """Fine-tune a teacher from its encoder."""
    config = TrainConfig(
        corpus=tuple(options.corpus),
        partial=tuple(options.partial),
        encoder=STUDENT,  # for its tokenizer
        batch_size=TEACHER_WINDOWS,
        max_subwords=MAX_SUBWORDS,
        encoder_learning_rate=options.learning_rate,
        word_dropout=WORD_DROPOUT,
        seed=options.seed,
    )
    ontology = load_ontology()
    start, corpus = start_from(config, ontology), read_corpus(config.corpus, ontology)
    labels = start.labels(ontology, corpus)
    dataset, _ = to_dataset(corpus, start.tokenizer, labels)
    batches = Batches(corpus, list(dataset), labels, start.tokenizer, config)
    weights, shape = _load(options.encoder)
    torch.manual_seed(options.seed)
    n_pieces = start.tokenizer.get_vocab_size()
    model = Teacher(TeacherEncoder(n_pieces, shape["width"], shape["layers"], dropout=0.1), labels)
    _fill(model.encoder, weights, options.encoder)
    in_encoder = list(model.encoder.parameters())
    heads = [weight for name, weight in model.named_parameters() if not name.startswith("encoder.")]
    hiding = Hiding(start.tokenizer.get_vocab()["[MASK]"], WORD_DROPOUT)

    def loss_of(batch: TrainingBatch) -> Tensor:
        return compute_loss(model, batch.annotated, partial=batch.partial, with_predicted=True, hiding=hiding)

    with TemporaryDirectory() as folder:
        history = fit(
            model,
            loss_of,
            batches.at,
            groups=[(in_encoder, config.encoder_learning_rate), (heads, HEAD_RATE)],
            config=LoopConfig(
                n_steps=options.steps or TEACHER_EPOCHS * batches.per_epoch,
                average_decay=AVERAGE,
                seed=options.seed,
                precision=PRECISION,
                time_budget_s=60 * options.minutes,
            ),
            folder=Path(folder),
        )
    loss = f", loss {history.losses[-1][1]:.3f}" if history.losses else ""  # told every few steps alone
    print(f"{history.step} steps{loss}")
    facts = {"width": shape["width"], "layers": shape["layers"], "labels": labels.to_json()}
    _save(model, facts, options.out)


def train_student(options: argparse.Namespace) -> None:
    """Distil teachers into a model folder, which is measured on dev as `libyaevents train` does."""
    config = TrainConfig(
        corpus=tuple(options.corpus),
        partial=tuple(options.partial),
        dev=options.dev,
        encoder=STUDENT,
        output=options.out,
        name=options.name,
        epochs=STUDENT_EPOCHS,
        batch_size=GOLD_WINDOWS,
        max_subwords=MAX_SUBWORDS,
        encoder_learning_rate=options.learning_rate,
        head_learning_rate=STUDENT_HEAD_RATE,
        dropout=STUDENT_DROPOUT,
        encoder_dropout=STUDENT_ENCODER_DROPOUT,
        word_dropout=WORD_DROPOUT,
        average_decay=STUDENT_AVERAGE,
        seed=options.seed,
        precision=PRECISION,
        time_budget_minutes=options.minutes,
        folds=0,
    )
    ontology = load_ontology()
    start = start_from(config, ontology)
    labels = start.labels(ontology, [])
    n_pieces = start.tokenizer.get_vocab_size()
    teachers = [_load_teacher(path, labels, n_pieces) for path in options.teacher]
    text = Text.of(options.text, focus=options.focus, without=options.without)
    texts = ["\n".join(paragraphs) for paragraphs in text.documents(min_share=TOPIC_SHARE)]
    if not texts:
        raise InputError(f"no document of the text is on the topic of {options.focus}: give news on it")
    lessons = Lessons.of(
        texts,
        teachers,
        labels,
        start.tokenizer,
        max_subwords=MAX_SUBWORDS,
        batch_size=options.batch_size,
        seed=options.seed,
    )
    print(f"{len(lessons.examples):,} windows of text", file=sys.stderr)
    print(train(config, lessons=lessons).to_text())


def _load_teacher(path: Path, labels: Labels, n_pieces: int) -> Teacher:
    weights, shape = _load(path)
    if "labels" not in shape:
        raise CheckpointError(f"{path} is an encoder: expected a file that `teacher` wrote")
    known = Labels.from_json(shape["labels"])
    if replace(known, admitted=labels.admitted) != labels:
        raise CheckpointError(f"{path} knows other labels than the student: train it with the same package")
    model = Teacher(TeacherEncoder(n_pieces, shape["width"], shape["layers"]), labels)
    _fill(model, weights, path)
    return model


def _save(model: nn.Module, facts: dict[str, Any], path: Path) -> None:
    weights = {name: value.detach().half().cpu().contiguous() for name, value in model.state_dict().items()}
    with open_whole(path) as file:
        file.write(save(weights, metadata={"facts": json.dumps(facts)}))


def _load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads(file.metadata()["facts"])
            return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read ({error}): expected a file that this script wrote"
        ) from error


def _fill(module: nn.Module, weights: dict[str, Tensor], path: Path) -> None:
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip()
        raise CheckpointError(f"{path} does not fit: {first} Give the file of the step before") from error


def _check(options: argparse.Namespace) -> None:
    """Refuse before the run what would fail in it or behind it."""
    for name, least in LEAST.items():
        value = getattr(options, name, None)
        if value is not None and not value >= least:  # nor is no number
            raise ConfigError(f"--{name.replace('_', '-')} is {value}: expected at least {least}")
    if getattr(options, "width", HEAD_SIZE) % HEAD_SIZE:
        raise ConfigError(f"--width is {options.width}: expected a multiple of {HEAD_SIZE}")
    if options.run is not train_student and (options.out.is_dir() or not options.out.parent.is_dir()):
        raise OutputError(f"{options.out} cannot be written: expected a file in a folder that is there")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(required=True)
    runs = {"encoder": pretrain_encoder, "teacher": train_teacher, "student": train_student}
    encoder, teacher, student = parsers = [
        commands.add_parser(name, help=run.__doc__) for name, run in runs.items()
    ]
    for command, run in zip(parsers, runs.values(), strict=True):
        command.set_defaults(run=run)
        command.add_argument("--minutes", type=float, required=True)
        command.add_argument("--seed", type=int, default=1)
        command.add_argument("--out", type=Path, required=True)
        if command is not student:
            command.add_argument("--steps", type=int, help="at most")
    for command in (encoder, student):
        command.add_argument("--text", type=Path, action="append", required=True)
        command.add_argument(
            "--without", type=Path, help="annotated articles (DEV) whose copies are left out"
        )
    for command in (teacher, student):
        command.add_argument("--corpus", action="append", required=True)
        command.add_argument("--partial", action="append", default=[])
    encoder.add_argument("--layers", type=int, default=N_LAYERS)
    encoder.add_argument("--width", type=int, default=WIDTH, help=f"a multiple of {HEAD_SIZE}")
    encoder.add_argument("--batch-size", type=int, default=SEQUENCES, help="sequences in a step")
    teacher.add_argument("--encoder", type=Path, required=True)
    teacher.add_argument("--learning-rate", type=float, default=2e-4, help="of the encoder")
    student.add_argument("--teacher", type=Path, action="append", required=True)
    student.add_argument("--focus", type=Path, required=True, help="annotated articles that tell the topic")
    student.add_argument("--dev")
    student.add_argument("--name", default="compact")
    student.add_argument("--learning-rate", type=float, default=STUDENT_RATE, help="of the encoder")
    student.add_argument("--batch-size", type=int, default=LESSON_WINDOWS, help="windows of text in a step")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step; exit code 2 for what its user can mend."""
    options = _parser().parse_args(arguments)
    try:
        _check(options)
        options.run(options)
    except LibyaeventsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
