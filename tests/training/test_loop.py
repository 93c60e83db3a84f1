"""The training loop: what is learnt, and that a run which was stopped and resumed is the same run."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from libyaevents.errors import ConfigError, OutputError
from libyaevents.training import loop
from libyaevents.training.loop import fit
from libyaevents.training.state import History, LoopConfig

CONFIG = LoopConfig(n_steps=60, seed=3)
LONG = replace(CONFIG, n_steps=160)


class _Toy:
    """A linear regression with dropout, and what was seen of its training."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 1))
        self.losses: dict[int, float] = {}
        self.step = 0

    def make_batch(self, step: int) -> Tensor:
        self.step = step
        return torch.randn(16, 4, generator=torch.Generator().manual_seed(step))

    def compute_loss(self, batch: Tensor) -> Tensor:
        target = batch @ torch.tensor([[1.0], [-2.0], [0.5], [3.0]]) + 1
        loss = nn.functional.mse_loss(self.model(batch), target)
        self.losses[self.step] = float(loss.detach())
        return loss

    def fit(self, folder: Path, config: LoopConfig = CONFIG, rate: float = 0.02, **options: Any) -> History:
        groups = [(list(self.model.parameters()), rate)]
        make_batch = options.pop("make_batch", self.make_batch)
        return fit(
            self.model, self.compute_loss, make_batch, groups=groups, config=config, folder=folder, **options
        )

    def interrupted_at(self, step: int, *, saved_at: int | None = None) -> Callable[[int], Tensor]:
        """Batches until Ctrl-C at a step; the state was saved before step `saved_at`, that step if None."""
        saved_at = step if saved_at is None else saved_at

        def make_batch(number: int) -> Tensor:
            if number == step:
                raise KeyboardInterrupt
            loop.SAVE_EVERY_S = -1.0 if number == saved_at - 1 else 1e9
            return self.make_batch(number)

        return make_batch


