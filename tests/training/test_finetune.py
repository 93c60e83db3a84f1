"""The loss of fine-tuning: what takes part in it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from libyaevents.assemble import Labels
from libyaevents.documents import Document
from libyaevents.modeling import EventModel
from libyaevents.subwords import special_ids
from libyaevents.training.config import TrainConfig
from libyaevents.training.data import IGNORED, Batch, Example, make_batch, make_examples, to_dataset
from libyaevents.training.finetune import (
    TRIGGER_WEIGHT,
    Hiding,
    compute_loss,
    distillation_loss,
    parameter_groups,
)
from tests.tiny import make_network


@pytest.fixture(scope="module")
def examples(article: Document, tokenizer: Tokenizer, labels: Labels) -> list[Example]:
    """The article's windows with their targets."""
    dataset, _ = to_dataset([article], tokenizer, labels)
    return list(make_examples(dataset[0], labels, specials=special_ids(tokenizer), max_subwords=64))


@pytest.fixture
def network(tokenizer: Tokenizer, labels: Labels) -> EventModel:
    """A network in evaluation mode, so that losses can be compared."""
    return make_network(labels, tokenizer.get_vocab_size())


def _loss(network: EventModel, batch: Batch, *, with_predicted: bool = False) -> float:
    with torch.no_grad():
        return float(compute_loss(network, batch, with_predicted=with_predicted))


def test_every_weight_learns(network: EventModel, examples: list[Example]) -> None:
    """All weights of the network get a gradient from a batch with events."""
    compute_loss(network.train(), make_batch(examples), with_predicted=True).backward()  # type: ignore[no-untyped-call]
    without = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert without == []
    unmoved = {name for name, weight in network.named_parameters() if not weight.grad.any()}  # type: ignore[union-attr]
    assert all(name.endswith("key.bias") for name in unmoved)  # softmax takes no notice of a bias on keys


def test_loss_falls(network: EventModel, examples: list[Example]) -> None:
    """A few steps on a batch make its loss smaller."""
    batch = make_batch(examples[:4])
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    first = _loss(network, batch)
    for _ in range(8):
        optimizer.zero_grad()
        compute_loss(network, batch, with_predicted=True).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert _loss(network, batch) < 0.7 * first


def test_ignored_words_take_no_part(network: EventModel, examples: list[Example]) -> None:
    """A window without events and with no word to score but one has the loss of that word."""
    example = replace(
        examples[0],
        triggers=(),
        entity_tags=np.full_like(examples[0].entity_tags, IGNORED),
        trigger_tags=np.full_like(examples[0].trigger_tags, IGNORED),
    )
    example.entity_tags[3], example.trigger_tags[3] = 5, 0
    batch = make_batch([example])
    with torch.no_grad():
        windows = batch.windows
        arrays = (windows.input_ids, windows.attention_mask, windows.word_ids, windows.word_mask)
        output = network.encode(*map(torch.from_numpy, arrays))
    entity = -output.entity_logits[0, 3].log_softmax(-1)[5]
    trigger = -output.trigger_logits[0, 3].log_softmax(-1)[0]
    expected = entity + TRIGGER_WEIGHT * trigger
    assert _loss(network, batch) == pytest.approx(float(expected), rel=1e-5)


def test_batch_without_events(network: EventModel, examples: list[Example]) -> None:
    """A batch without any trigger, given or predicted, has a finite loss."""
    plain = [replace(example, triggers=()) for example in examples]
    assert 0 < _loss(network, make_batch(plain)) < 100


@pytest.mark.parametrize("part", ["tags", "event_type", "factuality"])
def test_roles_and_factuality_take_part(network: EventModel, examples: list[Example], part: str) -> None:
    """Other roles, another type or another factuality of the triggers gives another loss."""
    example = next(example for example in examples if len(example.triggers) > 1)
    changes = {
        "tags": lambda trigger: np.zeros_like(trigger.tags),
        "event_type": lambda trigger: trigger.event_type + 1,
        "factuality": lambda trigger: (trigger.factuality + 1) % 3,
    }
    changed = [replace(trigger, **{part: changes[part](trigger)}) for trigger in example.triggers]
    other = replace(example, triggers=tuple(changed))
    assert _loss(network, make_batch([example])) != pytest.approx(
        _loss(network, make_batch([other])), abs=1e-3
    )


