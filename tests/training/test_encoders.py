"""Pretrained encoders: any BERT in the hub's file format, CAMeLBERT's full size included."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertForMaskedLM, BertModel

from libyaevents.assemble import Labels
from libyaevents.checkpoint import (
    Settings,
    load_labels,
    load_network,
    load_settings,
    load_words_tokenizer,
    save_network,
)
from libyaevents.documents import Document
from libyaevents.engines import Engine
from libyaevents.engines.onnx import OnnxEngine
from libyaevents.engines.torch import TorchEngine
from libyaevents.errors import CheckpointError, ModelNotFoundError
from libyaevents.export import export
from libyaevents.extractor import Extractor
from libyaevents.modeling import EventModel, HeadConfig
from libyaevents.subwords import encode_words, special_ids
from libyaevents.training.data import make_batch, make_examples, to_dataset
from libyaevents.training.encoders import load_encoder
from libyaevents.training.finetune import compute_loss
from libyaevents.words import split_words
from tests.tiny import LETTERS, SPECIALS, make_labels, make_tokenizer

SHIPPED = Path(__file__).parents[2] / "encoders" / "compact"
VOCABULARY = 30_000
PIECES = ("قوات", "سرت", "طرابلس", "وال", "##جفرة", "##ها", "مدينة", "دخلت", "،", ".", ":")
SENTENCE = "دخلت قوات طرابلس مدينة سرت والجفرة."


def _write_vocabulary(folder: Path) -> list[str]:
    """Write a vocab.txt of CAMeLBERT's size, one piece a line, the line being the piece's id."""
    known = [*SPECIALS, *LETTERS, *(f"##{letter}" for letter in LETTERS), *PIECES]
    pieces = known + [f"[unused{number}]" for number in range(VOCABULARY - len(known))]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}', encoding="utf-8")
    return pieces


@pytest.fixture(scope="module")
def camelbert(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, BertModel]]:
    """CAMeLBERT's shape with random weights, in the hub's files with vocab.txt alone, and the model."""
    root = tmp_path_factory.mktemp("hub")
    folder = root / "bert-base-arabic-camelbert-mix"
    torch.manual_seed(0)
    model = BertForMaskedLM(BertConfig(vocab_size=VOCABULARY))
    model.save_pretrained(folder)
    _write_vocabulary(folder)
    shape = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    assert [shape[name] for name in names] == [768, 12, 12, 3072]
    model.bert.train(False)
    yield folder, model.bert
    shutil.rmtree(root)  # a gigabyte, with what the tests put beside it


def _network(encoder: BertModel, labels: Labels) -> EventModel:
    """The encoder under random heads, as training starts with."""
    network = EventModel(encoder.config, HeadConfig.of(labels))
    network.encoder.load_state_dict(encoder.state_dict())
    return network.eval()


def test_full_size_end_to_end(camelbert: tuple[Path, BertModel], article: Document) -> None:
    """A 12 × 768 encoder is loaded exactly, fine-tuned a step, saved, loaded, exported, and extracts."""
    folder, reference = camelbert
    encoder, tokenizer = load_encoder(str(folder))
    labels = make_labels(article)
    network = _network(encoder, labels)
    ids = torch.tensor([[2, *range(5, 40), 3]])
    with torch.no_grad():
        expected = reference(input_ids=ids).last_hidden_state
        found = network.encoder(input_ids=ids).last_hidden_state
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)

    before = network.encoder.embeddings.word_embeddings.weight.detach().clone()
    _make_step(network, article, tokenizer, labels)
    assert not torch.equal(network.encoder.embeddings.word_embeddings.weight, before)

    model = folder.with_name("model")
    model.mkdir()
    settings = Settings(name="full", version="0", role_size=128, pooling="mean", max_subwords=64)
    save_network(network, labels, settings, tokenizer=tokenizer, folder=model)
    graphs = export(model, folder.with_name("graphs"))
    onnx = _read(OnnxEngine(graphs / "encoder.onnx", graphs / "roles.onnx"), model)
    assert onnx == _read(TorchEngine(load_network(model)), model)
    assert onnx.text == SENTENCE
    assert onnx.entities


def _make_step(network: EventModel, article: Document, tokenizer: Tokenizer, labels: Labels) -> None:
    """Make one step of gradient descent on two windows."""
    dataset, _ = to_dataset([article], tokenizer, labels)
    examples = make_examples(dataset[0], labels, specials=special_ids(tokenizer), max_subwords=48)
    batch = make_batch([example for example in examples if example.triggers][:2])
    compute_loss(network.train(), batch, with_predicted=True).backward()  # type: ignore[no-untyped-call]
    torch.optim.SGD(network.parameters(), lr=1e-4).step()
    network.zero_grad()


def _read(engine: Engine, model: Path) -> Document:
    """What a model reads in the sentence, without the scores."""
    extractor = Extractor(engine, load_words_tokenizer(model), load_labels(model), load_settings(model))
    found = extractor.extract(SENTENCE)
    events = tuple(
        replace(
            event,
            score=None,
            trigger=replace(event.trigger, score=None),
            arguments=tuple(replace(argument, score=None) for argument in event.arguments),
        )
        for event in found.events
    )
    return replace(
        found, entities=tuple(replace(entity, score=None) for entity in found.entities), events=events
    )


def test_full_size_tokenizers(camelbert: tuple[Path, BertModel], tmp_path: Path) -> None:
    """A tokenizer made from vocab.txt alone and one from tokenizer.json cut words alike."""
    folder, _ = camelbert
    (from_vocabulary, *_), pieces = _subwords(folder), _write_vocabulary(tmp_path)
    expected = [["دخلت"], ["قوات"], ["طرابلس"], ["مدينة"], ["سرت"], ["وال", "##جفرة"], ["."]]
    assert [[pieces[id] for id in word] for word in from_vocabulary] == expected
    both = tmp_path / "both"
    both.mkdir()
    for name in ("config.json", "model.safetensors"):
        (both / name).symlink_to(folder / name)
    load_encoder(str(folder))[1].save(str(both / "tokenizer.json"))
    assert _subwords(both)[0] == from_vocabulary


def _subwords(folder: Path) -> tuple[list[list[int]], Tokenizer]:
    _, tokenizer = load_encoder(str(folder))
    return encode_words(SENTENCE, split_words(SENTENCE), tokenizer), tokenizer


# What follows needs no size.


@pytest.fixture
def encoder_copy(tiny_encoder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny encoder, to spoil."""
    return Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))


