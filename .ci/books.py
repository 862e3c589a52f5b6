"""Where the notebooks are: chapters in `nbs`, machinery and exercises in folders below it."""
from pathlib import Path

root = Path(__file__).resolve().parent.parent


def books():
    "Every notebook of the project, chapters first"
    found = [p for p in (root/'nbs').rglob('*.ipynb') if not any(q.startswith(('.', '_')) for q in p.relative_to(root).parts)]
    return sorted(found, key=lambda p: (len(p.parts), p))


def name(path):
    "What to call a notebook: its path below `nbs`"
    return str(path.relative_to(root/'nbs'))