def test_false_triggers_take_part(network: EventModel, examples: list[Example]) -> None:
    """A word wrongly taken for a trigger is trained to have no roles; one outside the scored words is not."""
    example = next(example for example in examples if not example.triggers)
    with torch.no_grad():
        network.triggers.bias[0] = -1e4
    batch = make_batch([example])
    assert _loss(network, batch, with_predicted=True) > _loss(network, batch)
    ignored = replace(example, trigger_tags=np.full_like(example.trigger_tags, IGNORED))
    batch = make_batch([ignored, example])
    alone = make_batch([example])
    difference = _loss(network, batch, with_predicted=True) - _loss(network, batch)
    assert difference == pytest.approx(
        _loss(network, alone, with_predicted=True) - _loss(network, alone), rel=1e-4
    )


def test_rightly_found_trigger_is_asked_once(network: EventModel, examples: list[Example]) -> None:
    """Where the network finds exactly the gold triggers, training on predictions adds nothing."""
    example = next(example for example in examples if example.triggers)
    batch = make_batch([example])
    logits = torch.nn.functional.one_hot(batch.trigger_tags.clamp(min=0), 53).float() * 50
    network.triggers.forward = lambda input: logits  # type: ignore[method-assign]
    assert _loss(network, batch, with_predicted=True) == pytest.approx(_loss(network, batch), rel=1e-6)


def _shown(network: EventModel, batch: Batch, share: float, of_mentions: float = 0.0) -> NDArray[np.int64]:
    """What the network is shown of a batch when a share of the words is hidden."""
    seen: list[torch.Tensor] = []
    torch.manual_seed(0)
    encode = network.encode

    def watch(input_ids: torch.Tensor, *others: torch.Tensor) -> object:
        seen.append(input_ids)
        return encode(input_ids, *others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "encode", watch)
        compute_loss(network, batch, with_predicted=False, hiding=Hiding(4, share, of_mentions))
    return seen[0].numpy()


def test_hidden_words(network: EventModel, examples: list[Example]) -> None:
    """About the asked share of words is shown as [MASK], all subwords of a word or none, specials as is."""
    batch = make_batch(examples)
    shown = _shown(network, batch, 0.4)
    ids, word_ids = batch.windows.input_ids, batch.windows.word_ids
    is_hidden = shown != ids
    assert set(shown[is_hidden].tolist()) == {4}
    assert not is_hidden[word_ids < 0].any()
    hidden, seen = (
        {(row, word_ids[row, place]) for row, place in np.argwhere(mask).tolist()}
        for mask in (is_hidden, ~is_hidden & (word_ids >= 0))
    )
    assert not hidden & seen
    assert len(hidden) / len(hidden | seen) == pytest.approx(0.4, abs=0.08)


def test_mentions_are_hidden_more(network: EventModel, examples: list[Example]) -> None:
    """Words in names and triggers are hidden by a share of their own, if that is more."""
    batch = make_batch(examples)
    is_mention = ((batch.entity_tags > 0) | (batch.trigger_tags > 0)).numpy()
    ids, word_ids = batch.windows.input_ids, batch.windows.word_ids
    of_mention = np.take_along_axis(is_mention, word_ids.clip(min=0), axis=1) & (word_ids >= 0)
    only_mentions = _shown(network, batch, 0.0, 0.9) != ids
    assert only_mentions[of_mention].mean() > 0.8
    assert not only_mentions[~of_mention].any()
    np.testing.assert_array_equal(_shown(network, batch, 0.9, 0.1) != ids, _shown(network, batch, 0.9) != ids)


def test_no_hidden_words(network: EventModel, examples: list[Example]) -> None:
    """Without word dropout the text is shown as it is."""
    batch = make_batch(examples)
    np.testing.assert_array_equal(_shown(network, batch, 0.0), batch.windows.input_ids)


