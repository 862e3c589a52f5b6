#!/usr/bin/env python3
"""Execute the notebooks as a reader would: in a Jupyter kernel, top to bottom, each in one go.

    .ci/execute.py [NOTEBOOK ...]    execute and store the outputs (all notebooks by default)
    .ci/execute.py --check           execute two at a time, store nothing, and compare with what is stored
    .ci/execute.py --check --slow    of notebooks with slow cells only these and what they need: imports, exports, and the cells that bind their names

Cells under a flag of `tst_flags` (settings.ini) are skipped; `cuda` cells run where torch finds a GPU. A cell that takes
longer than --timeout seconds is interrupted, named, and fails. With --check the stored outputs may hold no error, and a cell
that shows something when executed must have something stored. The last lines count cells, per flag and in all;
with --slow, of a notebook with slow cells these alone.
"""
import argparse, ast, symtable, sys, tempfile, time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbdev.clean import clean_nb
from nbdev.config import get_config
from nbdev.process import NBProcessor
from execnb.nbio import read_nb, write_nb

from books import books, name, root


def directives(path):
    "For each cell of the notebook at `path`: the directives at its top"
    return [getattr(c, 'directives_', {}) or {} for c in NBProcessor(path, process=True, rm_directives=False).nb.cells]


def skip_reason(dirs, flags):
    "Why a cell with the directives `dirs` is not run, or None"
    if dirs.get('eval:', [''])[0].lower() == 'false': return 'eval: false'
    return next((f for f in flags if f in dirs), None)


def needed(cells, dirs):
    "The indices of the slow cells and of those that they need to run, or None where no cell is slow"
    def names(src):
        binds, uses = set(), set()
        for statement in ast.parse(src).body:
            tables = [symtable.symtable(ast.unparse(statement), 'cell', 'exec')]
            own = {s.get_name() for s in tables[0].get_symbols() if s.is_assigned() or s.is_imported()}
            for t in tables: tables += t.get_children()
            loads = {s.get_name() for t in tables for s in t.get_symbols() if s.is_referenced() and (t is tables[0] or s.is_global())}
            uses |= loads - binds - (set() if isinstance(statement, (ast.Assign, ast.AugAssign)) else own)
            binds |= own
        return binds, uses
    lines = {i: [l for l in c.source.splitlines() if not l.startswith(('!', '%'))] for i, c in enumerate(cells) if c.cell_type == 'code'}
    known = {i: names('\n'.join(ls)) for i, ls in lines.items()}
    keep = {i for i in known if 'slow' in dirs[i]}
    if not keep: return None
    keep |= {i for i, ls in lines.items() if any(d.startswith('export') for d in dirs[i]) or isinstance((ast.parse('\n'.join(ls)).body or [0])[0], (ast.Import, ast.ImportFrom))}
    wanted = sorted(keep)
    while wanted:
        i = wanted.pop()
        last = {max((j for j in known if j < i and n in known[j][0]), default=i) for n in known[i][1]} - keep
        keep |= last
        wanted += last
    return keep


def shows(outputs):
    "Is there anything to see in `outputs`?"
    return any(o.output_type != 'stream' or o.name == 'stdout' for o in outputs)


