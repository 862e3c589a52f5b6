"""Python and an editor for the pages, from npm and with the site, so that a reader's browser asks no other host for anything.

`.ci/npm/package.json` says what, and in which version. Python here is Pyodide; it runs files of the package as they are, so they may
import only the standard library and each other. Where npm is missing, the pages stay as they are without it.
"""
import ast, json, os, shutil, subprocess, sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
npm, source = root/'.ci'/'npm', root/'nbs'/'site'/'run'
CHAPTERS = ('data', 'random', 'loops', 'cuda', 'kernels')
FILES = ('__init__', 'table', 'checker', 'xray', 'exercises/__init__', *(f'exercises/{c}' for c in CHAPTERS))
CORE = ('pyodide.mjs', 'pyodide.asm.mjs', 'pyodide.asm.wasm', 'python_stdlib.zip')
# Pyodide compiles what it imports anew at each start, which takes most of that time: so let it do this once, here. `book.zip` is the book's own files, with their sources
COMPILE = """
import importlib, importlib.util, os, sys, zipfile
from importlib._bootstrap_external import _code_to_hash_pyc
sys.path.insert(0, '/to')
for name in NAMES: importlib.import_module(name.removesuffix('.py').replace('/', '.'))
used = {f.partition('.zip/')[2] for m in list(sys.modules.values()) if '.zip/' in (f := getattr(m, '__file__', None) or '')}
def compiled(text, name): return _code_to_hash_pyc(compile(text, name, 'exec', dont_inherit=True), importlib.util.source_hash(text), False)
with zipfile.ZipFile('/to/python_stdlib.zip') as old, zipfile.ZipFile('/to/new.zip', 'w', zipfile.ZIP_DEFLATED, compresslevel=9) as new:
    for name in old.namelist():
        text = old.read(name)
        new.writestr(*(name + 'c', compiled(text, name)) if name in used else (name, text))
os.replace('/to/new.zip', '/to/python_stdlib.zip')
with zipfile.ZipFile('/to/book.zip', 'w', zipfile.ZIP_DEFLATED, compresslevel=9) as new:
    for name in NAMES:
        new.write('/to/' + name, name)
        new.writestr(importlib.util.cache_from_source(name), compiled(open('/to/' + name, 'rb').read(), name))
"""


def foreign(path):
    "What a file imports, when it is imported, that is not on the page"
    known = {'groundup', 'numba', *sys.stdlib_module_names}
    trees = ast.parse(path.read_text(encoding='utf-8')).body
    found = {n for t in trees for n in ([a.name for a in t.names] if isinstance(t, ast.Import) else [t.module] if isinstance(t, ast.ImportFrom) and not t.level else [])}
    return sorted(n for n in found if n.split('.')[0] not in known)


def fetch():
    "Have npm fetch what is not here yet; return whether it is all here"
    want = json.loads((npm/'package.json').read_text())['dependencies']
    def here(name, version):
        found = npm/'node_modules'/name/'package.json'
        return found.exists() and json.loads(found.read_text())['version'] == version
    if all(here(*d) for d in want.items()): return True
    if not shutil.which('npm'): return print('no npm here, so the pages go without Python and without an editor')
    got = subprocess.run(['npm', 'install', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error'], cwd=npm, text=True, capture_output=True)
    if got.returncode: print(f'npm could not fetch what the pages need, so they go without Python: {got.stderr.strip()[:300]}')
    return got.returncode == 0


def build(out):
    "Put everything into `out/python`; return whether it is there"
    if not fetch(): return False
    to = out/'python'
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir()
    for name in CORE: shutil.copy(npm/'node_modules'/'pyodide'/name, to)
    lock = json.loads((npm/'node_modules'/'pyodide'/'pyodide-lock.json').read_text())
    (to/'pyodide-lock.json').write_text(json.dumps(dict(lock, packages={})))  # the core alone
    shutil.copy(source/'worker.js', to)
    shutil.copy(source/'here.py', to)
    names = [f'groundup/{f}.py' for f in FILES if (root/'groundup'/f'{f}.py').exists()]
    for name in names:
        if wants := foreign(root/name): raise SystemExit(f'{name} imports {", ".join(wants)}, which a page does not have; only the standard library is there')
        (to/name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root/name, to/name)
    program = f"""import {{ loadPyodide }} from {json.dumps(str(npm/'node_modules'/'pyodide'/'pyodide.mjs'))};
const python = await loadPyodide();
python.FS.mkdir('/to');
python.FS.mount(python.FS.filesystems.NODEFS, {{ root: {json.dumps(str(to))} }}, '/to');
python.runPython({json.dumps(COMPILE.replace('NAMES', repr(['here.py', *names])))});"""
    if (made := subprocess.run(['node', '--input-type=module', '-e', program], capture_output=True, text=True)).returncode: raise SystemExit(made.stderr[-1500:])
    for name in ('groundup', 'here.py'): shutil.rmtree(to/name) if (to/name).is_dir() else (to/name).unlink()
    bundle = ['node_modules/.bin/esbuild', source/'page.js', source/'editor.js', '--bundle', '--minify', '--format=esm', f'--outdir={to}',
              '--external:./editor.js', '--log-level=warning']
    subprocess.run([*map(str, bundle)], cwd=npm, check=True, env=dict(os.environ, NODE_PATH=str(npm/'node_modules')))
    subprocess.run(['node_modules/.bin/esbuild', str(source/'run.css'), '--bundle', '--minify', f'--outfile={to/"page.css"}', '--log-level=warning'], cwd=npm, check=True)
    return True


if __name__ == '__main__': sys.exit(not build(Path(sys.argv[1])))