@pytest.fixture(autouse=True)
def save_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the state when a test wants it to be saved; restore what `interrupted_at` sets."""
    monkeypatch.setattr(loop, "SAVE_EVERY_S", 1e9)


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def _assert_equal(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_loss_falls(tmp_path: Path) -> None:
    """A toy problem is learnt, and the history tells the course of the loss."""
    toy = _Toy()
    history = toy.fit(tmp_path, LONG)
    assert (history.step, history.stopped_by) == (160, "steps")
    assert [step for step, _ in history.losses] == [50, 100, 150, 160]
    first, *_, last = (loss for _, loss in history.losses)
    assert last < first / 3
    assert history.losses[0][1] == pytest.approx(sum(toy.losses[step] for step in range(50)) / 50, rel=1e-5)
    assert not toy.model.training


def test_same_seed_same_weights(tmp_path: Path) -> None:
    """Two runs with one seed end in the same weights; another seed ends in others."""
    first, second, other = _Toy(), _Toy(), _Toy()
    first.fit(tmp_path / "1")
    second.fit(tmp_path / "2")
    other.fit(tmp_path / "3", replace(CONFIG, seed=4))
    _assert_equal(second.model.state_dict(), first.model.state_dict())
    assert other.losses != first.losses


@pytest.mark.parametrize("average_decay", [None, 0.9])
@pytest.mark.parametrize("stop", [1, 49, 50, 59])
def test_resumed_run_is_the_same_run(tmp_path: Path, stop: int, average_decay: float | None) -> None:
    """A run stopped at any step and resumed has the losses, weights and history of one that was not."""
    config = replace(CONFIG, average_decay=average_decay)
    whole, parted = _Toy(), _Toy()
    expected = whole.fit(tmp_path / "whole", config)
    with pytest.raises(KeyboardInterrupt):
        parted.fit(tmp_path / "parted", config, make_batch=parted.interrupted_at(stop))
    resumed = _Toy()
    history = resumed.fit(tmp_path / "parted", config)
    assert min(resumed.losses) == stop
    assert parted.losses | resumed.losses == whole.losses
    assert history.losses == expected.losses
    _assert_equal(resumed.model.state_dict(), whole.model.state_dict())


def test_resumed_from_an_older_state(tmp_path: Path) -> None:
    """Steps made after the state was last saved are made again, with the same outcome."""
    whole, parted, resumed = _Toy(), _Toy(), _Toy()
    whole.fit(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        parted.fit(tmp_path / "parted", make_batch=parted.interrupted_at(45, saved_at=31))
    resumed.fit(tmp_path / "parted")
    assert min(resumed.losses) == 31
    assert parted.losses | resumed.losses == whole.losses
    _assert_equal(resumed.model.state_dict(), whole.model.state_dict())


def test_finished_run_is_not_run_again(tmp_path: Path) -> None:
    """Starting a finished run once more makes no step and gives its weights."""
    toy, again = _Toy(), _Toy()
    expected = toy.fit(tmp_path)
    history = again.fit(tmp_path)
    assert again.losses == {}
    assert history.losses == expected.losses
    _assert_equal(again.model.state_dict(), toy.model.state_dict())


def test_state_holds_no_code(tmp_path: Path) -> None:
    """The state is read as tensors and plain values, and lies beside the curve, in no checkpoint."""
    _Toy().fit(tmp_path)
    loaded = torch.load(tmp_path / "resume.pt", weights_only=True)
    assert loaded["history"]["step"] == 60
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curve.jsonl", "resume.pt"]


def test_curve(tmp_path: Path) -> None:
    """The curve has a row for each mean loss of the history; a fresh run starts it anew."""
    (tmp_path / "curve.jsonl").write_text("stale\n", encoding="utf-8")
    history = _Toy().fit(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["step"], row["loss"]) for row in rows] == history.losses


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 4},
        {"n_steps": 61},
        {"identity": "other data"},
        {"weight_decay": 0.5},
        {"average_decay": 0.9},
        {"precision": "bfloat16"},
        {"warmup_share": 0.5},
    ],
    ids=str,
)
def test_state_of_another_run(tmp_path: Path, changes: dict[str, Any]) -> None:
    """A folder with the state of another configuration is refused, and the message says what to do."""
    toy = _Toy()
    with pytest.raises(KeyboardInterrupt):
        toy.fit(tmp_path, make_batch=toy.interrupted_at(5))
    with pytest.raises(ConfigError, match=r"resume\.pt belongs to a run of another .*delete that file"):
        _Toy().fit(tmp_path, replace(CONFIG, **changes))


def test_state_of_another_rate_or_network(tmp_path: Path) -> None:
    """Another learning rate or another network is another run too."""
    _Toy().fit(tmp_path)
    with pytest.raises(ConfigError, match="another configuration"):
        _Toy().fit(tmp_path, rate=0.03)
    toy = _Toy()
    toy.model = nn.Sequential(nn.Linear(4, 9), nn.Linear(9, 1))
    with pytest.raises(ConfigError, match="another configuration"):
        toy.fit(tmp_path)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[], float]:
    """A clock that goes on by a second whenever it is read."""
    seconds = count()

    def monotonic() -> float:
        return float(next(seconds))

    monkeypatch.setattr(time, "monotonic", monotonic)
    return monotonic


def test_time_budget(clock: object, tmp_path: Path) -> None:
    """A run whose time is out stops there, with the rate at its end near zero."""
    toy = _Toy()
    rates = []
    step = torch.optim.AdamW.step

    def spy(self: torch.optim.AdamW, *arguments: Any) -> Any:
        rates.append(self.param_groups[0]["lr"])
        return step(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", spy)
        history = toy.fit(tmp_path, replace(CONFIG, n_steps=10_000, time_budget_s=200, warmup_share=0.001))
    assert history.stopped_by == "time"
    assert 20 < history.step < 200
    assert max(rates) == pytest.approx(0.02, rel=0.1)
    assert rates[-1] < 0.05 * 0.02


def test_more_time(clock: object, tmp_path: Path) -> None:
    """A run that the clock stopped goes on when it is given more time."""
    config = replace(CONFIG, time_budget_s=30)
    first = _Toy().fit(tmp_path, config)
    assert first.stopped_by == "time"
    second = _Toy().fit(tmp_path, replace(config, time_budget_s=60))
    assert second.step > first.step
    assert second.elapsed_s >= 60


def _scores_of(values: list[float]) -> Callable[[], dict[str, float]]:
    remaining = iter(values)
    return lambda: {"score": next(remaining)}


def test_best_weights_are_kept(tmp_path: Path) -> None:
    """The weights at the end are those of the best score; of equal scores the first."""
    toy = _Toy()
    seen: list[dict[str, Tensor]] = []
    scores = iter([10.0, 30.0, 30.0, 20.0])

    def evaluate() -> dict[str, float]:
        seen.append(_weights(toy.model))
        return {"score": next(scores), "other": 1.0}

    history = toy.fit(tmp_path, replace(CONFIG, evaluate_every=15), evaluate=evaluate)
    assert (history.best_step, history.best_score) == (30, 30.0)
    assert [entry["step"] for entry in history.scores] == [15, 30, 45, 60]
    assert history.scores[0]["other"] == 1.0
    _assert_equal(toy.model.state_dict(), seen[1])


def test_evaluation_changes_nothing(tmp_path: Path) -> None:
    """A run that is evaluated has the losses of one that is not, though its scores draw random numbers."""
    watched, unwatched = _Toy(), _Toy()

    def evaluate() -> dict[str, float]:
        torch.rand(7)
        assert not watched.model.training
        return {"score": 0.0}

    watched.fit(tmp_path / "1", replace(CONFIG, evaluate_every=7, average_decay=0.9), evaluate=evaluate)
    unwatched.fit(tmp_path / "2")
    assert watched.losses == unwatched.losses


@pytest.mark.parametrize(
    ("scores", "patience", "last"),
    [
        ([1.0, 2.0, 1.5, 1.9, 9.0], 2, 4),
        ([1.0, 1.0, 1.0, 9.0], 2, 3),
        ([3.0, 2.0, 9.0], 1, 2),
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 1, 6),
        ([6.0, 5.0, 4.0, 3.0, 2.0, 1.0], None, 6),
    ],
)
def test_patience(tmp_path: Path, scores: list[float], patience: int | None, last: int) -> None:
    """Training stops after `patience` evaluations without gain, equals being none."""
    config = replace(CONFIG, evaluate_every=10, patience=patience)
    history = _Toy().fit(tmp_path, config, evaluate=_scores_of(scores))
    assert len(history.scores) == last
    assert history.stopped_by == ("steps" if last == 6 else "patience")
    assert history.step == 10 * last


def test_resumed_run_remembers_its_scores(tmp_path: Path) -> None:
    """A resumed run keeps the best weights of before it was stopped, and counts patience on."""
    toy, resumed = _Toy(), _Toy()
    config = replace(CONFIG, evaluate_every=10, patience=3)
    best: list[dict[str, Tensor]] = []

    def evaluate() -> dict[str, float]:
        best.append(_weights(toy.model))
        return {"score": 9.0 - len(best)}

    with pytest.raises(KeyboardInterrupt):
        toy.fit(tmp_path, config, evaluate=evaluate, make_batch=toy.interrupted_at(25))
    history = resumed.fit(tmp_path, config, evaluate=_scores_of([1.0, 2.0, 3.0, 4.0]))
    assert [entry["score"] for entry in history.scores] == [8.0, 7.0, 1.0, 2.0]
    assert history.stopped_by == "patience"
    _assert_equal(resumed.model.state_dict(), best[0])


def test_average(tmp_path: Path) -> None:
    """With averaging the weights at the end are the moving average of those after each step."""
    toy = _Toy()
    average = _weights(toy.model)

    def make_batch(step: int) -> Tensor:
        if step > 0:
            _follow(step)
        return toy.make_batch(step)

    def _follow(step: int) -> None:
        decay = min(0.8, step / (step + 10))
        for name, value in toy.model.state_dict().items():
            average[name] = decay * average[name] + (1 - decay) * value

    config = replace(CONFIG, average_decay=0.8)
    toy.fit(tmp_path, config, make_batch=make_batch)
    plain = _Toy()
    plain.fit(tmp_path / "plain")
    for name, value in plain.model.state_dict().items():
        expected = 0.8 * average[name] + 0.2 * value
        torch.testing.assert_close(toy.model.state_dict()[name], expected, atol=1e-5, rtol=1e-4)
        assert not torch.equal(toy.model.state_dict()[name], value)


def test_averaged_weights_are_those_evaluated(tmp_path: Path) -> None:
    """With averaging, scores are the average's, and the best of the averages is kept."""
    toy = _Toy()
    seen: list[dict[str, Tensor]] = []

    def evaluate() -> dict[str, float]:
        seen.append(_weights(toy.model))
        return {"score": -abs(len(seen) - 2.0)}

    config = replace(CONFIG, evaluate_every=20, average_decay=0.9)
    toy.fit(tmp_path, config, evaluate=evaluate)
    _assert_equal(toy.model.state_dict(), seen[1])
    plain = _Toy()
    plain.fit(tmp_path / "plain", replace(CONFIG, average_decay=0.9))
    _assert_equal(plain.model.state_dict(), seen[2])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_loss_that_is_no_number(tmp_path: Path, value: float) -> None:
    """A loss that is not finite stops the run, and the message says what to change."""
    toy = _Toy()
    compute_loss = toy.compute_loss
    toy.compute_loss = lambda batch: compute_loss(batch) * value  # type: ignore[method-assign]
    with pytest.raises(
        ConfigError, match=r"the training loss is (nan|inf) at step 50.*lower the learning rates"
    ):
        toy.fit(tmp_path)


