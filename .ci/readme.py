#!/usr/bin/env python3
"""Write README.md from nbs/index.ipynb, with nbdev's own rules for what a page shows, and without Quarto; and the pictures of the chapters."""
import re
from pathlib import Path

import yaml
from execnb.nbio import read_nb
from nbdev.processors import FilterDefaults

import pictures

root = Path(__file__).resolve().parent.parent


def title(cell):
    "The title and description that nbdev has made a front matter of"
    meta = next(yaml.safe_load_all(cell.source.strip().strip('-')))
    return f"# {meta['title']}\n\n> {meta['description']}"


def output(o):
    "One output of a cell, as markdown"
    if 'text/html' in o.get('data', {}) and 'text/markdown' not in o.data: return ''  # for the site only
    text = ''.join(o.get('text', '')) if o.output_type == 'stream' else ''.join(o.data.get('text/markdown', o.data.get('text/plain', '')))
    markdown = o.output_type != 'stream' and 'text/markdown' in o.data
    return text.strip() if markdown else '\n'.join('    ' + l if l else '' for l in text.rstrip().splitlines())


def part(cell):
    "What a cell contributes to the page"
    if cell.cell_type == 'raw': return title(cell)
    if cell.cell_type == 'markdown': return cell.source.strip()
    lines = cell.source.splitlines()
    code = '\n'.join(l for l in lines if not l.startswith('#|')).strip()
    shown = [] if any(re.match(r'#\|\s*echo:\s*false', l) for l in lines) or not code else [f'```python\n{code}\n```']
    return '\n\n'.join(shown + [output(o) for o in cell.get('outputs', [])])


def main():
    pictures.main()
    nb = read_nb(root/'nbs'/'index.ipynb')
    FilterDefaults()(nb)
    page = '\n\n'.join(p for c in nb.cells if c.get('source') and (p := part(c)))
    page = re.sub(r'^:::.*$|\{\.[^}\n]*\}|<!-- -->', '', page, flags=re.M)  # what only the site lays out
    page = re.sub(r'^<(?:link|script|/?div)\b.*$', '', page, flags=re.M)
    page = re.sub(r'\n{3,}', '\n\n', page)
    page = re.sub(r'\]\((?!https?:|#)', '](nbs/', page)  # links and pictures are relative to the notebook
    (root/'README.md').write_text(page + '\n', encoding='utf-8')


if __name__ == '__main__': main()
