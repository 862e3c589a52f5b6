#!/usr/bin/env python3
"""The command in the surroundings that it may meet: old encodings, closed and full streams, folders that cannot be written, other people's files.

    .ci/environments.py             each line of the table, in a folder of its own, two at a time; needs the package's requirements
    .ci/environments.py --package   build sdist and wheel, install the sdist into an environment outside of the repository, and use it there

Each line of the table is a command for bash, the exit status that it should have, a pattern that its output should match, and the files that it
should leave. None of them may end in a traceback. The last line says how many did as they should.
"""
import os, re, shlex, shutil, subprocess, sys, tempfile, time, venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

root = Path(__file__).resolve().parent.parent
quick = '--rows 5 --rungs matmul_torch'
ladder = 'ladder.json ladder.svg'
nowhere = ' '.join(f'{v}=/dev/null/x' for v in ('HOME', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'NUMBA_CACHE_DIR', 'MPLCONFIGDIR', 'TMPDIR'))
traps = "for f in random numba tempfile argparse; do echo 'raise SystemExit(\"the wrong file\")' > $f.py; done; "
trapped = 'argparse.py numba.py random.py tempfile.py '

# name, command ($G is `python -m groundup`, $P python), exit status, pattern in what it prints, files
CASES = [
    ('help',                  '$G --help', 0, 'Exit status', ''),
    ('-m groundup.cli',       '$P -m groundup.cli --version', 0, r'groundup \d', ''),
    ('ascii, -OO, warnings are errors, a CUDA toolkit without a GPU', f'CUDA_HOME=/usr PYTHONIOENCODING=ascii $P -W error -OO -m groundup {quick}', 0,
                              r'\A(?![\s\S]*No CUDA)[\s\S]*\d [um]s .*\n[^?]*$', ladder),
    ('ascii, help',           'PYTHONIOENCODING=ascii $G --help', 0, r'A,B,\.\.\.', ''),
    ('cp1252',                'PYTHONIOENCODING=cp1252 $G practice list loops', 0, 'loops-1', ''),
    ('locale C, no UTF-8',    'LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 $G compare published published', 0, r'\nA: ', 'compare.svg'),
    ('stdout closed',         f'$G {quick} >&-', 0, 'wrote', ladder),
    ('stderr closed',         f'$G {quick} 2>&-', 0, 'GFLOP/s', ladder),
    ('all closed',            '$G compare published published <&- >&- 2>&-', 0, '^$', 'compare.svg'),
    ('stdout full',           f'$G {quick} >/dev/full', 2, 'cannot write to standard output: No space', ladder),
    ('stdout full, help',     '$G --help >/dev/full', 2, 'cannot write to standard output', ''),
    ('stderr full',           '$G practice list loops 2>/dev/full', 0, 'loops-1', ''),
    ('both full, a mistake',  '$G --rows 0 >/dev/full 2>&1', 2, '^$', ''),
    ('a pipe that ends',      '$G --rungs list | true; exit ${PIPESTATUS[0]}', 0, '', ''),
    ('40 columns',            'COLUMNS=40 $G compare published published | grep -v "^[AB]:" | { ! grep -E ".{41}|…"; }', 0, '', 'compare.svg'),
    ('nothing to write to',   f'{nowhere} $G {quick} --out out', 0, 'GFLOP/s', 'out'),
    ('nowhere to write to',   f'$G {quick} --out /dev/null/x', 2, '^groundup: --out: cannot write', ''),
    ('--out -',               f'$G {quick} --out -', 2, '^groundup: --out: - is not', ''),
    ('folder that is gone',   'mkdir x; cd x; rmdir ../x; $G --version && ! $G --rows 5', 0, 'groundup: --out: cannot write', ''),
    ('one core',              'taskset -c 0 $G --rows 5 --rungs matmul_gemm', 0, r'\ngemm ', ladder),
    ('-OO, exercises',        '$P -OO -m groundup practice list loops', 0, 'loops-1', ''),
    ('random.py and numba.py here', f'{traps} $G {quick}', 0, 'GFLOP/s', trapped + ladder),
    ('the same, by groundup.cli',   f'{traps} $P -m groundup.cli --version', 0, r'groundup \d', trapped.strip()),
    ('groundup.py here',      "echo 'raise SystemExit(9)' > groundup.py; $P -P -m groundup --version", 0, r'groundup \d', 'groundup.py'),
    ('GROUNDUP_ROUNDS=abc',   'GROUNDUP_ROUNDS=abc $G gemm --shapes 5x5x5', 2, "^groundup: GROUNDUP_ROUNDS is 'abc'.*$", ''),
    ('NUMBA_DISABLE_JIT',     f'NUMBA_DISABLE_JIT=1 $G {quick}', 2, '^groundup: .*', ''),
    ('unknown threading layer', 'NUMBA_THREADING_LAYER=foo $G --rows 5 --rungs matmul_njit_parallel; s=$?; [ $s = 1 -o $s = 2 ]', 0, 'foo', ''),
    ('--device cuda, no GPU', f'echo old > ladder.json; CUDA_VISIBLE_DEVICES= $G --rows 5 --device cuda; s=$?; grep -q old ladder.json && exit $s', 1, 'nothing was measured', 'ladder.json'),
    ('20 digits',             '$G gemm --shapes 12345678901234567890x3x4', 2, '^groundup: --shapes: .*take smaller', ''),
    *((f'Ctrl-C after {s} s', f'$G --out out & while ! [ -d out ]; do sleep .01; done; sleep {s}; kill -INT $!; wait $!; s=$?; rmdir out; exit $s', 130,
       'no file was written', '') for s in (0, .5, 2)),
]