def run_notebook(path, flags, timeout, slow=False):
    "Execute one notebook; return it with its outputs, its skipped cells (index → flag), and what went wrong (or None)"
    nb, dirs, skipped = nbformat.read(path, as_version=4), directives(path), {}
    keep = needed(nb.cells, dirs) if slow else None
    client = NotebookClient(nb, timeout=timeout, kernel_name='python3', resources={'metadata': {'path': str(path.parent)}},
                            extra_arguments=['--log-level=ERROR'], coalesce_streams=True)
    with tempfile.TemporaryDirectory(prefix='k') as folder:
        km = client.create_kernel_manager()
        km.transport, km.ip = 'ipc', f'{folder}/k'  # files, not ports: a port that is free when Jupyter looks may be taken when the kernel starts
        try:
            with client.setup_kernel():
                for i, cell in enumerate(nb.cells):
                    if cell.cell_type != 'code' or not cell.source.strip() or 'nbdev_export' + '(' in cell.source: continue
                    if flag := skip_reason(dirs[i], flags) or (keep is not None and i not in keep and 'elsewhere'):
                        skipped[i] = flag
                        continue
                    try: client.execute_cell(cell, i)
                    except CellTimeoutError: return nb, skipped, (i, f'ran longer than {timeout} s:\n{cell.source}')
                    except (CellExecutionError, DeadKernelError) as e: return nb, skipped, (i, str(e))
        except RuntimeError as e: return nb, skipped, (-1, f'no kernel: {e}')
    return nb, skipped, None


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('notebooks', nargs='*', type=Path)
    p.add_argument('--check', action='store_true', help='compare with what is stored, write nothing')
    p.add_argument('--slow', action='store_true', help='of notebooks with slow cells, only these and what they need')
    p.add_argument('--timeout', type=int, default=180, help='seconds a cell may take (default: %(default)s)')
    args = p.parse_args()
    paths = [q.resolve() for q in args.notebooks] or books()
    try:
        import torch
        gpu = torch.cuda.is_available()
    except ImportError: gpu = False
    flags = [f for f in get_config(path=root).tst_flags.split() if not (f == 'cuda' and gpu or f == 'slow')]  # slow cells run here, in .ci/run too
    why = {'cuda': 'no CUDA GPU here', 'notest': 'not meant for tests', 'eval: false': 'shown, not run'}
    count, skips, problems, begin = Counter(), Counter(), [], time.time()
    def timed(path):
        start = time.time()
        return *run_notebook(path, flags, args.timeout, args.slow), time.time()-start
    pool = ThreadPoolExecutor(2 if args.check else 1)  # what is stored holds times, so nothing else may run beside it
    for path, (nb, skipped, failed, seconds) in zip(paths, pool.map(timed, paths)):
        stored = nbformat.read(path, as_version=4)
        code = [i for i, c in enumerate(nb.cells) if c.cell_type == 'code' and c.source.strip() and 'nbdev_export' + '(' not in c.source]
        ran = [i for i in code if i not in skipped and (failed is None or i < failed[0])]
        bad = [] if failed is None else [name(path) + (f', cell {failed[0]}' if failed[0] >= 0 else '') + f': {failed[1]}']
        if args.check:
            for i in ran:
                if shows(nb.cells[i].outputs) and not shows(stored.cells[i].outputs):
                    bad.append(f'{name(path)}, cell {i}: no output is stored, though the cell shows one: execute the notebook and save it')
            bad += [f'{name(path)}, cell {i}: a stored output is an error' for i, c in enumerate(stored.cells)
                    if any(o.output_type == 'error' for o in c.get('outputs', []))]
        elif failed is None:
            for c in nb.cells:  # words about progress are for those who wait
                if c.cell_type == 'code': c.outputs = [o for o in c.outputs if o.get('name') != 'stderr']
            nbformat.write(nb, path)
            clean = read_nb(path)
            clean_nb(clean)
            write_nb(clean, path)
        problems += bad
        own = [i for i, d in enumerate(directives(path)) if 'slow' in d] if args.slow else []
        count['passed'] += len([i for i in ran if not own or i in own]) - sum('no output is stored' in b for b in bad)
        count['failed'] += len(bad)
        skips.update(f for f in skipped.values() if f != 'elsewhere')
        skips['not reached'] += len([i for i in code if i not in skipped and failed is not None and i > failed[0]])
        print(f'{name(path):24} {len(ran):4} cells run, {len(skipped):3} skipped, {seconds:5.1f} s' + ('   FAILED' if bad else ''), flush=True)
    print(f'all notebooks: {time.time()-begin:.0f} s')
    for b in problems: print('\n' + b, file=sys.stderr)
    for flag, n in skips.items():
        if n: print(f"skipped {n} cells flagged `{flag}`: {why.get(flag, 'after a cell that failed')}")
    print(f"{count['passed']} passed, {count['failed']} failed, {sum(skips.values())} skipped")
    return 1 if problems else 0


if __name__ == '__main__': sys.exit(main())
