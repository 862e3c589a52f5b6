#!/usr/bin/env python3
"""What the site has besides the notebooks. Quarto calls this in the folder of the processed notebooks, before and after it renders.

Before: a page of reference for each module of `groundup`, and the picture that is shown where somebody shares a link.
After: links to names, and `llms.txt`, the site as plain text, chapter by chapter.
"""
import importlib, inspect, json, os, re, sys
from pathlib import Path

import yaml
from fastcore.docments import docments
from nbdev.config import get_config

from books import books, name as book_name
import kit, slim
from checks import anchor

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root))
cfg, empty = get_config(path=root), inspect.Parameter.empty


def modules():
    "Module name → notebook, for every module that a notebook makes"
    from groundup._modidx import d
    found = {re.sub(r'^\d+_', '', p.stem): p for p in books() if p.parent.name != 'exercises'}
    return {n: p for n, p in found.items() if f'groundup.{n}' in d['syms']}


def plain(obj):
    "The Python function inside what numba or functools has made of it"
    for inner in ('py_func', '_defn', '__wrapped__'): obj = getattr(obj, inner, obj)
    return obj


def kind(obj):
    "What sort of thing is documented, or None for a plain value"
    return 'class' if isinstance(obj, type) else 'def' if hasattr(plain(obj), '__code__') else None


def cell(text):
    "Text that can stand in a cell of a table"
    return str(text).replace('|', '\\|').replace('\n', ' ') if text not in (None, empty) else ''


def anno(a):
    "A type, as written"
    return '' if a in (None, empty) else f'`{a if isinstance(a, str) else getattr(a, "__name__", str(a))}`'


def default(v):
    "A default, as a reader would write it"
    if v is empty: return '*required*'
    return f'`{getattr(v, "__name__", None) or repr(v)}`'


class Names:
    "Every public name of the package, so that names in texts become links"
    def __init__(self, mods):
        self.page = {}
        for m in mods:
            for n in importlib.import_module(f'groundup.{m}').__all__: self.page.setdefault(n, f'{m}.qmd#{n}')

    def link(self, text, own=''):
        "Text with each `name` as a link"
        f = lambda m: f'[`{m[1]}`]({self.page[m[1]]})' if m[1] in self.page and m[1] != own else m[0]
        return re.sub(r'(?<!\[)`([A-Za-z_][A-Za-z_0-9]*)(?:\(\))?`', f, text or '')


def table(obj, names, own):
    "The parameters of `obj` and what it returns, as a table"
    try: params = inspect.signature(obj).parameters
    except ValueError: return []  # a class that adds nothing to its base
    docs = docments(obj, full=True, returns=True)
    rows = [(k, v) for k, v in docs.items() if k not in ('return', 'self')]
    star = {inspect.Parameter.VAR_POSITIONAL: '*', inspect.Parameter.VAR_KEYWORD: '**'}
    lines = [f"| `{star.get(params[k].kind, '') if k in params else ''}{k}` | {cell(anno(v['anno']))} | "
             f"{'' if k in params and params[k].kind in star else cell(default(v['default']))} | {names.link(cell(v['docment']), own)} |" for k, v in rows]
    ret = docs.get('return') or {}
    # fastcore reads the comment on a result only where there is an annotation
    said = ret.get('docment') or not isinstance(obj, type) and (re.search(r'^\)\s*(?:->[^#\n]*)?:\s*#\s*(.+)$', inspect.getsource(obj), flags=re.M) or [None, None])[1]
    if not isinstance(obj, type) and (said or ret.get('anno') not in (None, empty)):
        lines.append(f"| **returns** | {cell(anno(ret.get('anno')))} | | {names.link(cell(said), own)} |")
    return ['| | type | default | |', '|:--|:--|:--|:--|', *lines, '', ': {tbl-colwidths="[18,16,16,50]"}', ''] if lines else []


def value(v):
    "A constant as text that is the same in each build: no addresses, and sets in order"
    return re.sub(r' at 0x[0-9a-f]+', '', repr(sorted(v) if isinstance(v, (set, frozenset)) else v))


def signature(name, obj):
    "The head of a function or class, as Python would have it"
    try: sig = inspect.signature(obj)
    except (TypeError, ValueError): return f'{name}(...)'
    parts = [str(p.replace(annotation=empty)).replace('<function ', '').split(' at 0x')[0] for p in sig.parameters.values()]
    one = f"{name}({', '.join(parts)})"
    return one if len(one) < 88 else f"{name}(\n    " + ',\n    '.join(parts) + ',\n)'


