"""A network that knows more labels than before, and knows the old ones as well as before.

In: a network, its labels, and those it shall have. Out: a network with the old rows in their new places and
new rows beside them, which so far say no to every word.

A new tag starts as the mean of its kind (`B-` or `I-`), less `MARGIN`: it leans to what is a mention of
anything, and some old tag is always better, so that nothing is read otherwise before it is learnt.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from libyaevents.assemble import Labels
from libyaevents.modeling import EventModel

__all__ = ["extend_heads", "label_names"]

MARGIN = 2.0  # in logits; with more, a few mentions do not teach it, see docs/retraining.md

# The old place of each new row, or, for a row that is new, the old places of its kind.
_Plan = list[int | list[int]]


def label_names(labels: Labels) -> tuple[tuple[str, ...], ...]:
    """The four lists of labels, without what events admit."""
    return labels.entities, labels.events, labels.roles, labels.factuality


def extend_heads(model: EventModel, known: Labels, labels: Labels) -> EventModel:
    """Give a network outputs for all `labels`, among which are all that it knows, in any order."""
    if label_names(known) == label_names(labels):
        return model
    heads = replace(
        model.heads,
        n_entity_types=len(labels.entities),
        n_event_types=len(labels.events),
        n_roles=len(labels.roles),
        n_factuality=len(labels.factuality),
    )
    extended = EventModel(model.encoder.config, heads)
    entities, events = _tags(known.entities, labels.entities), _tags(known.events, labels.events)
    outputs = {
        "entities": entities,
        "triggers": events,
        "role_head.others": _tags(known.other_roles, labels.other_roles),
        "role_head.factuality": _rows(known.factuality, labels.factuality),
    }
    weights = model.state_dict()
    for name, plan in outputs.items():
        weights[f"{name}.weight"] = _place(weights[f"{name}.weight"], plan)
        weights[f"{name}.bias"] = _place(weights[f"{name}.bias"], plan, lowered_by=MARGIN)
    types = "role_head.event_type.weight"
    weights[types] = _place(weights[types], _rows(known.events, labels.events))
    tags = "role_head.tags.weight"  # a column for each tag of both kinds
    n_entity_tags = 1 + 2 * len(known.entities)
    columns = weights[tags].T
    weights[tags] = torch.cat(
        [_place(columns[:n_entity_tags], entities), _place(columns[n_entity_tags:], events)]
    ).T.contiguous()
    extended.load_state_dict(weights)
    return extended.train(model.training)


def _rows(known: Sequence[str], names: Sequence[str]) -> _Plan:
    """Where the row of each name lay, one row a name."""
    all_rows = list(range(len(known)))
    return [known.index(name) if name in known else all_rows for name in names]


def _tags(known: Sequence[str], names: Sequence[str]) -> _Plan:
    """The same of tags: `O`, then `B-` and `I-` of each name."""
    plan: _Plan = [0]
    for name in names:
        rows = [known.index(name)] if name in known else range(len(known))
        begin, inside = [1 + 2 * row for row in rows], [2 + 2 * row for row in rows]
        plan += [begin[0], inside[0]] if name in known else [begin, inside]
    return plan


def _place(old: Tensor, plan: _Plan, *, lowered_by: float = 0.0) -> Tensor:
    """Put the rows of `old` (rows, …) where `plan` says; a new row is the mean of its kind, lowered."""
    rows = [old[place] if isinstance(place, int) else old[place].mean(0) - lowered_by for place in plan]
    return torch.stack(rows)
