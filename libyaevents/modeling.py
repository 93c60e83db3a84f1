"""The one network: a BERT encoder and four word-level heads, to be read from top to bottom.

In: windows of subword ids with the word each subword belongs to; then the triggers decoded from them.
Out: logits over IOB2 tags of entities and triggers (first call), of roles, and of factuality (second call).

Shapes: `batch` windows, `subwords` and `words` of the longest window, `hidden` the encoder's width;
`sentences` and `triggers` are those of the second call, `role` the width of the role head.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from libyaevents.assemble import Labels

__all__ = ["EncoderOutput", "EventModel", "HeadConfig", "Pooling", "RolesOutput"]

Pooling = Literal["first", "mean", "max"]

HIDDEN = -1e9  # the logit of attention to padding
DISTANCES = (1, 2, 3, 5, 9, 17, 33, 65)  # in words, where the next step of the signed distance begins


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadConfig:
    """Sizes of the heads: label counts from the ontology, the role head's width, the pooling of subwords."""

    n_entity_types: int
    n_event_types: int
    n_roles: int
    n_factuality: int
    role_size: int = 128
    pooling: Pooling = "mean"
    dropout: float = 0.2

    @classmethod
    def of(
        cls, labels: Labels, *, role_size: int = 128, pooling: Pooling = "mean", dropout: float = 0.2
    ) -> "HeadConfig":
        """The sizes for these labels."""
        return cls(
            n_entity_types=len(labels.entities),
            n_event_types=len(labels.events),
            n_roles=len(labels.roles),
            n_factuality=len(labels.factuality),
            role_size=role_size,
            pooling=pooling,
            dropout=dropout,
        )


class EncoderOutput(NamedTuple):
    """First call: states (batch, words, hidden), entity and trigger logits (batch, words, tags)."""

    word_states: Tensor
    entity_logits: Tensor
    trigger_logits: Tensor


class RolesOutput(NamedTuple):
    """Second call: role logits (triggers, words, tags), factuality logits (triggers, values).

    The first three tags are the Source sequence, the others the sequence of all other roles.
    """

    role_logits: Tensor
    factuality_logits: Tensor


class EventModel(nn.Module):
    """Encoder, pooling, entity and trigger heads, and the role head conditioned on a trigger."""

    def __init__(self, encoder: BertConfig, heads: HeadConfig) -> None:
        super().__init__()
        self.heads = heads
        self.encoder = BertModel(encoder, add_pooling_layer=False)
        self.dropout = nn.Dropout(heads.dropout)
        self.entities = nn.Linear(encoder.hidden_size, 1 + 2 * heads.n_entity_types)
        self.triggers = nn.Linear(encoder.hidden_size, 1 + 2 * heads.n_event_types)
        self.role_head = RoleHead(encoder.hidden_size, heads)

    def encode(
        self, input_ids: Tensor, attention_mask: Tensor, word_ids: Tensor, word_mask: Tensor
    ) -> EncoderOutput:
        """Read windows.

        Args:
            input_ids: *Shape:* (batch, subwords).
            attention_mask: 1 on subwords, 0 on padding. *Shape:* (batch, subwords).
            word_ids: the word of each subword, -1 on special ones and padding. *Shape:* (batch, subwords).
            word_mask: true on words, false on padding. *Shape:* (batch, words).
        """
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        words = pool(states, word_ids, word_mask, self.heads.pooling)
        dropped = self.dropout(words)
        return EncoderOutput(words, self.entities(dropped), self.triggers(dropped))

    def roles(
        self, word_states: Tensor, word_mask: Tensor, sentence: Tensor, span: Tensor, event_type: Tensor
    ) -> RolesOutput:
        """Read the sentences of triggers.

        Args:
            word_states: from `encode`, cut into sentences. *Shape:* (sentences, words, hidden).
            word_mask: true on words, false on padding. *Shape:* (sentences, words).
            sentence: the row of each trigger's sentence. *Shape:* (triggers,).
            span: first and last-plus-one word of each trigger in it. *Shape:* (triggers, 2).
            event_type: *Shape:* (triggers,).
        """
        tags = torch.cat(
            [self.entities(word_states).softmax(-1), self.triggers(word_states).softmax(-1)], dim=-1
        )
        states = self.dropout(word_states)
        return cast(RolesOutput, self.role_head(states, tags, word_mask, sentence, span, event_type))


