"""Further labels for a finished network: the old ones are known as before, the new ones can be learnt."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from libyaevents.assemble import Labels
from libyaevents.catalog import DEFAULT_MODEL, model_folder
from libyaevents.checkpoint import load_labels, load_network, load_settings, load_words_tokenizer
from libyaevents.documents import Document
from libyaevents.engines.torch import TorchEngine
from libyaevents.extractor import Extractor
from libyaevents.modeling import EncoderOutput, EventModel, RolesOutput
from libyaevents.training.extend import extend_heads, label_names
from libyaevents.training.probe import spans_of

OLD = Labels(
    entities=("GPE", "PERSON"),
    events=("Kill", "Clash", "Attack"),
    roles=("Agent", "Patient", "Source"),
    factuality=("actual", "possible"),
    admitted=frozenset(),
)
CLOSE = (
    0.1  # of roles, which see the probabilities of tags: with random weights these are nowhere near 0 or 1
)


def _read(model: EventModel, labels: Labels) -> tuple[EncoderOutput, RolesOutput]:
    """What a network says of two windows and three triggers, whose types are numbered as in `labels`."""
    ids = torch.arange(5, 29).view(2, 12)
    word_ids = (torch.arange(12) // 2).expand(2, 12)
    mask = torch.ones(2, 6, dtype=torch.bool)
    with torch.no_grad():
        encoded = model.encode(ids, torch.ones_like(ids), word_ids, mask)
        types = torch.tensor([labels.events.index(name) for name in ("Kill", "Clash", "Attack")])
        spans = torch.tensor([[0, 1], [2, 3], [4, 6]])
        roles = model.roles(encoded.word_states, mask, torch.tensor([0, 1, 1]), spans, types)
    return encoded, roles


def _columns(names: tuple[str, ...], known: tuple[str, ...]) -> list[int]:
    """Where the tags of `known` stand among those of `names`: O, then B- and I- of each."""
    rows = map(names.index, known)
    return [0, *(column for row in rows for column in (1 + 2 * row, 2 + 2 * row))]


@pytest.fixture(scope="module")
def network(tiny_model: Path) -> EventModel:
    """The tiny network with the old labels alone."""
    shape, heads = load_network(tiny_model).encoder.config, load_network(tiny_model).heads
    torch.manual_seed(0)
    heads = replace(heads, n_entity_types=2, n_event_types=3, n_roles=3, n_factuality=2)
    return EventModel(shape, heads).eval()


@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_old_labels_are_known_as_before(data: st.DataObject, network: EventModel) -> None:
    """Wherever new labels stand among the old, the logits of these stay what they were."""

    def more(known: tuple[str, ...], name: str) -> tuple[str, ...]:
        added = [f"{name}{number}" for number in range(data.draw(st.integers(0, 3)))]
        return tuple(data.draw(st.permutations([*known, *added])))

    new = replace(
        OLD,
        entities=more(OLD.entities, "E"),
        events=more(OLD.events, "V"),
        roles=more(OLD.roles, "R"),
        factuality=more(OLD.factuality, "F"),
    )
    extended = extend_heads(network, OLD, new)
    (before, roles_before), (after, roles_after) = _read(network, OLD), _read(extended, new)
    torch.testing.assert_close(after.word_states, before.word_states)
    for name, labels, known in (
        ("entity_logits", new.entities, OLD.entities),
        ("trigger_logits", new.events, OLD.events),
    ):
        found = getattr(after, name)[..., _columns(labels, known)]
        torch.testing.assert_close(found, getattr(before, name))  # a wider product may round otherwise
    others = [3 + column for column in _columns(new.other_roles, OLD.other_roles)]
    found = roles_after.role_logits[..., [0, 1, 2, *others]]
    torch.testing.assert_close(found, roles_before.role_logits, atol=CLOSE, rtol=0)
    values = [new.factuality.index(name) for name in OLD.factuality]
    found = roles_after.factuality_logits[..., values]
    torch.testing.assert_close(found, roles_before.factuality_logits, atol=CLOSE, rtol=0)


def test_new_labels_say_no_at_first(network: EventModel) -> None:
    """Before it is learnt, a new tag is nowhere the best, and less likely than the mean of the old ones."""
    new = replace(OLD, entities=("DRONE", *OLD.entities), events=(*OLD.events, "Flood"))
    encoded, _ = _read(extend_heads(network, OLD, new), new)
    for logits, place in ((encoded.entity_logits, 0), (encoded.trigger_logits, 3)):
        chances = logits.softmax(-1)
        new_ones = chances[..., 1 + 2 * place : 3 + 2 * place]
        others = [column for column in range(1, chances.shape[-1]) if column // 2 + column % 2 != place + 1]
        assert not set(chances.argmax(-1).flatten().tolist()) & {1 + 2 * place, 2 + 2 * place}
        assert (new_ones.mean(-1) < chances[..., others].mean(-1)).all()


def test_shipped_model_reads_the_same(article: Document) -> None:
    """With labels that are new to it, the shipped model reads the article as before."""
    folder = model_folder(DEFAULT_MODEL)
    known, tokenizer, settings_ = load_labels(folder), load_words_tokenizer(folder), load_settings(folder)
    labels = replace(known, entities=("DRONE", *known.entities), events=(*known.events, "Flood"))
    network = load_network(folder)
    before, after = (
        Extractor(TorchEngine(each), tokenizer, of_network, settings_).extract(article.text)
        for each, of_network in ((network, known), (extend_heads(network, known, labels), labels))
    )
    assert spans_of(after) == spans_of(before)


def test_nothing_new_is_the_same_network(network: EventModel) -> None:
    """With the labels that it has, a network stays the object that it is."""
    assert extend_heads(network, OLD, replace(OLD, admitted=frozenset({("Kill", "Agent")}))) is network


def test_extended_network_trains(network: EventModel) -> None:
    """The new rows have gradients, so that the new labels are learnt with the others."""
    new = replace(OLD, entities=(*OLD.entities, "DRONE"))
    extended = extend_heads(network, OLD, new)
    ids = torch.arange(5, 17).view(1, 12)
    output = extended.encode(ids, torch.ones_like(ids), torch.arange(12).view(1, 12), torch.ones(1, 12) > 0)
    loss = torch.nn.functional.cross_entropy(output.entity_logits[0], torch.full((12,), 5))
    (gradient,) = torch.autograd.grad(loss, [extended.entities.weight])
    assert gradient[5].abs().sum() > 0


def test_names_of_labels(tiny_model: Path) -> None:
    """The names of labels are those that the folder lists, in its order."""
    labels = load_labels(tiny_model)
    assert label_names(labels) == (labels.entities, labels.events, labels.roles, labels.factuality)