def test_hidden_words_without_subwords(network: EventModel, tokenizer: Tokenizer, labels: Labels) -> None:
    """A batch in which no word has subwords has nothing to hide, and a loss."""
    dataset, _ = to_dataset([Document(text="ـ ـ")], tokenizer, labels)
    batch = make_batch(
        list(make_examples(dataset[0], labels, specials=special_ids(tokenizer), max_subwords=64))
    )
    np.testing.assert_array_equal(_shown(network, batch, 0.9), batch.windows.input_ids)


@pytest.mark.parametrize(("rate", "rates"), [(None, [1e-4, 5e-4]), (0.003, [1e-4, 5e-4, 0.003])])
def test_parameter_groups(network: EventModel, rate: float | None, rates: list[float]) -> None:
    """Each parameter has one rate: the encoder's, the heads', or, where it is given, the word embeddings'."""
    groups = parameter_groups(network, TrainConfig(embedding_learning_rate=rate))
    assert [each for _, each in groups] == rates
    grouped = [parameter for parameters, _ in groups for parameter in parameters]
    assert sorted(map(id, grouped)) == sorted(map(id, network.parameters()))
    embeddings = network.encoder.embeddings.word_embeddings.weight
    (own,) = (each for parameters, each in groups for parameter in parameters if parameter is embeddings)
    assert own == (rate or 1e-4)


# What other models teach


@pytest.fixture
def teachers(tokenizer: Tokenizer, labels: Labels) -> list[EventModel]:
    """Two other networks, which find triggers."""
    found = [make_network(labels, tokenizer.get_vocab_size(), seed=seed) for seed in (1, 2)]
    for teacher in found:
        torch.nn.init.normal_(teacher.triggers.weight, std=0.3, generator=torch.Generator().manual_seed(0))
    return found


def test_who_teaches_itself_learns_nothing(teachers: list[EventModel], examples: list[Example]) -> None:
    """Against its own probabilities a network is at the minimum: no weight has a gradient."""
    (network, _), batch = teachers, make_batch(examples)
    loss = distillation_loss(network, [network], batch)
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss > 1
    moved = {name: float(weight.grad.abs().max()) for name, weight in network.named_parameters()}  # type: ignore[union-attr]
    assert max(moved.values()) < 1e-5, moved


def test_student_comes_nearer_to_its_teachers(
    network: EventModel, teachers: list[EventModel], examples: list[Example]
) -> None:
    """A few steps bring all heads nearer; the teachers stay as they are, and gold is not looked at."""
    batch = make_batch([replace(example, triggers=()) for example in examples[:4]])
    before = [{name: weight.clone() for name, weight in each.state_dict().items()} for each in teachers]
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    with torch.no_grad():
        least = float(distillation_loss(teachers[0], teachers, batch))
        first = float(distillation_loss(network, teachers, batch))
    for _ in range(12):
        optimizer.zero_grad()
        distillation_loss(network, teachers, batch, hiding=Hiding(4, 0.05)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    without = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert without == []
    with torch.no_grad():
        last = float(distillation_loss(network, teachers, batch))
        assert last == pytest.approx(
            float(distillation_loss(network, teachers, make_batch(examples[:4]))), rel=1e-5
        )
    assert last < first
    assert least < first
    assert all(
        torch.equal(each.state_dict()[name], value)
        for each, old in zip(teachers, before, strict=True)
        for name, value in old.items()
    )


def test_text_without_a_trigger_teaches_names(
    network: EventModel, teachers: list[EventModel], examples: list[Example]
) -> None:
    """Where the teachers find no event, entities and triggers alone are learnt."""
    for teacher in teachers:
        with torch.no_grad():
            teacher.triggers.bias[0] = 100.0
    distillation_loss(network, teachers, make_batch(examples[:2])).backward()  # type: ignore[no-untyped-call]
    assert network.entities.weight.grad is not None
    assert all(weight.grad is None for weight in network.role_head.parameters())
