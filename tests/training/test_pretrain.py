"""Pretraining: text in, an encoder out; what is masked, what the first layers look at, and resuming."""

import json
import lzma
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForMaskedLM

from libyaevents.documents import Document
from libyaevents.errors import CheckpointError, ConfigError, InputError, MissingFileError, OutputError
from libyaevents.subwords import encode_words, load_tokenizer
from libyaevents.training import pretrain as module
from libyaevents.training import text as text_module
from libyaevents.training.encoders import load_encoder
from libyaevents.training.layers import NEIGHBORS, initialize_layers
from libyaevents.training.pretrain import PretrainConfig, pretrain
from libyaevents.training.text import Text, Tokens
from libyaevents.words import split_words

LENGTH = 16


@pytest.fixture(autouse=True)
def few_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold out few sequences, so that a tiny text is enough."""
    monkeypatch.setattr(module, "HELD_OUT_SEQUENCES", 16)


@pytest.fixture(scope="module")
def text(article: Document) -> str:
    """Four thousand words: the article's sentences in random order, a paragraph each."""
    generator = np.random.default_rng(0)
    sentences = [article.text[start:end] for start, end in article.sentences]
    return "".join(f"{sentences[number]}\n\n" for number in generator.integers(0, len(sentences), 150))


@pytest.fixture
def config(tmp_path: Path, text: str, tiny_encoder: Path) -> PretrainConfig:
    """A run of 60 steps."""
    path = tmp_path / "news.txt"
    path.write_text(text, encoding="utf-8")
    return PretrainConfig(
        text=(path,),
        encoder=tiny_encoder,
        output=tmp_path / "out",
        n_tokens=60 * 8 * LENGTH,
        sequence_length=LENGTH,
        batch_size=8,
        learning_rate=5e-3,
    )


def _start(config: PretrainConfig) -> Path:
    """The folder that a run starts from."""
    assert config.encoder is not None
    return config.encoder


def _short(config: PretrainConfig, n_steps: int = 3) -> PretrainConfig:
    return replace(config, n_tokens=n_steps * config.batch_size * config.sequence_length)


def _report(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "pretraining_report.json").read_text(encoding="utf-8"))
    return report


# The whole run


def test_pretraining_makes_an_encoder(config: PretrainConfig) -> None:
    """The output is a folder that fine-tuning starts from, with a lower loss than at the start."""
    history = pretrain(config)
    assert (history.step, history.stopped_by) == (60, "steps")
    first, last = history.losses[0][1], history.losses[-1][1]
    assert last < first
    names = sorted(path.name for path in config.output.iterdir())
    expected = ["config.json", "model.safetensors", "pretraining_report.json", "run", "tokenizer.json"]
    assert [name for name in names if name != "generation_config.json"] == expected
    encoder, tokenizer = load_encoder(str(config.output))
    assert tokenizer.to_str() == load_encoder(str(_start(config)))[1].to_str()
    before, _ = load_encoder(str(_start(config)))
    assert not torch.equal(
        encoder.embeddings.word_embeddings.weight, before.embeddings.word_embeddings.weight
    )


def test_arithmetic_is_left_as_it_was(config: PretrainConfig) -> None:
    """Tiny numbers are flushed to zero in training alone, not in the caller's process after it."""
    pretrain(_short(config, 1))
    assert 5e-324 * float(config.batch_size) > 0


def test_report(config: PretrainConfig, text: str) -> None:
    """The report has configuration, hash and size of the text, steps, loss on held-out text, versions."""
    short = _short(config)
    pretrain(short)
    report = _report(config.output)
    tokenizer = load_tokenizer(_start(config) / "tokenizer.json")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    words = [encode_words(line, split_words(line), tokenizer) for line in lines]
    n_subwords = sum(len(ids) for line in words for ids in line) + len(lines)
    assert report["subwords_of_text"] == n_subwords
    assert (report["steps"], report["subwords_seen"]) == (3, 3 * 8 * LENGTH)
    assert 0 < report["held_out_loss"] < 10
    assert report["config"]["mask_share"] == 0.18
    assert (report["config"]["text"], report["config"]["output"]) == (["news.txt"], "out")
    assert len(report["text_sha256"]) == 64
    assert report["versions"]["torch"] == torch.__version__


