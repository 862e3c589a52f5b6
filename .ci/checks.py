"""All checks of the project, in an empty virtual environment: `.ci/run` calls this, and so do the workflows on GitHub.

With --site: only the site, built and looked at in the environment at hand, as the workflow `docs` does.
Each check prints one line; the output of one that fails follows it. The last line counts the cells of the notebooks
(and checks that failed, as failures), after the reasons for which cells were skipped.
"""
import ast, json, os, re, shlex, shutil, subprocess, sys, tempfile, time, venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from books import books, name, root

minutes, failed, last, running = 60, [], [], set()
COLAB = '![ "$COLAB_RELEASE_TAG" ] && pip install -q git+https://github.com/groundup-book/groundup'
CELLS = 'slow cells in Jupyter, without digits and network'
SILENT = r'(test_\w+|check_\w+|set_\w+|setstate|house_style|cleanup|close|rmtree|contract|same\w*|refused|gpu_table|\w+_agrees|matmul_gemm|compare_with_numba)'  # calls that show nothing


def run(name, command, limit=15*minutes, cwd=root, show=None, **env):
    "Run a bash command as a check; return whether it succeeded, and what it printed"
    start = time.time()
    proc = subprocess.Popen(['bash', '-c', command], cwd=cwd, env={**os.environ, **env}, text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    running.add(proc)
    try: out, why = proc.communicate(timeout=limit)[0], f'status {proc.returncode}'
    except subprocess.TimeoutExpired:
        os.killpg(proc.pid, 9)
        out, why = proc.communicate()[0], f'not done after {limit} s, stopped'
    running.remove(proc)
    good = proc.returncode == 0
    said = [f"{'ok    ' if good else 'FAILED'}  {name}  ({time.time()-start:.0f} s)" + ('' if good else f'  {why}')]
    lines = [l for l in out.splitlines() if not re.match(r' *(Processing|Collecting|Downloading|WARNING: Location|Requirement already|━)', l)]
    if show or not good: said += ['        ' + l for l in lines[-80:]]
    print('\n'.join(said) + '\n', end='', flush=True)
    if not good: failed.append(name)
    if not good: last.append('\n        '.join([f'{name} ended with:', *lines[-25:]]))
    return good, out


def must(name, condition, why=''):
    "Report a check that has been made already"
    print(f"{'ok    ' if condition else 'FAILED'}  {name}" + ('' if condition else f'\n        {why}'), flush=True)
    if not condition: failed.append(name)


def environment(folder):
    "Make an empty virtual environment; return the variables that activate it"
    venv.create(folder, with_pip=True)
    return dict(PATH=f'{folder}/bin:{os.environ["PATH"]}', VIRTUAL_ENV=str(folder))


def clean(name):
    "Is git clean?"
    out = subprocess.run(['git', 'status', '--porcelain'], cwd=root, text=True, capture_output=True).stdout.strip()
    diff = subprocess.run(['git', 'diff', '--stat'], cwd=root, text=True, capture_output=True).stdout
    must(name, not out, f'these files differ from what is committed:\n{out}\n{diff}')


def readme_command(end):
    "The command of the README that ends so, word for word"
    return next(l.strip() for l in (root/'README.md').read_text().splitlines() if l.strip().endswith(end))


def notebooks():
    "Directives and pictures, which no tool below looks at"
    directive, silent = re.compile(r'^#\|'), []
    def mixed(src):
        if re.search(r'^#\| *(export|exports|exporti|eval: *false)\b', src, flags=re.M) or re.search(r'^[!%]|nbdev_export\(\)', src, flags=re.M): return False
        nodes = list(ast.walk(ast.parse(src)))
        return any(isinstance(n, (ast.Import, ast.ImportFrom)) for n in nodes) and any(isinstance(n, (ast.Expr, ast.Assign)) for n in nodes)
    def shows(src):
        if re.search(r'^#\| *(notest|cuda|eval: *false)\b|^[!%]', src, flags=re.M) or src.rstrip().endswith(';'): return False
        last = (ast.parse(src).body or [None])[-1]
        called = ast.unparse(last.value.func).split('.')[-1] if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call) else ''
        return isinstance(last, ast.Expr) and not isinstance(last.value, ast.IfExp) and not re.fullmatch(SILENT, called)
    for path in books():
        cells = json.loads(path.read_text())['cells']
        skips = 'skip_showdoc: true' in ''.join(cells[0]['source'])
        for i, c in enumerate(cells):
            src = ''.join(c['source'])
            if c['cell_type'] != 'code': continue
            lines = src.splitlines()
            late = [l for n, l in enumerate(lines) if directive.match(l) and not all(directive.match(m) for m in lines[:n])]
            if late: silent.append(f'{name(path)}, cell {i}: the directive {late[0]!r} is not at the top, so it does nothing')
            if any(o['output_type'] == 'error' for o in c['outputs']): silent.append(f'{name(path)}, cell {i}: a stored output is an error')
            if shows(src) and 'nbdev_export()' not in src and not c['outputs']:
                silent.append(f'{name(path)}, cell {i}: no output is stored: execute the notebook and save it, or end the cell with ; if it shows nothing')
            if mixed(src) and not skips: silent.append(f'{name(path)}, cell {i}: imports beside other code, which nbdev runs when it makes the docs')
            if any('image/svg+xml' in o.get('data', {}) or 'image/png' in o.get('data', {}) for o in c['outputs']) and '#| fig-alt:' not in src:
                silent.append(f'{name(path)}, cell {i}: a picture without `#| fig-alt:`')
    must('directives at the top of cells, outputs stored, alt text for pictures', not silent, '\n        '.join(silent))