def output(c):
    "What a cell showed as text, or None"
    texts = [''.join(o.get('text', '') if o['output_type'] == 'stream' else o.get('data', {}).get('text/plain', '')) for o in c['outputs']]
    drawn = any(k.startswith('image/') or k == 'text/markdown' for o in c['outputs'] for k in o.get('data', {}))
    text = '\n'.join(texts).rstrip()
    return None if drawn or not text or len(text.splitlines()) > 14 else text


def example(cells, name):
    "The shortest cell of the chapter that calls `name` and shows text, and the heading it stands under"
    heading, defined, found = '', False, []
    for c in cells:
        src = ''.join(c['source'])
        if c['cell_type'] == 'markdown':
            for m in re.findall(r'^##+ (.+)$', src, flags=re.M): heading = m
        elif c['cell_type'] == 'code':
            if re.search(rf'^(def|class) {name}\b', src, flags=re.M): defined = True
            elif defined and not re.match(r'#\| *(hide|export|exports|echo|cuda|notest)', src) and re.search(rf'\b{name}\(', src) and output(c):
                code = '\n'.join(l for l in src.splitlines() if not l.startswith('#|')).strip()
                if len(code.splitlines()) <= 8: found.append((len(code), code, output(c), heading))
    return min(found)[1:] if found else None


def symbol(mod, name, obj, book, cells, names):
    "The entry of one function or class"
    fn = plain(obj)
    try: line = inspect.getsourcelines(fn)[1]
    except OSError: line = 1 + inspect.getsource(importlib.import_module(f'groundup.{mod}')).partition(f'\n{name} =')[0].count('\n') + 1  # a named tuple
    source = f'{cfg.git_url}/blob/{cfg.branch}/groundup/{mod}.py#L{line}'
    doc = inspect.cleandoc(fn.__doc__ or '') if not (isinstance(fn, type) and (fn.__doc__ or '').startswith(fn.__name__ + '(')) else ''
    told = any(re.match(r'#\| *exports?\b', ''.join(c['source'])) and re.search(rf'^(def|class) {name}\b', ''.join(c['source']), flags=re.M) for c in cells)
    chapter = f'../{book_name(book)}' + (f'#{name.lower()}' if told else '')
    out = [f'## {name} {{#{name}}}', '', f'::: {{.symbol-links}}\n[source]({source}) [in the chapter]({chapter})\n:::', '',
           f'```python\n{"class " if isinstance(fn, type) else ""}{signature(name, fn)}\n```', '', names.link(doc, name), '']
    out += table(fn, names, name)
    if isinstance(fn, type):
        methods = [(k, v) for k, v in vars(fn).items() if not k.startswith('_') and (inspect.isfunction(v) or isinstance(v, (property, classmethod, staticmethod)))]
        for k, v in methods:
            f = v.fget if isinstance(v, property) else getattr(v, '__func__', v)
            said = names.link(inspect.cleandoc(f.__doc__ or ''), name).replace('\n', ' ')
            out += [f'- []{{#{name}.{k}}}`.{k if isinstance(v, property) else signature(k, f)}`' + (f': {said}' if said else '')]
        out.append('')
    if ex := example(cells, name):
        code, shown, heading = ex
        where = f', from [{heading}](../{book_name(book)}#{anchor(heading)})' if heading else ''
        out += [f'Example{where}:', '', f'```python\n{code}\n```', '', f'::: {{.cell-output}}\n```\n{shown}\n```\n:::', '']
    return out


def page(mod, book, names):
    "The page of one module"
    m = importlib.import_module(f'groundup.{mod}')
    cells = json.loads(book.read_text())['cells']
    named = [(n, getattr(m, n)) for n in m.__all__]
    values = [(n, v) for n, v in named if kind(v) is None]
    out = ['---', f'title: "`groundup.{mod}`"', f'pagetitle: groundup.{mod}', f'description: {json.dumps(m.__doc__ or "")}', 'order: ' + (book.name[:2] if book.name[0].isdigit() else '50'), 'repo-actions: false', '---', '',
           f"Explained and tested in [{'chapter ' + str(int(book.name[:2])) if book.name[0].isdigit() else book_name(book).removesuffix('.ipynb')}](../{book_name(book)}).", '']
    for n, v in named:
        if kind(v): out += symbol(mod, n, v, book, cells, names)
    if values:
        out += ['## Values', '', '| name | value |', '|:--|:--|']
        out += [f'| []{{#{n}}}`{n}` | `{cell(value(v)) if len(value(v)) < 90 else cell(value(v)[:80]) + "…"}` |' for n, v in values] + ['']
    return '\n'.join(out)