def _stop_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    draw = module.draw

    def fail(training: Any, number: int, config: PretrainConfig) -> Any:
        if number == step:
            raise KeyboardInterrupt
        return draw(training, number, config)

    monkeypatch.setattr(module, "draw", fail)


@pytest.mark.parametrize("fresh_layers", [False, True])
def test_resumed_run_is_the_same_run(
    monkeypatch: pytest.MonkeyPatch, config: PretrainConfig, tmp_path: Path, fresh_layers: bool
) -> None:
    """A run that was cut and started again ends in the same weights and losses as one that was not."""
    monkeypatch.setattr("libyaevents.training.loop.SAVE_EVERY_S", -1.0)
    whole = replace(_short(config, 12), output=tmp_path / "whole", fresh_layers=fresh_layers)
    parted = replace(whole, output=tmp_path / "parted")
    expected = pretrain(whole)
    with monkeypatch.context() as patch:
        _stop_at(patch, 7)
        with pytest.raises(KeyboardInterrupt):
            pretrain(parted)
    assert not (parted.output / "model.safetensors").exists()
    assert pretrain(parted).losses == expected.losses
    assert _report(parted.output)["held_out_loss"] == _report(whole.output)["held_out_loss"]
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (parted.output, whole.output))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_other_run_in_the_folder(
    monkeypatch: pytest.MonkeyPatch, config: PretrainConfig, tmp_path: Path
) -> None:
    """A folder with the state of a run on other text, or from another encoder, is refused."""
    short = _short(config)
    pretrain(short)
    other = tmp_path / "other.txt"
    other.write_text(config.text[0].read_text(encoding="utf-8") + "سرت\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="another configuration"):
        pretrain(replace(short, text=(other,)))
    encoder = Path(shutil.copytree(_start(config), tmp_path / "encoder"))
    weights = {name: 2 * value for name, value in load_file(encoder / "model.safetensors").items()}
    save_file(weights, encoder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ConfigError, match="another configuration"):
        pretrain(replace(short, encoder=encoder))


def test_encoder_from_the_text(
    monkeypatch: pytest.MonkeyPatch, config: PretrainConfig, tiny_encoder: Path
) -> None:
    """Without a folder to start from, one is made of the text once, and is the same when the run goes on."""
    made: list[Text] = []

    def make(text: Text, folder: Path, _: object) -> None:
        made.append(text)
        shutil.copytree(tiny_encoder, folder)

    monkeypatch.setattr(module, "make_encoder", make)
    fresh = replace(_short(config), encoder=None)
    assert pretrain(fresh).losses == pretrain(fresh).losses == pretrain(_elsewhere(config)).losses
    assert [text.paths for text in made] == [config.text]
    assert _report(fresh.output)["config"]["encoder"] is None


def _elsewhere(config: PretrainConfig) -> PretrainConfig:
    return replace(_short(config), output=config.output / "elsewhere")


# Text


def _subwords(config: PretrainConfig) -> NDArray[Any]:
    """The array of subwords that a run makes of its text."""
    pretrain(_short(config, 1))
    return np.fromfile(config.output / "run" / "tokens.bin", dtype=np.uint16)


def test_compressed_text(config: PretrainConfig, tmp_path: Path, text: str) -> None:
    """Text in .xz is read as the same text in plain, several files one behind the other."""
    half = text.index("\n", len(text) // 2) + 1
    (tmp_path / "1.txt").write_text(text[:half], encoding="utf-8")
    (tmp_path / "2.xz").write_bytes(lzma.compress(text[half:].encode()))
    parts = replace(config, text=(tmp_path / "1.txt", tmp_path / "2.xz"), output=tmp_path / "parts")
    np.testing.assert_array_equal(_subwords(parts), _subwords(config))


def test_paragraphs_are_separated(config: PretrainConfig, text: str) -> None:
    """Each paragraph ends with a separator; blank lines and white space at its ends are nothing."""
    separator = load_tokenizer(_start(config) / "tokenizer.json").token_to_id("[SEP]")
    found = _subwords(config)
    assert int((found == separator).sum()) == text.count("\n\n")
    config.text[0].write_text(f"\n\n  {text.replace(chr(10), ' ' + chr(10) + chr(10))}", encoding="utf-8")
    np.testing.assert_array_equal(_subwords(replace(config, output=config.output / "2")), found)


def test_text_is_encoded_once(monkeypatch: pytest.MonkeyPatch, config: PretrainConfig) -> None:
    """A resumed run takes the array that was made; where the text has changed it is made anew."""
    found = _subwords(config)

    def fail(_: object) -> Any:
        pytest.fail("the text was read again")

    with monkeypatch.context() as patch:
        patch.setattr(text_module, "_lines", fail)
        np.testing.assert_array_equal(_subwords(config), found)
    config.text[0].write_text(config.text[0].read_text(encoding="utf-8") + "سرت\n", encoding="utf-8")
    (config.output / "run" / "resume.pt").unlink()
    assert len(_subwords(config)) == len(found) + 2


def test_too_little_text(config: PretrainConfig) -> None:
    """A text with too few sequences is refused with the number there are and the number needed."""
    config.text[0].write_text("قوات الوفاق في سرت\n" * 10, encoding="utf-8")
    with pytest.raises(
        InputError, match=r"the text holds \d+ subwords: expected at least 512 \(32 sequences of 16\)"
    ):
        pretrain(config)
    config.text[0].write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="the text holds 0 subwords"):
        pretrain(config)


def test_missing_text(config: PretrainConfig, tmp_path: Path) -> None:
    """A file that is not there, or a folder in its place, is named, and nothing is written."""
    for path in (tmp_path / "absent.txt", tmp_path):
        with pytest.raises(MissingFileError, match=f"no such text file: {path}"):
            pretrain(replace(config, text=(config.text[0], path)))
    assert not config.output.exists()


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("latin.txt", lambda data: data.decode().encode("cp1256", errors="replace")),
        ("plain.xz", lambda data: data),
        ("cut.xz", lambda data: lzma.compress(data)[:-200]),
    ],
)
def test_unreadable_text(
    config: PretrainConfig, tmp_path: Path, text: str, name: str, spoil: Callable[[bytes], bytes]
) -> None:
    """A file that is no UTF-8, no .xz or half of one is refused by name."""
    (tmp_path / name).write_bytes(spoil(text.encode()))
    with pytest.raises(InputError, match=f"{name} is not UTF-8 text"):
        pretrain(replace(config, text=(tmp_path / name,)))