def anchor(heading):
    "The id that Quarto gives to a heading"
    return re.sub(r'^[^a-z]+', '', re.sub(r'[^\w\-. ]', '', heading.strip().lower()).replace(' ', '-'))


def tested(path):
    "How many cells of a notebook `nbdev_test` runs"
    flag = re.compile(r'^#\| *(notest|cuda|slow|eval: *false)\b', flags=re.M)
    cells = [''.join(c['source']) for c in json.loads(path.read_text())['cells'] if c['cell_type'] == 'code']
    return sum(bool(src.strip()) and 'nbdev_export(' not in src and not flag.search(src) for src in cells)


def links():
    "Links from notebook to notebook: is the file there, and the heading?"
    pages = {p: '\n'.join(''.join(c['source']) for c in json.loads(p.read_text())['cells'] if c['cell_type']=='markdown') for p in books()}
    shown = {p: re.findall(r"exercise\('([\w-]+)'\)", p.read_text()) for p in pages}  # each is a place on its page
    ids = {p: {'', *shown[p], *map(anchor, re.findall(r'^#+ (.*?)(?: *\{#[^}]*\})?$', text, flags=re.M)), *re.findall(r'\{#([\w.-]+)', text),
               *('on-the-page-' + kind for kind in re.findall(r'<div data-(?:play|run)="(\w+)"', text))} for p, text in pages.items()}
    dead = [f'{name(p)}: {file}#{heading}' for p, text in pages.items()
            for file, heading in re.findall(r'\]\(((?:\.\./)*[\w/]*\.ipynb)?(?:#([^)]*))?\)', text) if heading not in ids.get((p.parent/file).resolve() if file else p, ())]
    must('links between notebooks', not dead, '\n        '.join(dead))


def house():
    "No circle of imports, each public name once, backstage on the standard library where it says so, lines that fit"
    def about(path):
        tree = ast.parse(path.read_text())
        imports = {n.module.partition('.')[0] if n.module else a.name for n in tree.body if isinstance(n, ast.ImportFrom) and n.level for a in n.names}
        names = [ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign) and getattr(n.targets[0], 'id', '') == '__all__'] if path.parent.name == 'groundup' else []
        return imports, names[0] if names else []
    files = [p for p in sorted((root/'groundup').rglob('*.py')) if p.stem not in ('_modidx', '__init__')]
    known = {p.stem: about(p) for p in files if p.parent.name == 'groundup'}
    wrong, done = [], set()
    def walk(m, way):
        if m in way: wrong.append('a circle of imports: ' + ' → '.join([*way[way.index(m):], m]))
        elif m in known and m not in done:
            for other in known[m][0]: walk(other, [*way, m])
            done.add(m)
    for m in known: walk(m, [])
    homes = {}
    for m, (_, names) in known.items():
        for n in names: homes.setdefault(n, []).append(m)
    wrong += [f'{n} is public in {" and ".join(ms)}' for n, ms in homes.items() if len(ms) > 1]
    wrong += [f'{p.relative_to(root)}:{i}: {len(l)} characters' for p in files for i, l in enumerate(p.read_text().splitlines(), 1) if len(l) > 160]
    must('no circle of imports, each public name once, lines of at most 160 characters', not wrong, '\n        '.join(wrong))


