#!/usr/bin/env python3
"""Run the products of bfloat16 and int8 (nbs/backstage/narrow) in an emulator, for processors that need not be there.

numba compiles each product for a processor that has the instruction. The product is then the whole program of a machine in Bochs, with a small loop
around it (guest.S), no operating system, and no memory but the matrices: where one ends, a page begins that isn't there, and `a` and `b` can't be written.
What comes out is compared with float64, or with exact whole numbers. How many cases stop when the machine lacks the instruction says how many use it.
Some runs are wrong on purpose, and must have no case right.

    apt-get install gcc g++ make binutils git
    git clone https://github.com/bochs-emu/Bochs && cd Bochs/bochs && git checkout 783b58fd6d9bae598a07c59719122322fa0edce6
    sed -i -E 's/Bit32s\\((.byte\\[.\\])\\)/Bit32s(Bit8s(\\1))/g' cpu/avx/amx.cc
    ./configure --enable-x86-64 --enable-avx --enable-evex --enable-amx --enable-all-optimizations --enable-protection-keys --enable-cet \\
        --enable-vmx=2 --enable-uintr --with-nogui --disable-docbook && make bochs
    .ci/emulate/emulate.py Bochs/bochs/bochs        (in this repository, with the package installed; takes three minutes)

The `sed` mends an error of that commit: bytes that AMX takes as signed were not sign-extended there, so that tdpbusd goes wrong with negative numbers.
Writes nbs/results/emulated.json; all else goes to a temporary folder, or to the one that --work names, where it is kept."""
import argparse, json, os, re, struct, subprocess, sys, tempfile
from importlib.metadata import version
from itertools import product
from pathlib import Path

sys.dont_write_bytecode = True
import numpy as np

root = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root))
BASE, TABLES, CASES, DATA, WINDOW = 0x200000, 0x400000, 0x600000, 0x800000, 1 << 39  # addresses: see guest.S; the matrices appear in the window
EMPTY = 0x7b  # what memory holds before
# way; the processor that LLVM compiles for, and features as the package asks for them; the processor that Bochs is, and its word for what the way takes
WAYS = [('int8_avxvnni', 'alderlake', 'avxvnni', 'arrow_lake', 'avx_vnni'), ('int8_avx512vnni', 'icelake-client', 'avx512vnni', 'corei7_icelake_u',
        'avx512vnni'), ('bf16_avx512bf16', 'znver4', 'avx512bf16', 'sapphire_rapids', 'avx512bf16'),
        *((f'{kind}_amx', 'sapphirerapids', 'amx', 'sapphire_rapids', f'amx_{kind}') for kind in ('int8', 'bf16'))]
SHAPES = [*((n, 64, 32) for n in (1, 2, 3, 5, 12, 16, 24, 25, 31, 47)), *((13, k, 37) for k in (1, 2, 3, 4, 5, 31, 33, 63, 64, 65, 127, 129, 255, 257, 513)),
          *((26, 131, m) for m in (1, 2, 3, 15, 16, 17, 32, 33, 47, 49, 64, 65, 97)),
          (70, 300, 70), (70, 301, 5), (1, 40, 3), (128, 128, 128), (37, 1100, 90), (3, 2100, 1), (2, 260, 1100), (64, 513, 520)]
ODD = [(13, 64, 33), (13, 67, 37), (40, 300, 70), (70, 301, 5), (1, 40, 3)]


def cases(kind):
    "Shape, what the matrices hold, and how to go about it, for bf16 or int8"
    for s in SHAPES:
        for what in ('any',) if kind=='int8' else ('whole', 'normal'): yield dict(shape=s, what=what)
    what = 'any' if kind=='int8' else 'normal'
    for s, how in product(((70, 300, 70), (61, 530, 131), (13, 65, 33)), (dict(grid=(3, 2), sizes=(33, 36), far=1), dict(grid=(2, 1), sizes=(17, 24)))):
        yield dict(shape=s, what=what, **how)
    if kind=='int8': yield from (dict(shape=(13, 1000, 33), what=extremes) for extremes in ((-128, -128), (-128, 127), (127, -128), (127, 127)))
    else: yield from (dict(shape=s, what=what) for what in ('not finite', 'tiny') for s in ODD)


