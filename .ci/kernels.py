#!/usr/bin/env python3
"""Compile the kernels of chapter 7 for a GPU that need not be there, and count what the machine code takes.

Needs no GPU, but NVIDIA's compiler: pip install "numba-cuda[cu13]" nvidia-cuda-nvcc nvidia-cuda-nvdisasm
Writes nbs/results/kernels.json, from which the chapter makes its table."""
import json, re, subprocess, sys, tempfile
from collections import namedtuple
from datetime import date
from importlib.metadata import version
from pathlib import Path
from unittest.mock import patch

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root))
CC = 9, 0  # of the H100 and H200
PRODUCTS = dict(narrow=(50000, 784, 10))  # for the others 4096 × 4096 × 4096
try:
    from cuda.pathfinder import find_nvidia_binary_utility
    from numba import cuda, float32, types
    import numba.cuda.dispatcher
except ImportError as e: sys.exit(f'{e}: {__doc__.splitlines()[2]}')


def tool(name):
    "Where a program of NVIDIA's is"
    found = find_nvidia_binary_utility(name)
    if not found: sys.exit(f'there is no {name} here: {__doc__.splitlines()[2]}')
    return found


def run(*command):
    "What a program says, on both of its outputs"
    r = subprocess.run([*map(str, command)], capture_output=True, text=True)
    if r.returncode: sys.exit(f'{Path(command[0]).name}: {(r.stderr or r.stdout).strip()[:2000]}')
    return r.stdout + r.stderr


def instructions(sass):
    "The instructions of a listing by nvdisasm, and its loops: pairs of places, first and last instruction"
    names, labels, loops = [], {}, []
    for line in sass.splitlines():
        if m := re.match(r'\s*(\.L_x_\d+):', line): labels[m[1]] = len(names)
        elif m := re.match(r'\s+/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P[T\d]+\s+)?([A-Z][A-Z0-9_.]*)([^;]*);', line):
            if m[1].startswith('BRA') and (to := re.search(r'\.L_x_\d+', m[2])) and to[0] in labels: loops.append((labels[to[0]], len(names)))
            names.append(m[1])
    return names, loops


def main_loop(names, loops):
    "Instructions and fused multiply-adds of the innermost loop that has most of these"
    inner = [l for l in loops if not any(l != o and l[0] <= o[0] and o[1] <= l[1] and 'FFMA' in names[o[0]:o[1]] for o in loops)]
    return max(((e-s+1, names[s:e+1].count('FFMA')) for s, e in inner), key=lambda x: x[1])


def assembled(kernel, folder, limit):
    "Registers, bytes and instructions of a kernel for float32 matrices"
    matrix = types.Array(float32, 2, 'C')
    ptx, _ = cuda.compile_ptx(kernel.py_func, (matrix,)*3, cc=CC)
    (folder/'k.ptx').write_text(ptx)
    arch = f'-arch=sm_{CC[0]}{CC[1]}'
    said = run(tool('ptxas'), '-v', arch, *(['-maxrregcount', limit] if limit else []), folder/'k.ptx', '-o', folder/'k.cubin')
    number = lambda what: int(m[1]) if (m := re.search(what, said)) else 0
    loop, fma = main_loop(*instructions(run(tool('nvdisasm'), '-c', folder/'k.cubin')))
    return dict(registers=number(r'Used (\d+) reg'), spilled=number(r'(\d+) bytes spill stores'), shared=number(r'(\d+) bytes smem'), loop=loop, fma=fma)


def rows(folder):
    "A row for each kernel, and for those with a limit of registers one without it"
    from groundup.cuda import KERNELS
    for name, plan in KERNELS.items():
        kernel, _, threads = plan(*PRODUCTS.get(name, (4096,)*3))
        limit = getattr(kernel, 'targetoptions', {}).get('max_registers')
        threads = threads if isinstance(threads, int) else threads[0]*threads[1]
        for l in ([None, limit] if limit else [None]):
            print(name, '' if l==limit else 'without a limit', file=sys.stderr)
            yield dict(kernel=name, threads=threads, limit=l, **assembled(kernel, folder, l))


if __name__=='__main__':
    here = namedtuple('Device', 'compute_capability')(CC)
    with tempfile.TemporaryDirectory() as folder, patch.object(numba.cuda.dispatcher, 'get_current_device', lambda: here):  # device functions ask for one
        found = [*rows(Path(folder))]
    release = re.search(r'release [\d.]+, V([\d.]+)', run(tool('ptxas'), '--version'))[1]
    out = dict(cc='.'.join(map(str, CC)), ptxas=release, versions={p: version(p) for p in ('numba', 'numba-cuda')}, date=str(date.today()), rows=found)
    (root/'nbs/results/kernels.json').write_text(json.dumps(out, indent=1) + '\n')