# Masking


@pytest.fixture
def masker(config: PretrainConfig, tiny_encoder: Path) -> module.Masker:
    """What makes batches, over the tiny text."""
    config.output.mkdir()
    text = Text.of(config.text, focus=None)
    tokens = Tokens.read(text, _start(config) / "tokenizer.json", config.output)
    tokenizer = load_tokenizer(tiny_encoder / "tokenizer.json")
    return module.Masker(tokens, tokenizer, config, n_positions=128)


def _batch(masker: module.Masker, seed: int = 0, n: int = 64) -> tuple[NDArray[np.int64], module.MaskedBatch]:
    """The original subwords of some sequences, and their masked batch."""
    numbers = np.arange(n)
    return masker.tokens.sequences(numbers, LENGTH), masker.batch(numbers, seed=(0, seed))


def _is_masked(batch: module.MaskedBatch) -> NDArray[np.bool_]:
    """Which subwords of a batch are masked: (batch, subwords)."""
    is_masked = np.zeros(batch.input_ids.shape, np.bool_)
    is_masked.flat[batch.places.numpy()] = True
    return is_masked


def test_whole_words_are_masked(masker: module.Masker) -> None:
    """Of a word in several pieces all are masked or none."""
    ids, batch = _batch(masker)
    goes_on = masker.tokens.continues[ids][:, 1:]
    is_masked = _is_masked(batch)
    assert goes_on.sum() > 100
    np.testing.assert_array_equal(is_masked[:, 1:][goes_on], is_masked[:, :-1][goes_on])
    assert 0 < is_masked[:, 1:][goes_on].mean() < 1