def matrices(kind, case, rng):
    "Two matrices of torch's bfloat16 or int8"
    import torch
    (n, k, m), what = case['shape'], case['what']
    sizes = (n, k), (k, m)
    if kind=='int8':
        ranges = [(-128, 128)]*2 if what=='any' else [(x, x+1) for x in what]
        return [torch.from_numpy(rng.integers(*ends, s, np.int8)) for ends, s in zip(ranges, sizes)]
    both = [rng.integers(-128, 129, s)*1. if what=='whole' else rng.standard_normal(s) for s in sizes]
    for t in both:
        if what=='tiny': t *= 2.**rng.integers(-140, -50, t.shape)
        if what=='not finite':
            for x in (np.inf, -np.inf, np.nan, 0): t[tuple(rng.integers(0, t.shape))] = x
    return [torch.from_numpy(t.astype(np.float32)).bfloat16() for t in both]


def is_right(kind, what, a, b, c):
    "Whole numbers must be exact, others within the bound of a sum of k products in float32; numbers below 2**-126 may count as zero"
    a, b = (t.double().numpy() for t in (a, b))
    with np.errstate(all='ignore'): e = a@b
    if kind=='int8': return np.array_equal(c - (128*b.sum(0)).astype(np.int32), e)
    if what=='whole': return np.array_equal(c, e)
    x, y = (np.abs(np.where(np.isfinite(t), t, 0)) for t in (a, b))
    k, x_small, y_small = len(y), x*(x < 2.**-126), y*(y < 2.**-126)
    bound = (k+1)*2.**-24*(x@y) + x_small@y + x@y_small + 2*k*2.**-126
    with np.errstate(all='ignore'): return bool(np.all(np.where(np.isfinite(e), np.abs(c-e) <= bound, np.isnan(e) & np.isnan(c) | (c==e))))


def compile_here(way):
    "In a process of its own: write what numba makes of a way, and print how it is told about the cases that stdin holds"
    import numba
    from groundup.limits import chunk_kind
    from groundup.narrow import word_dtype
    from groundup.tiles import block_sizes, do_chunk, start_job
    scalar = word_dtype(way)
    def product_chunk(q, params, space): do_chunk(q, params, space, np.empty(0, scalar))
    chunk = numba.cfunc(chunk_kind, error_model='numpy')(product_chunk)
    Path('chunk.o').write_bytes(chunk._library._codegen._tm.emit_object(chunk._library._final_module))
    jobs = []
    for case in json.load(sys.stdin):
        n, l, m = case['words']
        x, y, c = (np.empty(s, np.uint32) for s in ((n, l), (l, m), (n, m)))
        params = np.zeros(21, np.int64)
        sizes = case.get('sizes') or block_sizes(4, 2**15, 2**20)
        jobs.append([*start_job(params, x, y, c, *case.get('grid', (1, 1)), 0, 0, 0, 0, l, *sizes, 2**15, case.get('far', 2**24), 0), params.tolist()])
    print(json.dumps(dict(symbol=chunk._wrapper_name, jobs=jobs)))


def run(*command, **kw):
    "What a program writes"
    r = subprocess.run([*map(str, command)], capture_output=True, **kw)
    if r.returncode: sys.exit(f'{Path(command[0]).name}: {(r.stderr or r.stdout)[-2000:]}')
    return r.stdout


