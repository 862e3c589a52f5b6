"""What a page asks of Python: try an answer to an exercise, or run some code. What comes of it is JSON."""
import functools, importlib, itertools, json, linecache, math, random, re, sys, time
from contextlib import redirect_stdout
from io import StringIO

from groundup.checker import EXERCISES, check_here, function_of
from groundup.xray import XRay, array, stand_in, unfilled, xray

stand_in()
import numba
from numba import cuda

FILE = 'your code'


class Missing:
    "The last place where a module is looked for"
    def find_spec(name, path=None, target=None): raise ModuleNotFoundError(f'there is no {name} on this page, only Python; lists are enough', name=name)
sys.meta_path.append(Missing)


def names():
    "What the chapters import in their first cells"
    known = {n: getattr(numba, n) for n in ('cuda', 'float32', 'float64', 'int32', 'int64', 'uint32', 'njit')}
    return known | dict(math=math, random=random, islice=itertools.islice, lru_cache=functools.lru_cache, xray=xray, array=array, unfilled=unfilled)


def get(id):
    "The exercise of that name"
    importlib.import_module('groundup.exercises.' + id.rpartition('-')[0])
    return EXERCISES[id]


def slow(id): return get(id).slow


def wrong(e):
    "An error, for the reader: only lines of their own; and the number of the innermost"
    if isinstance(e, SyntaxError) and e.filename == FILE:
        text = (e.text or '').rstrip('\n')
        return f'line {e.lineno}: {type(e).__name__}: {e.msg}\n    {text.strip()}', e.lineno
    frames, tb = [], e.__traceback__
    while tb:
        if tb.tb_frame.f_code.co_filename == FILE: frames.append((tb.tb_lineno, tb.tb_frame.f_code.co_name))
        tb = tb.tb_next
    lines = [f'line {n}' + f', in {name}'*(name[0] != '<') + f':\n    {linecache.getline(FILE, n).strip()}' for n, name in frames]
    said = f'{type(e).__name__}: {e}'
    inside = re.search(r'\bline (\d+)', str(e)) if isinstance(e, (NotImplementedError, RuntimeError)) else None  # the X-ray names the line
    return '\n'.join([*lines, said]), int(inside[1]) if inside else frames[-1][0] if frames else None


def keep(code): linecache.cache[FILE] = len(code), None, code.splitlines(True), FILE


def check(id, code, seed):
    "Try an answer on new cases"
    e = get(id)
    keep(code)
    with redirect_stdout(StringIO()) as printed:
        try: f = function_of(code, e.name, names(), FILE)
        except KeyError as k:
            if k.args != (e.name,): return json.dumps(dict(zip(('said', 'line'), wrong(k)), good=False))
            return json.dumps(dict(good=False, said=f'There is no function `{e.name}` here; the exercise asks for one of that name. Reset brings its first line back.', line=None))
        except (Exception, SystemExit) as x: return json.dumps(dict(zip(('said', 'line'), wrong(x)), good=False))
    if not hasattr(f, '__code__'): return json.dumps(dict(good=False, said=f'`{e.name}` is no function but {f!r:.80}', line=None))
    good, said = check_here(e, f, seed)
    line = None if good else re.search(r'\bline (\d+)', said)
    return json.dumps(dict(good=good, said=printed.getvalue() + said, line=line and int(line[1])))


def run(code, given):
    "Run some code. A report of the X-ray under the name `report` is handed on, with its steps"
    keep(code)
    space, found = names() | {'__name__': '__main__'} | json.loads(given), dict(good=True, line=None)
    with redirect_stdout(StringIO()) as printed:
        try:
            program = compile(code, FILE, 'exec')
            began = time.perf_counter()
            exec(program, space)
            found['seconds'] = time.perf_counter() - began
        except BaseException as x: found |= dict(zip(('said', 'line'), wrong(x)), good=False)
    report = space.get('report')
    if found['good'] and isinstance(report, XRay):
        found |= dict(table=report.table().to_html(), words=report.words(), steps=report.replay(most=3000))
        found['line'] = report.faults[0].lines[0] if report.faults and report.faults[0].lines else None
    return json.dumps(found | dict(said=printed.getvalue() + found.get('said', '')))