def pool(states: Tensor, word_ids: Tensor, word_mask: Tensor, pooling: Pooling) -> Tensor:
    """Pool subwords into words; a word without subwords gets zeros.

    Args:
        states: *Shape:* (batch, subwords, hidden).
        word_ids: -1 where a subword belongs to no word. *Shape:* (batch, subwords).
        word_mask: *Shape:* (batch, words).
        pooling: mean, first, or element-wise maximum.

    Returns:
        *Shape:* (batch, words, hidden).
    """
    words = torch.arange(word_mask.shape[1], device=word_ids.device)
    belongs = (word_ids.unsqueeze(1) == words.view(1, -1, 1)).to(states.dtype)  # (batch, words, subwords)
    if pooling == "max":
        # One row more takes the subwords of no word; scatter keeps zeros where a word has none.
        rows = torch.where(word_ids < 0, word_mask.shape[1], word_ids).unsqueeze(-1).expand_as(states)
        target = states.new_zeros(states.shape[0], word_mask.shape[1] + 1, states.shape[2])
        return target.scatter_reduce(1, rows, states, "amax", include_self=False)[:, :-1]
    if pooling == "first":
        belongs = belongs * (belongs.cumsum(-1) == 1).to(states.dtype)
    return (belongs @ states) / belongs.sum(-1, keepdim=True).clamp(min=1.0)


class RoleHead(nn.Module):
    """Tag the words of a trigger's sentence with the roles they play for that trigger.

    What is known of a (trigger, word) pair is a sum of projections, most of them computed once per word or
    once per trigger: of the word and its neighbors (a preposition stands before), of its entity and trigger
    tags, of the distance, and of how many other triggers stand between. One attention layer over the words of
    the sentence then lets the fillers see each other.
    """

    def __init__(self, hidden: int, heads: HeadConfig) -> None:
        super().__init__()
        size = heads.role_size
        self.word = nn.Linear(hidden, size)
        self.before = nn.Linear(hidden, size, bias=False)
        self.behind = nn.Linear(hidden, size, bias=False)
        self.tags = nn.Linear(2 + 2 * heads.n_entity_types + 2 * heads.n_event_types, size, bias=False)
        self.outside = 1 + 2 * heads.n_entity_types  # the place of the trigger tag O among all tags
        self.between = nn.Linear(2, size, bias=False)
        self.trigger = nn.Linear(hidden, size, bias=False)
        self.event_type = nn.Embedding(heads.n_event_types, size)
        self.distance = nn.Embedding(2 * len(DISTANCES) + 1, size)
        self.mix = MixingLayer(size, heads.dropout)
        self.source = nn.Linear(size, 3)
        self.others = nn.Linear(size, 1 + 2 * (heads.n_roles - 1))
        self.factuality = nn.Linear(hidden + size, heads.n_factuality)

    def forward(
        self,
        states: Tensor,
        tags: Tensor,
        word_mask: Tensor,
        sentence: Tensor,
        span: Tensor,
        event_type: Tensor,
    ) -> RolesOutput:
        """See `EventModel.roles`; `tags`: probabilities of entity and trigger tags (sentences, words, _)."""
        place = torch.arange(states.shape[1], device=states.device).unsqueeze(0)  # (1, words)
        start, end = span[:, :1], span[:, 1:]  # (triggers, 1)
        inside = ((place >= start) & (place < end)).to(states.dtype)  # (triggers, words)
        trigger = (inside.unsqueeze(1) @ states[sentence]).squeeze(1)  # (triggers, hidden)
        trigger = trigger / inside.sum(-1, keepdim=True).clamp(min=1.0)

        masked = states * word_mask.unsqueeze(-1)
        edge = torch.zeros_like(states[:, :1])
        of_word = self.word(states) + self.tags(tags)  # (sentences, words, role)
        of_word = of_word + self.before(torch.cat([edge, masked[:, :-1]], dim=1))
        of_word = of_word + self.behind(torch.cat([masked[:, 1:], edge], dim=1))
        of_trigger = self.trigger(trigger) + self.event_type(event_type)  # (triggers, role)
        of_pair = self.distance(distance_bucket(place, start, end))  # (triggers, words, role)
        crowd = triggers_between(1 - tags[..., self.outside], sentence, inside)  # (triggers, words)
        of_pair = of_pair + self.between(torch.stack([torch.exp(-crowd), crowd.clamp(max=8) / 8], dim=-1))
        pairs = nn.functional.gelu(of_word[sentence] + of_trigger.unsqueeze(1) + of_pair)
        mixed = self.mix(pairs, word_mask[sentence])  # (triggers, words, role)

        role_logits = torch.cat([self.source(mixed), self.others(mixed)], dim=-1)
        at_trigger = (inside.unsqueeze(1) @ mixed).squeeze(1) / inside.sum(-1, keepdim=True).clamp(min=1.0)
        return RolesOutput(role_logits, self.factuality(torch.cat([trigger, at_trigger], dim=-1)))