def compiled(way, cpu, cap, todo, folder):
    "The program of the machine, and jobs: chunks, bytes for packing, parameters"
    from groundup.vectors import CAPS
    here = Path(__file__).resolve()
    env = {**os.environ, 'GROUNDUP_CPU': '', 'NUMBA_CPU_NAME': cpu, 'NUMBA_CPU_FEATURES': ','.join('+' + f for f in CAPS[cap][1])}
    out = json.loads(run(sys.executable, here, '--compile', way, env=env, cwd=folder, input=json.dumps(todo).encode()))
    sections = {'.start': '*(.start)', '.code': '*(.text*) *(.ltext*)', '.const': '*(.rodata*) *(.lrodata*)',
                '.data': '*(.data*) *(.ldata*) *(.got*) *(.bss*) *(.lbss*)', '/DISCARD/': '*(.eh_frame*) *(.note*) *(.comment)'}
    (folder/'layout').write_text(f'SECTIONS {{ . = {BASE:#x}; ' + ' '.join(f'{name} : {{ {what} }}' for name, what in sections.items()) + ' }')
    for command in (('objcopy', '--redefine-sym', f"{out['symbol']}=chunk", 'chunk.o'), ('gcc', '-c', here.parent/'guest.S', '-o', 'guest.o'),
                    ('ld', '-static', '-T', 'layout', '--unresolved-symbols=ignore-all', '-o', 'guest', 'guest.o', 'chunk.o'),
                    ('objcopy', '-O', 'binary', 'guest', 'program')): run(*command, cwd=folder)
    return (folder/'program').read_bytes(), out['jobs']