def test_weights_decay_but_biases_do_not(tmp_path: Path) -> None:
    """Weight decay shrinks matrices alone: without any gradient, biases stay."""
    toy = _Toy()
    before = _weights(toy.model)
    toy.compute_loss = lambda batch: 0.0 * compute_loss(batch)  # type: ignore[method-assign]
    compute_loss = _Toy.compute_loss.__get__(toy)
    toy.fit(tmp_path, replace(CONFIG, weight_decay=0.5))
    for name, value in toy.model.state_dict().items():
        assert torch.equal(value, before[name]) == ("bias" in name)


def test_groups_have_rates_of_their_own(tmp_path: Path) -> None:
    """A group with rate zero is not trained, the other is."""
    toy = _Toy()
    before = _weights(toy.model)
    first, last = toy.model[0], toy.model[2]
    groups = [(list(first.parameters()), 0.0), (list(last.parameters()), 0.02)]
    fit(toy.model, toy.compute_loss, toy.make_batch, groups=groups, config=CONFIG, folder=tmp_path)
    after = toy.model.state_dict()
    assert torch.equal(after["0.weight"], before["0.weight"])
    assert not torch.equal(after["2.weight"], before["2.weight"])


def test_half_precision(tmp_path: Path) -> None:
    """In bfloat16 the toy problem is learnt as well."""
    history = _Toy().fit(tmp_path, replace(LONG, precision="bfloat16"))
    assert history.losses[-1][1] < history.losses[0][1] / 3


