"""The notebooks, which are run from top to bottom."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))

# What a notebook leaves where it is run.
WRITTEN = {
    "archive_to_pictures": ("map.html", "timeline.html", "years.png", "network.png"),
    "extract_and_explore": (),
    "retrain_and_read_the_report": ("corrected.jsonl", "runs/notebook/report.html"),
}

by_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@by_notebook
def test_notebooks_hold_no_output(path: Path) -> None:
    """A notebook is stored without results, which would go stale, and which hold the article's text."""
    for cell in read(path).cells:
        assert not cell.get("outputs"), cell.id
        assert cell.get("execution_count") is None, cell.id


@by_notebook
@pytest.mark.filterwarnings("ignore::DeprecationWarning:(zmq|jupyter_client|jupyter_core|nbclient).*")
def test_notebooks_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook runs offline, raises nothing, and writes only where it is run."""
    monkeypatch.setenv("LIBYAEVENTS_OFFLINE", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    # The kernel starts elsewhere; it is to load what is tested here.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = read(path)
    folder = tmp_path / "work"
    folder.mkdir()
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(folder)}}).execute()
    assert [name for name in WRITTEN[path.stem] if not (folder / name).is_file()] == []
    warned = [output for cell in notebook.cells for output in cell.get("outputs", ()) if is_warning(output)]
    assert warned == []


def read(path: Path) -> nbformat.NotebookNode:
    """The notebook in a file."""
    notebook: nbformat.NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def is_warning(output: nbformat.NotebookNode) -> bool:
    """Whether an output is a warning of the kernel's Python, printed or shown."""
    text = output.get("text") or output.get("data", {}).get("text/plain", "")
    return "Warning: " in text