@pytest.mark.parametrize("share", [0.001, 0.18, 0.5])
def test_share_of_masked_words(masker: module.Masker, share: float) -> None:
    """About the asked share of words is masked, in every row at least one word, whole."""
    masker.config = replace(masker.config, mask_share=share)
    ids, batch = _batch(masker, n=250)
    is_masked = _is_masked(batch)
    assert is_masked.any(axis=1).all()
    goes_on = masker.tokens.continues[ids]
    words = ~goes_on & ~masker.is_special[ids]
    rate = is_masked[words].mean()
    assert rate == pytest.approx(share, rel=0.15) if share > 0.1 else rate < 0.15
    np.testing.assert_array_equal(is_masked[:, 1:][goes_on[:, 1:]], is_masked[:, :-1][goes_on[:, 1:]])


def test_what_is_shown(masker: module.Masker) -> None:
    """Of masked subwords eight in ten are shown as [MASK], one as another, one as itself; the rest as is."""
    ids, batch = _batch(masker, n=250)
    is_masked, shown = _is_masked(batch), batch.input_ids.numpy()
    np.testing.assert_array_equal(shown[~is_masked], ids[~is_masked])
    as_mask = (shown == masker.mask_id)[is_masked].mean()
    as_is = (shown == ids)[is_masked].mean()
    assert as_mask == pytest.approx(0.8, abs=0.05)
    assert as_is == pytest.approx(0.1, abs=0.04)
    assert batch.targets.tolist() == ids[is_masked].tolist()


def test_separators_are_never_masked(masker: module.Masker) -> None:
    """[SEP] and other special pieces are always shown, and never a target."""
    ids, batch = _batch(masker, n=250)
    is_special = masker.is_special[ids]
    assert is_special.sum() > 20
    assert not _is_masked(batch)[is_special].any()


def test_positions_start_anywhere(masker: module.Masker) -> None:
    """Positions count up from a random offset, so that all of the encoder's positions are trained."""
    _, batch = _batch(masker, n=250)
    starts = batch.position_ids[:, 0]
    assert (batch.position_ids - starts.unsqueeze(1)).eq(torch.arange(LENGTH)).all()
    assert starts.min() < 10
    assert 100 < starts.max() <= 128 - LENGTH


def test_batch_of_a_step(masker: module.Masker) -> None:
    """A batch is the same for the same seed, and another for another."""
    first, again, other = (_batch(masker, seed)[1] for seed in (1, 1, 2))
    assert torch.equal(first.input_ids, again.input_ids)
    assert torch.equal(first.position_ids, again.position_ids)
    assert not torch.equal(first.places, other.places)


def test_every_sequence_once_an_epoch(config: PretrainConfig) -> None:
    """Steps of an epoch draw different sequences, another epoch another order, never the held-out ones."""
    training = np.arange(16, 16 + 40)
    epochs = [
        [module.draw(training, step, config).tolist() for step in range(start, start + 5)] for start in (0, 5)
    ]
    for epoch in epochs:
        assert sorted(number for batch in epoch for number in batch) == training.tolist()
    assert epochs[0] != epochs[1]


# First layers