def compiled(env):
    "Where numba has kept what `nbdev_test` compiled"
    return subprocess.run([f"{env['VIRTUAL_ENV']}/bin/python", '-c', 'from groundup.vectors import code_folder; print(code_folder())'], cwd=root, text=True, capture_output=True).stdout.strip()


def docs(env, work):
    "The notebooks as the docs take them; without Quarto an empty command of that name keeps nbdev from installing it"
    if not shutil.which('quarto'):
        (work/'bin').mkdir()
        (work/'bin'/'quarto').write_text('#!/bin/sh\n')
        (work/'bin'/'quarto').chmod(0o755)
        env = {**env, 'PATH': f"{env['PATH']}:{work/'bin'}"}
    good, out = run('nbdev_proc_nbs', 'rm -rf _proc && nbdev_proc_nbs', 10*minutes, **env)
    if good: must('no warning in nbdev_proc_nbs', 'Warning' not in out, out)


def layout():
    "Does the site hold together? Every page in the sidebar, every chapter on the home page and ready for Colab, headings in order, pictures there and described"
    config, wrong = (root/'_quarto.yml').read_text(), []
    front = ''.join(''.join(c['source']) for c in json.loads((root/'nbs'/'index.ipynb').read_text())['cells'])
    for path in books():
        cells = json.loads(path.read_text())['cells']
        chapter = path.parent.name == 'nbs' and path.name[0].isdigit()
        if f'href: {name(path)}' not in config and path.parent.name != 'exercises': wrong.append(f'{name(path)} is not in the sidebar of _quarto.yml')
        if chapter and f'({path.name})' not in front: wrong.append(f'{name(path)} is not on the home page')
        if chapter and not any(COLAB in ''.join(c['source']) for c in cells): wrong.append(f'{name(path)} cannot run on Colab; its second cell should be:\n#| hide\n{COLAB}')
        if chapter and not any('#| headline:' in ''.join(c['source']) for c in cells): wrong.append(f'{name(path)}: no cell says `#| headline:`, so its page opens without a picture')
        text = '\n'.join(re.sub(r'^(```|~~~).*?^\1', '', ''.join(c['source']), flags=re.M|re.S) for c in cells if c['cell_type'] == 'markdown')
        levels = [len(h) for h in re.findall(r'^(#{1,6}) ', text, flags=re.M)]
        if levels[:1] != [1] or levels.count(1) != 1: wrong.append(f'{name(path)}: it should have one title (#), at the top')
        wrong += [f'{name(path)}: a heading of level {b} under one of level {a}' for a, b in zip(levels, levels[1:]) if b > a+1]
        for alt, to in re.findall(r'!\[([^]]*)\]\(([^) ]+)', text):
            if not alt.strip(): wrong.append(f'{name(path)}: the picture {to} has no description')
            if not to.startswith('http') and not (path.parent/to).exists(): wrong.append(f'{name(path)}: there is no picture {to}')
    must('sidebar, home page, Colab, headings, pictures', not wrong, '\n        '.join(wrong))


def site(env):
    "Build the site and look at it in a browser, where Quarto is installed. With --site, what the browser needs must be there"
    if not shutil.which('quarto'): return print('        no Quarto here, so the site is neither built nor looked at', flush=True)
    whole = '--site' in sys.argv
    good, out = run('the site, in Quarto', 'rm -rf _proc _docs && nbdev_proc_nbs && cd _proc && quarto render --no-execute && mv _docs ..', 15*minutes, **env)
    if not good: return
    said = re.findall(r'^.*\b(?:WARN|WARNING|ERROR)\b.*$', out, flags=re.M)
    must('no warning when the site is built', not said, '\n        '.join(said))
    must('nbdev knows where each function is', 'symbol-links' in (root/'_docs'/'loops.html').read_text(), 'no links to sources: is groundup installed (pip install -e .)?')
    if not whole: run('selenium', 'pip install -q selenium', 5*minutes, **env)
    run('the site in a browser', '.ci/browser.py' + ' --all'*whole, 15*minutes, show=True, **env)