def start(command, folder, **env):
    "Run a command of the table; exit status and output"
    kept = {**os.environ, 'GROUNDUP_ROUNDS': '1', 'PYTHONPATH': str(root), 'P': sys.executable, **env}
    for name in ('PYTHONIOENCODING', 'COLUMNS', 'MPLBACKEND'): kept.pop(name, None)
    command = command.replace('$G', '$P -m groundup').replace('$P', shlex.quote(sys.executable))
    p = subprocess.run(['bash', '-c', command], cwd=folder, env=kept, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    return p.returncode, p.stdout.decode('utf-8', 'replace')


def wrong(case):
    "What is wrong in this case, or None"
    name, command, status, pattern, files = case
    with tempfile.TemporaryDirectory(prefix='groundup-environment-') as folder:
        begin = time.time()
        try: got, out = start(command, folder)
        except subprocess.TimeoutExpired: return 'not done after two minutes'
        left = ' '.join(sorted(f for f in os.listdir(folder) if f != '__pycache__'))
    if '--times' in sys.argv: print(f'{time.time()-begin:6.1f} s  {name}', flush=True)
    bad = [f'exit status {got}, not {status}'] * (got != status) + ['a traceback'] * bool(re.search('Traceback|Exception ignored', out)) + \
          [f'left {left!r}, not {files!r}'] * (left.split() != sorted(files.split())) + [f'nothing like {pattern!r}'] * (not re.search(pattern, out))
    return f"{name}: {', '.join(bad)}\n  {command}\n" + '\n'.join('  | ' + l for l in out.splitlines()[-12:]) if bad else None


def environments():
    "Go through the table; how many cases went wrong"
    with ThreadPoolExecutor(2) as pool: found = [w for w in pool.map(wrong, CASES) if w]
    for w in found: print(w)
    print(f'{len(CASES)-len(found)} of {len(CASES)} environments')
    return len(found)


def package(python=sys.executable, system_site=True):
    "Build, install outside under a name with a space and other letters, and use what was installed; raises where something fails"
    with tempfile.TemporaryDirectory(prefix='groundup-paket ü ') as folder:
        run = lambda *words, **kw: subprocess.run(list(map(str, words)), check=True, cwd=folder, text=True, **kw)
        source, here = Path(folder)/'source', Path(folder)/'an environment, für sich'
        subprocess.run(f'git -C {shlex.quote(str(root))} ls-files -z | (cd {shlex.quote(str(root))} && xargs -0 tar c) | (mkdir source && tar x -C source)', shell=True, check=True, cwd=folder)
        run(python, '-m', 'build', '-o', folder, source, stdout=subprocess.DEVNULL)
        sdist, wheel = (next(Path(folder).glob(f'groundup-*{end}')) for end in ('.tar.gz', '.whl'))
        venv.create(here, with_pip=True)
        pip = [here/'bin'/'python', '-m', 'pip', 'install', '-q']
        if system_site:  # with the requirements of this environment
            lib = next((here/'lib').glob('python*/site-packages'))
            (lib/'requirements.pth').write_text('\n'.join(p for p in sys.path if p.endswith('site-packages')) + '\n', encoding='utf-8')
            pip += ['--no-deps', '--no-build-isolation']
        run(*pip, '--force-reinstall', wheel)
        run(*pip, '--force-reinstall', sdist)
        g = here/'bin'/'groundup'
        clean = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
        said = run(here/'bin'/'python', '-c', 'import groundup, sys; assert not {"torch", "numba", "matplotlib"} & set(sys.modules); print(groundup.__file__)',
                   env=clean, capture_output=True).stdout
        assert str(here) in said, f'imported from {said}, and not from what was installed'
        before = {str(p) for p in here.rglob('*') if '__pycache__' not in p.parts}
        run(g, '--rows', '5', '--rungs', 'matmul_3loops,matmul_njit,matmul_gemm', env=clean)
        run(g, 'compare', env=clean)
        run(g, 'practice', 'open', 'loops-4', env=clean)
        Path(folder, 'loops-4.py').write_text('def transposed(x): return [list(c) for c in zip(*x)]\n')
        run(g, 'practice', 'check', 'loops-4', env={**clean, 'XDG_DATA_HOME': folder})
        left = sorted({str(p) for p in here.rglob('*') if '__pycache__' not in p.parts} - before)
        cached = [str(p) for p in (here/'lib').rglob('*.nb[ic]') if 'groundup' in str(p.relative_to(here))]
        assert not left and not cached, f'what was installed has grown by {(left + cached)[:3]}; compiled code belongs into the cache of the user'
    print('the installed package works')


if __name__ == '__main__':
    if '--package' in sys.argv: package()
    else: sys.exit(environments() > 0)