def test_own_normalization_is_kept(tiny_encoder: Path, article: Document) -> None:
    """The tokenizer of a folder with tokenizer.json is that file's, its normalization included."""
    _, tokenizer = load_encoder(str(tiny_encoder))
    assert tokenizer.to_str() == make_tokenizer(article.text).to_str()
    assert tokenizer.truncation is None
    assert tokenizer.padding is None


def test_language_model_head_is_left_out(tiny_encoder: Path) -> None:
    """Only the encoder is kept of a masked language model, without pooler, in float32."""
    encoder, _ = load_encoder(str(tiny_encoder))
    assert isinstance(encoder, BertModel)
    assert encoder.pooler is None
    assert {weight.dtype for weight in encoder.parameters()} == {torch.float32}
    saved = load_file(tiny_encoder / "model.safetensors")
    for name, weight in encoder.state_dict().items():
        assert torch.equal(weight, saved[f"bert.{name}"])


def test_half_precision_weights(encoder_copy: Path) -> None:
    """Weights saved in half precision are loaded as float32."""
    path = encoder_copy / "model.safetensors"
    save_file({name: weight.half() for name, weight in load_file(path).items()}, path, {"format": "pt"})
    encoder, _ = load_encoder(str(encoder_copy))
    assert {weight.dtype for weight in encoder.parameters()} == {torch.float32}


def _edit_config(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(config | values), encoding="utf-8")