def index(mods):
    "The first page of the reference: every function, in one line"
    out = ['---', 'title: Reference', 'description: Every function and class of the package, in one line each.', 'order: -1', 'repo-actions: false', '---', '']
    for mod, book in mods.items():
        m = importlib.import_module(f'groundup.{mod}')
        out += [f'## [`groundup.{mod}`]({mod}.qmd) {{#{mod}}}', '', '| | |', '|:--|:--|']
        for n in m.__all__:
            if kind(v := getattr(m, n)):
                doc = plain(v).__doc__ or ''
                doc = '' if doc.startswith(n + '(') else doc.strip().splitlines()[0] if doc.strip() else ''
                out.append(f'| [`{n}`]({mod}.qmd#{n}) | {cell(doc)} |')
        out += ['', ': {tbl-colwidths="[32,68]"}', '']
    return '\n'.join(out)


def exercises():
    "A page that lists every exercise: what it asks, where the book uses it, and a link to where it can be tried"
    from groundup.checker import CHAPTERS
    from groundup.practice import exercise, titles
    here = kit.CHAPTERS if kit.fetch() else ()
    out = ['---', 'title: Exercises', f'description: "Every exercise of the book.{" Those of chapters 1, 2, 3, 7 and 9 run on the page, with nothing to install."*bool(here)}"', 'toc-depth: 2', 'repo-actions: false', '---', '',
           'What you have solved in this browser gets a tick. At home, `groundup practice` keeps a progress of its own, and `groundup practice open loops-1` writes a task into a file.', '',
           '::: {#exercises-done}', ':::', '']
    for chapter, stem in CHAPTERS.items():
        ids, book = [i for i in titles() if i.rpartition('-')[0] == chapter], root/'nbs'/f'{stem}.ipynb'
        if not ids: continue
        text, number = book.read_text(encoding='utf-8') if book.exists() else '', stem.partition('_')[0]
        where = 'on the page' if chapter in here else 'in Colab or at home'
        out += [f'## {int(number)} {chapter.upper() if chapter in ("cuda", "gemm") else chapter.capitalize()} {{#{chapter}}}', '', f'*{where}*', '']
        for i in ids:
            e = exercise(i)
            stop = '.' if e.title[-1] not in '?!' else ''
            title = f'[**{i}: {e.title}**]({book.name}#{i}){stop}' if f"exercise('{i}')" in text else f'**{i}: {e.title}** (`groundup practice open {i}`).'
            out += [f'::: {{#{i} .exercise-item data-exercise="{i}"}}', f"{title} {re.split(r'(?<=[.?!]) ', e.task)[0]}" + (f' _In the book: {e.used}._' if e.used else ''), ':::', '']
    return '\n'.join(out)


def card(results, path):
    "The picture that is shown where somebody shares a link: every rung of the published ladder, 1200×630"
    if path.exists() and path.stat().st_mtime > results.stat().st_mtime: return
    import matplotlib
    matplotlib.use('agg')
    from matplotlib import pyplot as plt
    from groundup.core import show_time
    from groundup.plots import accent
    rungs = [r for r in json.loads(results.read_text())['rungs'] if not r['skipped']]
    times = [r['seconds']/r['rows'] for r in rungs]
    paper, words = '#16181c', '#e8e6e1'
    with plt.rc_context({'svg.fonttype': 'path', 'font.family': 'DejaVu Sans'}):
        fig = plt.figure(figsize=(12, 6.3), dpi=100, facecolor=paper)
        fig.text(.06, .8, 'groundup', color=words, size=54, weight='bold')
        fig.text(.06, .69, 'One matrix product, from three Python loops\nto the limit of the hardware. A book that runs.', color=words, size=21, linespacing=1.5, va='top')
        ax = fig.add_axes([.06, .08, .78, .36], facecolor='none')
        ax.scatter(times, range(len(times)), s=130, color=accent)
        ax.plot(times, range(len(times)), color=accent, alpha=.35, lw=2)
        ax.set(xscale='log', yticks=[], xticks=[])
        ax.minorticks_off()
        ax.invert_yaxis()
        ax.invert_xaxis()
        for s in ax.spines.values(): s.set_visible(False)
        for i, off in ((0, (-8, 16)), (-1, (22, -7))): ax.annotate(f'{show_time(times[i])} a row', (times[i], range(len(times))[i]), off, textcoords='offset points', color=words, size=18, annotation_clip=False)
        path.parent.mkdir(exist_ok=True)
        fig.savefig(path, facecolor=paper)
        plt.close(fig)