def test_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """When the state cannot be saved the run stops with a clear error, and the older state stays whole."""
    toy = _Toy()
    with pytest.raises(KeyboardInterrupt):
        toy.fit(tmp_path, make_batch=toy.interrupted_at(5))

    def fail(_: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise RuntimeError("enforce fail: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", fail)
        with pytest.raises(OutputError, match="cannot save the state of training"):
            _Toy().fit(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["resume.pt"]
    resumed = _Toy()
    resumed.fit(tmp_path)
    assert min(resumed.losses) == 5


def test_loop_is_short() -> None:
    """The loop is one file that can be read in one go: at most 250 lines."""
    assert len(Path(str(loop.__file__)).read_text(encoding="utf-8").splitlines()) <= 250


def test_resumed_behind_an_evaluation(tmp_path: Path) -> None:
    """A state saved at a step that is evaluated holds the evaluation: none is missed or made twice."""
    scores = count()
    config = replace(CONFIG, evaluate_every=20)

    def evaluate() -> dict[str, float]:
        return {"score": float(next(scores))}

    parted, resumed = _Toy(), _Toy()
    with pytest.raises(KeyboardInterrupt):
        parted.fit(tmp_path, config, evaluate=evaluate, make_batch=parted.interrupted_at(20))
    history = resumed.fit(tmp_path, config, evaluate=evaluate)
    assert [entry["step"] for entry in history.scores] == [20, 40, 60]
    assert [entry["score"] for entry in history.scores] == [0, 1, 2]


def test_curve_has_each_step_once(tmp_path: Path) -> None:
    """Steps that are made again after an interruption do not stand in the curve twice."""
    parted, resumed = _Toy(), _Toy()
    with pytest.raises(KeyboardInterrupt):
        parted.fit(tmp_path, LONG, make_batch=parted.interrupted_at(120, saved_at=60))
    resumed.fit(tmp_path, LONG)
    rows = [json.loads(line) for line in (tmp_path / loop.CURVE_FILE).read_text().splitlines()]
    assert [row["step"] for row in rows] == [50, 100, 150, 160]


def test_damaged_state(tmp_path: Path) -> None:
    """A resume state that is cut or overwritten is refused with what to do."""
    (tmp_path / loop.STATE_FILE).write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(ConfigError, match="delete that file"):
        _Toy().fit(tmp_path)


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    """A run's folder that is a file is an error of the output, not a traceback of the file system."""
    (tmp_path / "run").write_text("")
    with pytest.raises(OutputError, match="cannot"):
        _Toy().fit(tmp_path / "run")


def test_end_by_the_clock_is_scored(tmp_path: Path) -> None:
    """Weights on which the clock ends a run are evaluated, so that they can win."""
    config = replace(LONG, evaluate_every=100, time_budget_s=0.05)
    history = _Toy().fit(tmp_path, config, evaluate=lambda: {"score": 1.0})
    assert history.stopped_by == "time"
    assert history.scores[-1]["step"] == history.step


def test_log_tells_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has a line now and then, and one at the last step."""
    with caplog.at_level("INFO", logger=loop.__name__):
        _Toy().fit(tmp_path / "a")
        monkeypatch.setattr(loop, "TELL_EVERY_S", 0.0)
        _Toy().fit(tmp_path / "b")
    lines = [record.getMessage() for record in caplog.records]
    assert [line for line in lines if line == "trained 60 of 60 steps"] == ["trained 60 of 60 steps"] * 2
    assert "trained 7 of 60 steps" in lines