class Memory:
    "The machine's memory from `BASE` on, which its disk holds, and what of it appears in the window"
    def __init__(self, program):
        self.bytes, self.pages = bytearray(program.ljust(DATA-BASE, b'\0')), [0]
        if len(program) > 2**20: sys.exit('the program is too long')

    def write(self, address, *words): struct.pack_into(f'<{len(words)}q', self.bytes, address-BASE, *words)

    def place(self, data, flags):
        "Put data where it ends with a page, between pages that aren't there; where it begins"
        size = -(-len(data)//4096)*4096
        self.pages += [*range(BASE + len(self.bytes) | flags, BASE + len(self.bytes) + size, 4096), 0]
        self.bytes += data.rjust(size, bytes([EMPTY]))
        return WINDOW + 4096*(len(self.pages)-1) - len(data)

    def tables(self):
        "Page tables: all of memory at its own address but the first 2 MiB, and the window"
        if len(self.pages) > 500*512 or len(self.bytes) > 2**29 - BASE: sys.exit('the cases are too many')
        self.write(TABLES, TABLES+0x1003, TABLES+0x3003)
        for at in (0x1000, 0x3000): self.write(TABLES+at, TABLES+at+0x1003)
        self.write(TABLES+0x2000, 0, *(i << 21 | 0x83 for i in range(1, 256)))
        self.write(TABLES+0x4000, *(TABLES+0x5003 + 4096*i for i in range(-(-len(self.pages)//512))))
        self.write(TABLES+0x5000, *self.pages)


def emulated(bochs, model, program, jobs, words, kind, folder, rows=0):
    "What the machine makes of the cases: for each -1, or the exception that stopped it, and `c`; `rows` to be wrong about n on purpose"
    memory, sizes = Memory(program), []
    for i, ((chunks, room, params), (x, y)) in enumerate(zip(jobs, words)):
        n, m = x.shape[0], y.shape[1]
        params = [*params]
        params[0], params[3], params[6] = (memory.place(t, f) for t, f in ((x.tobytes(), 1), (y.tobytes(), 1), (bytes([EMPTY])*(4*n*m), 3)))
        params[7] += rows
        space, size = memory.place(bytes([EMPTY])*room, 3), -(-4*n*m//4096)*4096
        memory.write(CASES + 200*i, chunks, space, params[6]//4096*4096, size, *params)
        sizes.append((n, m, size))
    memory.tables()
    memory.bytes += bytes(-len(memory.bytes)%516096)  # whole cylinders of a disk
    memory.write(BASE + 0xfff8, len(memory.bytes)//512)
    for name, size in dict(rom=2**16, vga=512, disk=None).items(): (folder/name).write_bytes(memory.bytes[:size])
    settings = {'config_interface': 'textconfig', 'display_library': 'nogui', 'cpu': f'model={model}, ips=60000000', 'memory': 'guest=512, host=512',
                'romimage': 'file=rom', 'vgaromimage': 'file=vga', 'ata0-master': 'type=disk, path=disk, mode=flat', 'port_e9_hack': 'enabled=1',
                'log': 'log', 'panic': 'action=fatal'}
    (folder/'bochsrc').write_text(''.join(f'{k}: {v}\n' for k, v in settings.items()))
    silent = dict(stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    said = subprocess.run([bochs, '-q', '-f', 'bochsrc'], cwd=folder, stdout=subprocess.PIPE, timeout=1800, **silent).stdout  # its status isn't 0
    at = said.find(b'\nGUEST:\n') + 8
    for n, m, size in sizes:
        if at < 8 or len(said) < at+8+size: sys.exit(f'Bochs ended too early; its last words:\n{(folder/"log").read_text()[-2000:]}')
        status, pages, at = struct.unpack_from('<q', said, at)[0], said[at+8:at+8+size], at+8+size
        if pages[:-4*n*m].strip(bytes([EMPTY])): status = 'it wrote before c'
        yield status, np.frombuffer(pages[-4*n*m:], np.int32 if kind=='int8' else np.float32).reshape(n, m)


def main(bochs, folder):
    os.environ['NUMBA_CACHE_DIR'] = str(folder/'numba')
    from groundup.narrow import as_words
    from llvmlite.binding import llvm_version_info
    inputs, programs, rows, controls = {}, {}, [], []
    for kind in ('int8', 'bf16'):
        rng, todo = np.random.default_rng(7), [*cases(kind)]
        both = [matrices(kind, c, rng) for c in todo]
        words = [as_words(*ab) for ab in both]
        inputs[kind] = [c | dict(words=(*x.shape, y.shape[1])) for c, (x, y) in zip(todo, words)], both, words
    def counts(way, model, count=None, rows=0, other=None):
        "How many cases there were, came out right, and stopped"
        todo, both, words = (t[:count] for t in inputs[way[:4]])
        found = [*emulated(bochs, model, programs[other or way][0], programs[way][1][:count], words, way[:4], folder, rows)]
        right = sum(s==-1 and is_right(way[:4], t['what'], a, b, c) for t, (a, b), (s, c) in zip(todo, both, found))
        return dict(cases=len(todo), right=right, stopped=sum(s!=-1 for s, _ in found))
    print(f"{'way':16} {'compiled for':15} {'run as':17} {'cases':>5} {'right':>5} {'stopped':>7} {'with the instruction':>20}", flush=True)
    for way, cpu, cap, model, feature in WAYS:
        programs[way] = compiled(way, cpu, cap, inputs[way[:4]][0], folder)
        needed = counts(way, f'{model}, exclude_features={feature}')['stopped']
        rows.append(dict(way=way, compiled_for=cpu, run_as=model, **counts(way, model), with_instruction=needed))
        print('{:16} {:15} {:17} {:5} {:5} {:7} {:20}'.format(*rows[-1].values()), flush=True)
    print('\nwrong on purpose')
    for way, _, _, model, _ in WAYS:
        other = next(w for w in programs if w[:4]!=way[:4])
        for what, how in {'a row more': dict(rows=1), 'a row fewer': dict(rows=-1), f'the program of {other}': dict(other=other)}.items():
            controls.append(dict(way=way, what=what, **counts(way, model, 12, **how)))
            print('{:16} {:33} {:5} {:5} {:7}'.format(*controls[-1].values()), flush=True)
    commit = subprocess.run(['git', '-C', Path(bochs).parent, 'rev-parse', 'HEAD'], capture_output=True, text=True).stdout.strip()
    out = dict(bochs=re.search(r'Bochs x86 Emulator (\S+)', (folder/'log').read_text())[1], commit=commit, numba=version('numba'),
               llvm='.'.join(map(str, llvm_version_info)), rows=rows, controls=controls)
    (root/'nbs/results/emulated.json').write_text(json.dumps(out, indent=1) + '\n')
    if any(r['right'] < r['cases'] or not r['with_instruction'] for r in rows) or any(r['right'] for r in controls): sys.exit('not as it should be')


if __name__=='__main__':
    if sys.argv[1:2]==['--compile']: sys.exit(compile_here(sys.argv[2]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('bochs', help='the program `bochs`')
    parser.add_argument('--work', help='a folder for what comes up')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(args.work or folder).resolve()
        folder.mkdir(exist_ok=True)
        main(str(Path(args.bochs).resolve()), folder)
