"""What is learnt in fine-tuning: the losses of one batch, summed over the four heads.

In: an `EventModel` and a `Batch`; perhaps other models, whose probabilities stand for gold. Out: one scalar.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial as fix
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from libyaevents.modeling import EncoderOutput, EventModel, RolesOutput
from libyaevents.tags import decode_tags
from libyaevents.training.config import TrainConfig
from libyaevents.training.data import IGNORED, Batch, Example, TriggerTargets
from libyaevents.training.devices import device_of
from libyaevents.training.loop import Groups
from libyaevents.training.partial import PartialBatch, partial_loss
from libyaevents.windows import WindowBatch

__all__ = ["Hiding", "compute_loss", "distillation_loss", "parameter_groups"]

TRIGGER_WEIGHT = 2.0  # an event that is missed or mistyped loses its arguments, too
PARTIAL_WEIGHT = 0.5  # names of newswire on other topics, a few types of them
ROLE_WEIGHT = 2.0  # roles are learnt from few words of few sentences; chosen on dev, see docs/


class Hiding(NamedTuple):
    """The shares of all words, and of words in names and triggers if that is more, to show as [MASK]."""

    mask_id: int
    words: float = 0.0
    mentions: float = 0.0


def compute_loss(
    model: EventModel,
    batch: Batch,
    *,
    partial: PartialBatch | None = None,
    with_predicted: bool,
    hiding: Hiding | None = None,
) -> Tensor:
    """Sum the cross-entropies of entity tags, trigger tags, role tags and factuality.

    Args:
        model: the network, in training mode.
        batch: windows with their targets.
        partial: windows of which sets of entity tags are known.
        with_predicted: train roles on the triggers that the network predicts wrongly, too.
        hiding: which share of the words is shown as [MASK]; none by default.
    """
    is_mention = (batch.entity_tags > 0) | (batch.trigger_tags > 0)  # (batch, words)
    output = _encode(model, batch.windows, hiding, is_mention)
    loss = _cross_entropy(output.entity_logits, batch.entity_tags)
    if partial is not None:
        names = _encode(
            model, partial.windows, hiding, torch.zeros(partial.admissible.shape[:2], dtype=torch.bool)
        ).entity_logits
        loss = loss + PARTIAL_WEIGHT * partial_loss(names, partial.admissible.to(names.device))
    loss = loss + TRIGGER_WEIGHT * _cross_entropy(output.trigger_logits, batch.trigger_tags)
    asked = [(row, trigger) for row, example in enumerate(batch.examples) for trigger in example.triggers]
    if with_predicted:
        predicted = output.trigger_logits.detach().argmax(-1).cpu().numpy()
        asked += [
            (row, trigger)
            for row, example in enumerate(batch.examples)
            for trigger in _false_triggers(example, predicted[row])
        ]
    return loss + _role_loss(model, output.word_states, asked) if asked else loss


def distillation_loss(
    model: EventModel, teachers: Sequence[EventModel], batch: Batch, *, hiding: Hiding | None = None
) -> Tensor:
    """Sum the cross-entropies against the mean probabilities of teachers, over the same heads.

    Roles and factuality are asked for the triggers that the teachers find together, among the words that a
    window scores. Gold of the batch is not looked at.

    Args:
        model: the network that learns, in training mode.
        teachers: networks with the same labels and tokenizer, in evaluation mode, on the model's device.
        batch: windows of any text.
        hiding: which share of the words the model, not the teachers, is shown as [MASK]; none by default.

    Source: Hinton et al. 2015, at temperature 1, the teachers' probabilities averaged.
    """
    is_mention = torch.zeros(batch.entity_tags.shape, dtype=torch.bool)
    with torch.no_grad():
        read = [_encode(teacher, batch.windows, None, is_mention) for teacher in teachers]
        entities = _mean_probabilities([output.entity_logits for output in read])
        triggers = _mean_probabilities([output.trigger_logits for output in read])
    found = triggers.argmax(-1).cpu().numpy()
    # Beside gold that is not looked at, every trigger is one that gold does not have.
    asked = [
        (row, trigger)
        for row, example in enumerate(batch.examples)
        for trigger in _false_triggers(replace(example, triggers=()), found[row])
    ]
    output = _encode(model, batch.windows, hiding, is_mention)
    words = torch.from_numpy(batch.windows.word_mask).to(output.word_states.device)
    loss = _soft_cross_entropy(output.entity_logits, entities, words)
    loss = loss + TRIGGER_WEIGHT * _soft_cross_entropy(output.trigger_logits, triggers, words)
    if not asked:
        return loss
    with torch.no_grad():
        taught = [
            _read_roles(teacher, one.word_states, asked)[0]
            for teacher, one in zip(teachers, read, strict=True)
        ]
    roles, words = _read_roles(model, output.word_states, asked)
    for tags in (slice(3), slice(3, None)):  # the Source sequence, that of the other roles
        expected = _mean_probabilities([one.role_logits[..., tags] for one in taught])
        loss = loss + ROLE_WEIGHT * _soft_cross_entropy(roles.role_logits[..., tags], expected, words)
    factuality = _mean_probabilities([one.factuality_logits for one in taught])
    return loss + _soft_cross_entropy(roles.factuality_logits, factuality)


def parameter_groups(model: EventModel, config: TrainConfig) -> Groups:
    """The parameters of word embeddings, the rest of the encoder and the heads, with their peak rates."""
    embeddings = list(model.encoder.embeddings.word_embeddings.parameters())
    encoder = list(model.encoder.parameters())
    apart = set(map(id, embeddings)) if config.embedding_learning_rate is not None else set()
    in_encoder = set(map(id, encoder))
    heads = [parameter for parameter in model.parameters() if id(parameter) not in in_encoder]
    groups: list[tuple[Sequence[nn.Parameter], float]] = [
        ([parameter for parameter in encoder if id(parameter) not in apart], config.encoder_learning_rate),
        (heads, config.head_learning_rate),
    ]
    if config.embedding_learning_rate is not None:
        groups.append((embeddings, config.embedding_learning_rate))
    return groups


def _encode(
    model: EventModel, windows: WindowBatch, hiding: Hiding | None, is_mention: Tensor
) -> EncoderOutput:
    input_ids, word_ids = torch.from_numpy(windows.input_ids), torch.from_numpy(windows.word_ids)
    if hiding is not None:
        input_ids = _hide_words(input_ids, word_ids, is_mention, hiding)
    masks = torch.from_numpy(windows.attention_mask), torch.from_numpy(windows.word_mask)
    device = device_of(model)
    return model.encode(input_ids.to(device), masks[0].to(device), word_ids.to(device), masks[1].to(device))


def _hide_words(input_ids: Tensor, word_ids: Tensor, is_mention: Tensor, hiding: Hiding) -> Tensor:
    """Show a share of the words as masks, all subwords of a word or none; specials stay."""
    if not is_mention.shape[1]:
        return input_ids
    chances = torch.where(is_mention, max(hiding.words, hiding.mentions), hiding.words)  # (batch, words)
    hidden = torch.rand(chances.shape) < chances
    return torch.where(hidden.gather(1, word_ids.clamp(min=0)) & (word_ids >= 0), hiding.mask_id, input_ids)


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    logits = logits.flatten(0, 1).float()
    return F.cross_entropy(logits, targets.flatten().to(logits.device), ignore_index=IGNORED)


def _mean_probabilities(logits: Sequence[Tensor]) -> Tensor:
    return torch.stack([each.float().softmax(-1) for each in logits]).mean(0)


def _soft_cross_entropy(logits: Tensor, expected: Tensor, mask: Tensor | None = None) -> Tensor:
    """The mean, over what `mask` admits, of the cross-entropies against probabilities (…, labels)."""
    losses = -(expected * logits.float().log_softmax(-1)).sum(-1)
    return losses.mean() if mask is None else losses[mask].mean()


def _read_roles(
    model: EventModel, states: Tensor, asked: Sequence[tuple[int, TriggerTargets]]
) -> tuple[RolesOutput, Tensor]:
    """What the model says of triggers, each with the row of its window in `states`.

    Beside it which words are in each trigger's sentence: (triggers, words of the longest).
    """
    contexts = list(dict.fromkeys((row, trigger.sentence) for row, trigger in asked))
    rows = {context: number for number, context in enumerate(contexts)}
    word_states = pad_sequence([states[row, start:end] for row, (start, end) in contexts], batch_first=True)
    tensor = fix(torch.tensor, device=states.device)
    lengths = tensor([end - start for _, (start, end) in contexts])
    mask = torch.arange(word_states.shape[1], device=states.device) < lengths.unsqueeze(1)
    spans = [
        (trigger.span[0] - trigger.sentence[0], trigger.span[1] - trigger.sentence[0]) for _, trigger in asked
    ]
    sentences = tensor([rows[row, trigger.sentence] for row, trigger in asked])
    event_types = tensor([trigger.event_type for _, trigger in asked])
    return model.roles(word_states, mask, sentences, tensor(spans), event_types), mask[sentences]


def _role_loss(model: EventModel, states: Tensor, asked: Sequence[tuple[int, TriggerTargets]]) -> Tensor:
    """The losses of roles and factuality over triggers, each with the row of its window in `states`."""
    output, _ = _read_roles(model, states, asked)
    targets = pad_sequence(
        [torch.from_numpy(trigger.tags.T) for _, trigger in asked], batch_first=True, padding_value=IGNORED
    )  # (triggers, words, 2)
    factuality = torch.tensor([trigger.factuality for _, trigger in asked], device=states.device)
    sources = _cross_entropy(output.role_logits[..., :3], targets[..., 0])
    others = _cross_entropy(output.role_logits[..., 3:], targets[..., 1])
    facts = F.cross_entropy(
        output.factuality_logits.float(), factuality, ignore_index=IGNORED, reduction="sum"
    )
    return ROLE_WEIGHT * (sources + others) + facts / max(1, int((factuality != IGNORED).sum()))


def _false_triggers(example: Example, predicted: np.ndarray) -> list[TriggerTargets]:
    """What the network took for triggers: with the gold roles where only the type is wrong, else without."""
    gold = {trigger.span: trigger for trigger in example.triggers}
    scored = np.where(example.trigger_tags == IGNORED, 0, predicted[: len(example.trigger_tags)])
    false = []
    for start, end, event_type in decode_tags(scored):
        sentence = next((span for span in example.sentences if span[0] <= start and end <= span[1]), None)
        right = gold.get((start, end))
        if sentence is None or (right is not None and right.event_type == event_type):
            continue
        tags = right.tags if right is not None else np.zeros((2, sentence[1] - sentence[0]), np.int64)
        factuality = right.factuality if right is not None else IGNORED
        false.append(
            TriggerTargets(
                sentence=sentence, span=(start, end), event_type=event_type, factuality=factuality, tags=tags
            )
        )
    return false