class MixingLayer(nn.Module):
    """One pre-norm transformer layer over the words of a sentence, (triggers, words, role) in and out."""

    def __init__(self, size: int, dropout: float) -> None:
        super().__init__()
        self.n_heads = max(1, size // 32)
        self.attention_norm, self.feed_forward_norm, self.final_norm = (nn.LayerNorm(size) for _ in range(3))
        self.query_key_value = nn.Linear(size, 3 * size)
        self.output = nn.Linear(size, size)
        self.feed_forward = nn.Sequential(nn.Linear(size, 2 * size), nn.GELU(), nn.Linear(2 * size, size))
        self.dropout = nn.Dropout(dropout)

    def forward(self, pairs: Tensor, mask: Tensor) -> Tensor:
        """Mix `pairs` where `mask` (triggers, words) is true."""
        n, words, size = pairs.shape
        projected = self.query_key_value(self.attention_norm(pairs)).view(n, words, 3 * self.n_heads, -1)
        per_head = projected.transpose(1, 2)  # (triggers, 3 heads, words, _)
        query, key, value = per_head.split(self.n_heads, dim=1)
        # Spelled out: what torch has for it is exported with guards against sentences without words.
        logits = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
        attended = logits.masked_fill(~mask[:, None, None, :], HIDDEN).softmax(-1) @ value
        pairs = pairs + self.dropout(self.output(attended.transpose(1, 2).reshape(n, words, size)))
        pairs = pairs + self.dropout(self.feed_forward(self.feed_forward_norm(pairs)))
        return cast(Tensor, self.final_norm(pairs))


def triggers_between(is_trigger: Tensor, sentence: Tensor, inside: Tensor) -> Tensor:
    """How many words of other triggers are expected between each word and a trigger, both words left out.

    Args:
        is_trigger: the probability of each word to be in a trigger. *Shape:* (sentences, words).
        sentence: the row of each trigger's sentence. *Shape:* (triggers,).
        inside: 1 on the trigger's own words, else 0. *Shape:* (triggers, words).

    Returns:
        *Shape:* (triggers, words).
    """
    others = is_trigger[sentence] * (1 - inside)
    up_to = others.cumsum(-1)  # (triggers, words), the word itself included
    at_trigger = (up_to * inside).sum(-1, keepdim=True) / inside.sum(-1, keepdim=True).clamp(min=1.0)
    behind = up_to - others - at_trigger  # above 0 behind the trigger alone
    before = at_trigger - up_to
    return torch.maximum(behind, before).clamp(min=0.0)


def distance_bucket(place: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Number the signed distance in words between each place and a trigger, in log-spaced steps.

    Args:
        place: *Shape:* (1, words).
        start: *Shape:* (triggers, 1).
        end: *Shape:* (triggers, 1).

    Returns:
        `len(DISTANCES)` inside the trigger, smaller before it, larger behind it. *Shape:* (triggers, words).
    """
    farthest = DISTANCES[-1]
    buckets = [sum(step <= words for step in DISTANCES) for words in range(farthest + 1)]
    table = torch.tensor([*(-bucket for bucket in reversed(buckets[1:])), *buckets], device=place.device)
    signed = (place - start).clamp(max=0) + (place - end + 1).clamp(min=0)  # in words, 0 inside
    return len(DISTANCES) + table[signed.clamp(-farthest, farthest) + farthest]