def main():
    if '--site' in sys.argv:
        site({})
        return 1 if failed else 0
    start, work, cells, lanes = time.time(), Path(tempfile.mkdtemp(prefix='groundup-ci-')), '', ThreadPoolExecutor(3)
    digits = root.parent/'shared'/'data'/'mnist.pkl.gz'  # the real digits, where somebody has put them beside the checkout
    if digits.exists(): os.environ.setdefault('GROUNDUP_MNIST', str(digits))
    os.environ.setdefault('OMP_WAIT_POLICY', 'passive')  # two notebooks at a time: threads that wait must not be busy
    os.environ.setdefault('GROUNDUP_ROUNDS', '1')  # times are not tested, so one round of the comparisons is enough
    print(f"digits: {'those named by GROUNDUP_MNIST' if 'GROUNDUP_MNIST' in os.environ else 'downloaded, or drawn'}")
    try:
        env = environment(work/'dev')
        def fresh():
            return run(f'README, in a fresh clone: {readme_command("&& groundup")}', f'git clone -q {root} clone && cd clone && {readme_command("&& groundup")} '
                       '&& ls ladder.json ladder.svg', 20*minutes, cwd=work, **environment(work/'empty'))
        clone = lanes.submit(fresh)  # pip keeps one core busy: two can install at a time
        good, _ = run(f'README: {readme_command("&& nbdev_test")}', readme_command('&& nbdev_test'), 30*minutes, **env)
        run('pip check', 'pip check', **env)
        run('nbdev_export, nbdev_clean, README', 'nbdev_export && nbdev_clean && .ci/readme.py', 5*minutes, **env)
        clean('export, clean and README leave git as it was')
        notebooks()
        links()
        house()
        layout()
        # what nbdev_test leaves out: slow cells, with what they need. Here in Jupyter, and with neither file, network nor drawn digits (an address that
        # refuses every connection stands in for a missing network); `data` runs so as a whole
        again = [p for p in books() if p == root/'nbs'/'01_data.ipynb' or re.search(r'"#\| slow', p.read_text())]
        def slow():
            return run(CELLS, '.ci/execute.py --check --slow --timeout 600 ' + ' '.join(shlex.quote(str(p)) for p in again), 40*minutes, show=True, **env, GROUNDUP_MNIST='',
                       XDG_CACHE_HOME=str(work/'cache'), NUMBA_CACHE_DIR=compiled(env), https_proxy='http://127.0.0.1:9')[1]
        def others():
            run("the widgets' rules are the package's", '.ci/widgets.py', 5*minutes, show=True, **env)
            run("the network on the page is the book's", '.ci/draw.py', 5*minutes, show=True, **env)
            docs(env, work)
            run('the command in unfriendly surroundings', '.ci/environments.py', 15*minutes, **env)
            run('sdist and wheel, installed elsewhere and used', 'pip install -q build && .ci/environments.py --package', 10*minutes, **env)
        first, second = lanes.submit(slow), lanes.submit(others)  # side by side: neither keeps two cores busy all the time
        cells = first.result()
        for lane in (second, clone): lane.result()
        site(env)
        clean('the docs leave git as it was')
    except KeyboardInterrupt:
        for p in list(running): os.killpg(p.pid, 9)
        sys.exit('stopped')
    finally:
        lanes.shutdown(cancel_futures=True)
        shutil.rmtree(work, ignore_errors=True)
    for end in last: print(end)  # again, where a long report is cut in its middle
    for line in re.findall(r'^skipped .*$', cells, flags=re.M): print(line)
    print(f'{(time.time()-start)/60:.1f} minutes' + (f"; failed: {', '.join(failed)}" if failed else ''))
    counted = re.findall(r'^(\d+) passed, (\d+) failed, (\d+) skipped$', cells, flags=re.M) or [(0, 1, 0)]
    passed, wrong, skipped = map(int, counted[-1])
    if good: passed += sum(tested(p) for p in books())
    print(f'{passed} passed, {wrong + len([f for f in failed if f != CELLS])} failed, {skipped} skipped')
    return 1 if failed else 0


if __name__ == '__main__': sys.exit(main())