@pytest.fixture(scope="module")
def initialized() -> BertForMaskedLM:
    """An encoder of four heads, with neighbours built in."""
    torch.manual_seed(0)
    wide = BertConfig(
        vocab_size=300,
        hidden_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    model = BertForMaskedLM(wide)
    torch.nn.init.normal_(model.bert.embeddings.word_embeddings.weight, std=0.06)
    initialize_layers(model, seed=0)
    model.set_attn_implementation("eager")  # the one that gives the attention back
    model.train(False)
    return model


@pytest.mark.parametrize(("head", "shift"), list(enumerate(NEIGHBORS)))
def test_first_heads_see_neighbours(initialized: BertForMaskedLM, head: int, shift: int) -> None:
    """A head of the first layer attends most to the word one or two places left or right, for any words."""
    ids = torch.randint(5, 300, (32, 40), generator=torch.Generator().manual_seed(1))
    positions = torch.arange(40) + torch.arange(0, 64, 2).unsqueeze(1)
    with torch.no_grad():
        output = initialized.bert(input_ids=ids, position_ids=positions, output_attentions=True)
    attention = output.attentions[0][:, head]  # (batch, subwords, subwords)
    inner = torch.arange(5, 35)
    offsets = range(-5, 6)
    means = [float(attention[:, inner, inner + offset].mean()) for offset in offsets]
    assert offsets[int(np.argmax(means))] == shift
    hits = (attention[:, inner].argmax(-1) == inner + shift).float().mean()
    assert hits > 0.5


def test_embeddings_are_kept(tiny_encoder: Path) -> None:
    """The layers are made anew, the same for the same seed; words keep their embeddings but for a scale."""
    before = BertForMaskedLM.from_pretrained(tiny_encoder)
    models = [BertForMaskedLM.from_pretrained(tiny_encoder) for _ in range(3)]
    for model, seed in zip(models, (0, 0, 1), strict=True):
        initialize_layers(model, seed=seed)
    first, again, other = (model.state_dict() for model in models)
    assert all(torch.equal(first[name], again[name]) for name in first)
    name = "bert.encoder.layer.0.output.dense.weight"
    assert not torch.equal(first[name], other[name])
    assert not torch.equal(first[name], before.state_dict()[name])
    words = "bert.embeddings.word_embeddings.weight"
    scale = first[words] / before.state_dict()[words]
    np.testing.assert_allclose(scale[5:].unique().tolist(), [0.5, 1.0], rtol=1e-4)


# What is refused


def test_sequences_longer_than_the_encoder(config: PretrainConfig) -> None:
    """Sequences longer than the encoder's positions are refused."""
    with pytest.raises(ConfigError, match="sequence_length is 129: expected at most 128"):
        pretrain(replace(config, sequence_length=129))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_incomplete_encoder(config: PretrainConfig, tmp_path: Path, name: str) -> None:
    """A starting folder that lacks a file is refused with the file's name."""
    encoder = Path(shutil.copytree(_start(config), tmp_path / "encoder"))
    (encoder / name).unlink()
    with pytest.raises(CheckpointError, match=f"has no {name}"):
        pretrain(replace(config, encoder=encoder))


def test_damaged_encoder(config: PretrainConfig, tmp_path: Path) -> None:
    """A starting folder with damaged weights, or code of its own, is refused."""
    encoder = Path(shutil.copytree(_start(config), tmp_path / "encoder"))
    (encoder / "model.safetensors").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="weights cannot be loaded"):
        pretrain(replace(config, encoder=encoder))
    (encoder / "config.json").write_text('{"model_type": "bert", "auto_map": {}}', encoding="utf-8")
    with pytest.raises(CheckpointError, match="code of its own"):
        pretrain(replace(config, encoder=encoder))


def test_tokenizer_of_another_model(config: PretrainConfig, tmp_path: Path) -> None:
    """A tokenizer with more pieces than the encoder has embeddings is refused."""
    encoder = Path(shutil.copytree(_start(config), tmp_path / "encoder"))
    tokenizer = load_tokenizer(encoder / "tokenizer.json")
    tokenizer.add_tokens([f"كلمة{number}" for number in range(5)])
    tokenizer.save(str(encoder / "tokenizer.json"))
    with pytest.raises(CheckpointError, match="files of one and the same model"):
        pretrain(replace(config, encoder=encoder))


def test_full_disk(monkeypatch: pytest.MonkeyPatch, config: PretrainConfig) -> None:
    """A disk that fills up at the end leaves no half-written encoder; the run can be resumed."""

    def fail(_: BertForMaskedLM, folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(BertForMaskedLM, "save_pretrained", fail)
        with pytest.raises(OutputError, match="No space left on device; free some space"):
            pretrain(_short(config))
    assert [path.name for path in config.output.iterdir()] == ["run"]
    assert pretrain(_short(config)).step == 3