def _pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _drop_weight(folder: Path) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    del weights["bert.encoder.layer.1.output.dense.weight"]
    save_file(weights, path, {"format": "pt"})


def _enlarge(folder: Path) -> None:
    words = " ".join(f"كلمة{number} كلمة{number}" for number in range(300))
    make_tokenizer(words).save(str(folder / "tokenizer.json"))


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (lambda folder: (folder / "config.json").unlink(), r"has no config\.json"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), r"has no model\.safetensors"),
    "no tokenizer": (
        lambda folder: (folder / "tokenizer.json").unlink(),
        r"neither tokenizer\.json nor vocab\.txt",
    ),
    "a pickle": (_pickle, r"as a pickle \(pytorch_model\.bin\)"),
    "code of its own": (lambda folder: _edit_config(folder, auto_map={}), r"code of its own \(auto_map\)"),
    "no BERT": (
        lambda folder: _edit_config(folder, model_type="gpt2"),
        "holds a 'gpt2' model: expected a 'bert'",
    ),
    "another size": (lambda folder: _edit_config(folder, hidden_size=64), "weights cannot be loaded"),
    "a missing layer": (_drop_weight, r"lacks weights of the encoder: expected encoder\.layer\.1\.output"),
    "damaged": (lambda folder: (folder / "model.safetensors").write_bytes(b"x"), "weights cannot be loaded"),
    "a larger vocabulary": (_enlarge, "files of one and the same model"),
    "a tokenizer that is none": (
        lambda folder: (folder / "tokenizer.json").write_text("{}", encoding="utf-8"),
        r"tokenizer\.json: expected a tokenizer\.json",
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled_folder(encoder_copy: Path, name: str) -> None:
    """A folder that is incomplete, damaged, unsafe or of another kind is refused with the reason."""
    spoil, message = SPOILED[name]
    spoil(encoder_copy)
    with pytest.raises(CheckpointError, match=message):
        load_encoder(str(encoder_copy))


def test_no_such_encoder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the hub is out of reach, a name that is no folder is refused with what to copy."""
    with pytest.raises(ModelNotFoundError, match=r"copy the model's config\.json, model\.safetensors and"):
        load_encoder("CAMeL-Lab/no-such-model-of-theirs")
    with pytest.raises(ModelNotFoundError, match="no folder"):
        load_encoder(str(tmp_path / "absent"))
    monkeypatch.setenv("LIBYAEVENTS_OFFLINE", "1")
    with pytest.raises(ModelNotFoundError, match="LIBYAEVENTS_OFFLINE=1 forbids the hub"):
        load_encoder("CAMeL-Lab/bert-base-arabic-camelbert-mix")


def test_the_shipped_encoder_has_a_name() -> None:
    """The pretrained encoder is found by its name; it has no head of the events."""
    encoder, tokenizer = load_encoder("compact")
    assert (encoder.config.num_hidden_layers, encoder.config.hidden_size) == (6, 256)
    again, _ = load_encoder(str(SHIPPED))
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in encoder.state_dict().items())
    assert {value.dtype for value in encoder.state_dict().values()} == {torch.float32}
    assert not any(
        name.startswith(("entities", "triggers", "role_head"))
        for name in load_file(SHIPPED / "model.safetensors")
    )
    assert (SHIPPED / "pretraining_report.json").is_file()
    text = "وبدعم من طائرات مسيرة"
    subwords = encode_words(text, split_words(text), tokenizer)
    assert [len(ids) for ids in subwords] == [2, 1, 1, 1]
    assert subwords[0][0] < 0


def test_the_shipped_encoder_can_be_pretrained_on() -> None:
    """It has the output layer that masked language modeling goes on with."""
    model = BertForMaskedLM.from_pretrained(SHIPPED, dtype=torch.float32)
    ids = load_words_tokenizer(SHIPPED).encode("قصفت طائرات [MASK] طرابلس").ids
    logits = model(torch.tensor([ids])).logits
    assert logits.shape == (1, len(ids), model.config.vocab_size)
    assert logits.isfinite().all()