def write(path, text):
    "Write only what is new, so that a preview does not render all again"
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text() != text: path.write_text(text)


def folds(folder):
    "nbdev opens exported cells; one that says itself how it is to be folded keeps its own words"
    for p in folder.rglob('*.ipynb'):
        book = json.loads(p.read_text())
        for c in book['cells']:
            src = ''.join(c['source'])
            if c['cell_type'] == 'code' and src.count('#| code-fold:') > 1:
                c['source'] = re.sub(r'#\| code-fold: show\n#\| code-summary: "Exported source"\n', '', src, count=1).splitlines(True)
        write(p, json.dumps(book, ensure_ascii=False, indent=1) + '\n')


def before(folder):
    folds(folder)
    mods = modules()
    names = Names(mods)
    for mod, book in mods.items(): write(folder/'reference'/f'{mod}.qmd', page(mod, book, names))
    write(folder/'reference'/'index.qmd', index(mods))
    write(folder/'exercises.qmd', exercises())
    card(root/'nbs'/'results'/'ladder.json', folder/'site'/'card.png')


def aim(out):
    "A link that nbdev makes of a name leads to the name's heading; where a name has none (a helper, a method), it leads to the page. None within a link, none to exercises, which have no pages"
    pages = {p: p.read_text() for p in out.rglob('*.html')}
    ids = {p: set(re.findall(r'\bid="([^"]+)"', text)) for p, text in pages.items()}
    for p, text in pages.items():
        def mend(m):
            to = (p.parent/m[1]).resolve() if m[1] else p
            return f'<a href="{m[1]}"' if m[1] and to in ids and m[2] not in ids[to] else m[0]
        new = re.sub(r'<a href="([^"#:]*)#([^"]+)"(?=[^>]*>(?:<code>|in the chapter|reference<))', mend, text)
        new = re.sub(r'\[(<code>[^<]*</code>)\]\(http[^)]*\)|<a href="[^"]*\bexercises/\w+\.html#[^"]*"[^>]*>(<code>.*?</code>)</a>', r'\1\2', new)
        if new != text: p.write_text(new)


def answer(out):
    "The program for editors and Python, on the pages that have something to try or to tick"
    for p in out.rglob('*.html'):
        text = p.read_text()
        if not re.search(r'data-(exercise|run)=', text): continue
        to = os.path.relpath(out/'python'/'page.js', p.parent)
        p.write_text(text.replace('</body>', f'<script type="module" src="{to}"></script>\n</body>', 1))


def after(folder, out):
    "`llms.txt`, in the order of the sidebars. Quarto has written each page as text, but under the name of its notebook, and lists only the others"
    aim(out.resolve())
    if kit.build(out.resolve()): answer(out.resolve())
    for p in out.glob('[0-9]*.llms.md'): p.rename(out/re.sub(r'^\d+_', '', p.name))
    site, meta = (yaml.safe_load((folder/f).read_text())['website'] for f in ('_quarto.yml', 'nbdev.yml'))
    lines = [f"# {meta['title']}", '', f"> {meta['description']}", '']
    def add(title, href):
        page = re.sub(r'^(\d+_)?(.+)\.(ipynb|qmd)$', r'\2.llms.md', href)
        if (out/page).exists(): lines.append(f"- [{title}]({meta['site-url']}/{page})")
    for item in site['sidebar'][0]['contents']:
        if 'section' not in item: add(item['text'], item['href'])
        else:
            lines.extend(['', f"## {item['section']}", ''])
            for e in item['contents']: add(e['text'], e['href'])
    lines += ['', '## Reference', '']
    for mod in modules(): add(f'groundup.{mod}', f'reference/{mod}.qmd')
    (out/'llms.txt').write_text('\n'.join(lines) + '\n')
    slim.slim(out, meta['site-url'])


def main():
    folder = Path.cwd()
    if 'QUARTO_PROJECT_OUTPUT_FILES' in os.environ: after(folder, Path(os.environ['QUARTO_PROJECT_OUTPUT_DIR']))
    else: before(folder)


if __name__ == '__main__': main()
