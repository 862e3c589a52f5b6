#!/usr/bin/env python3
"""Compile the kernels of chapter 7 for a GPU that need not be there, and count what the machine code takes.

Needs no GPU, but NVIDIA's compiler: pip install "numba-cuda[cu13]" nvidia-cuda-nvcc nvidia-cuda-nvdisasm
Writes nbs/results/kernels.json, from which the chapter makes its table."""
import inspect, json, re, subprocess, sys, tempfile
from collections import namedtuple
from datetime import date
from importlib.metadata import version
from pathlib import Path
from unittest.mock import patch
from zlib import crc32

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
    "The instructions of the innermost loop that has most fused multiply-adds"
    inner = [l for l in loops if not any(l != o and l[0] <= o[0] and o[1] <= l[1] and 'FFMA' in names[o[0]:o[1]] for o in loops)]
    return max((names[s:e+1] for s, e in inner), key=lambda x: x.count('FFMA'))


def assembled(kernel, folder, limit):
    "Registers, bytes and instructions of a kernel for float32 matrices"
    matrix = types.Array(float32, 2, 'C')
    ptx, _ = cuda.compile_ptx(kernel.py_func, (matrix,)*3, cc=CC)
    (folder/'k.ptx').write_text(ptx)
    arch = f'-arch=sm_{CC[0]}{CC[1]}'
    said = run(tool('ptxas'), '-v', arch, *(['-maxrregcount', limit] if limit else []), folder/'k.ptx', '-o', folder/'k.cubin')
    number = lambda what: int(m[1]) if (m := re.search(what, said)) else 0
    names, loops = instructions(run(tool('nvdisasm'), '-c', folder/'k.cubin'))
    loop = main_loop(names, loops)
    count = lambda *words: sum(all(w in name.split('.') for w in words) for name in loop)
    return dict(registers=number(r'Used (\d+) reg'), spilled=number(r'(\d+) bytes spill stores'), shared=number(r'(\d+) bytes smem'),
                loop=len(loop), fma=count('FFMA'), reads=count('LDS'), wide=count('LDS', '128'), local=count('LDL') + count('STL'),
                wide_writes=sum(name == 'STS.128' for name in names))  # of the whole kernel, to shared memory


@cuda.jit
def with_range(a, b, c):
    "`coalesced_kernel` with the course's loop"
    j,i = cuda.grid(2)
    if i < c.shape[0] and j < c.shape[1]:
        tmp = c.dtype.type(0)
        for l in range(a.shape[1]): tmp += a[i,l] * b[l,j]
        c[i,j] = tmp


def rows(folder):
    "A row for each kernel and form of it, and one without the limit of registers where there is one"
    from groundup.gpu import KernelPlan
    from groundup.kernels import KERNELS
    forms = [(name, '', plan, PRODUCTS.get(name, (4096,)*3)) for name, plan in KERNELS.items()]
    forms.insert(2, ('coalesced', 'with range', lambda n, k, m: KernelPlan(with_range, (1, 1), (16, 16)), (4096,)*3))
    forms += [('ahead', 'any shape', KERNELS['ahead'], (4095, 4097, 4093)), ('narrow', 'any shape', KERNELS['narrow'], (50000, 783, 10))]
    for name, form, plan, sizes in forms:
        kernel, _, threads = plan(*sizes)
        limit = getattr(kernel, 'targetoptions', {}).get('max_registers')
        threads = threads if isinstance(threads, int) else threads[0]*threads[1]
        for l in ([None, limit] if limit else [None]):
            print(name, form, '' if l==limit else 'without a limit', file=sys.stderr)
            yield dict(kernel=name, form=form, source=crc32(inspect.getsource(kernel.py_func).encode()), threads=threads,
                       limit=limit, limited=l is not None, **assembled(kernel, folder, l))


if __name__=='__main__':
    here = namedtuple('Device', 'compute_capability')(CC)
    with tempfile.TemporaryDirectory() as folder, patch.object(numba.cuda.dispatcher, 'get_current_device', lambda: here):  # device functions ask for one
        found = [*rows(Path(folder))]
    release = re.search(r'release [\d.]+, V([\d.]+)', run(tool('ptxas'), '--version'))[1]
    out = dict(cc='.'.join(map(str, CC)), ptxas=release, versions={p: version(p) for p in ('numba', 'numba-cuda')}, date=str(date.today()), rows=found)
    (root/'nbs/results/kernels.json').write_text(json.dumps(out, indent=1) + '\n')
