#!/usr/bin/env python3
"""Run the products of bfloat16 and int8 (nbs/backstage/narrow) in an emulator, for processors that need not be there.

numba compiles each product for a processor that has the instruction. The product is then the whole program of a machine in Bochs, with a small loop
around it (guest.S), no operating system, and no memory but the matrices: where one ends, a page begins that isn't there, and `a` and `b` can't be written.
What comes out is compared with float64, or with exact whole numbers. Some runs must fail, and show that this would be seen.

    apt-get install gcc g++ make binutils git
    git clone https://github.com/bochs-emu/Bochs && cd Bochs/bochs && git checkout 783b58fd6d9bae598a07c59719122322fa0edce6
    sed -i -E 's/Bit32s\\((.byte\\[.\\])\\)/Bit32s(Bit8s(\\1))/g' cpu/avx/amx.cc
    ./configure --enable-x86-64 --enable-avx --enable-evex --enable-amx --enable-all-optimizations --enable-protection-keys --enable-cet \\
        --enable-vmx=2 --enable-uintr --with-nogui --disable-docbook && make bochs
    .ci/emulate/emulate.py Bochs/bochs/bochs        (in this repository, with the package installed)

The `sed` mends an error of that commit: the bytes that AMX takes as signed were not sign-extended, so that tdpbusd gave wrong sums for negative numbers.
Without it all cases of int8_amx with negative numbers come out wrong here. Writes nbs/results/emulated.json; all else goes to a temporary folder, or to
the one that --work names, where it is kept."""
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
# way, the processor that LLVM compiles for, features as the package asks for them, the processor that Bochs is, the instruction that must be there
WAYS = [('int8_avxvnni', 'alderlake', 'avxvnni', 'arrow_lake', 'vpdpbusd'), ('int8_avx512vnni', 'icelake-client', 'avx512vnni', 'corei7_icelake_u', 'vpdpbusd'),
        ('bf16_avx512bf16', 'znver4', 'avx512bf16', 'sapphire_rapids', 'vdpbf16ps'), ('int8_amx', 'sapphirerapids', 'amx', 'sapphire_rapids', 'tdpbusd'),
        ('bf16_amx', 'sapphirerapids', 'amx', 'sapphire_rapids', 'tdpbf16ps')]
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
    n, k, m = case['shape']
    what, sizes = case['what'], ((n, k), (k, m))
    if kind=='int8':
        return [torch.from_numpy(rng.integers(-128, 128, s, np.int8) if what=='any' else np.full(s, e, np.int8)) for s, e in zip(sizes, what if what!='any' else (0, 0))]
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
    sizes = [np.abs(np.where(np.isfinite(t), t, 0)) for t in (a, b)]
    small = [t*(t < 2.**-126) for t in sizes]
    k = a.shape[1]
    bound = (k+1)*2.**-24*(sizes[0]@sizes[1]) + small[0]@sizes[1] + sizes[0]@small[1] + 2*k*2.**-126
    with np.errstate(all='ignore'): return bool(np.all(np.where(np.isfinite(e), np.abs(c-e) <= bound, np.isnan(e) & np.isnan(c) | (c==e))))


def compile_here(way):
    "In a process of its own: what numba makes of a way, into way.o, and how its loop is told about the cases on stdin, as JSON"
    import numba
    from groundup.limits import chunk_kind
    from groundup.narrow import word_dtype
    from groundup.tiles import block_sizes, do_chunk, start_job
    scalar = word_dtype(way)
    def product_chunk(q, params, space): do_chunk(q, params, space, np.empty(0, scalar))
    chunk = numba.cfunc(chunk_kind, error_model='numpy')(product_chunk)
    library = chunk._library
    Path('chunk.o').write_bytes(library._codegen._tm.emit_object(library._final_module))
    jobs = []
    for case in json.load(sys.stdin):
        n, l, m = case['words']
        x, y, c = (np.empty(s, np.uint32) for s in ((n, l), (l, m), (n, m)))
        params = np.zeros(21, np.int64)
        sizes = case.get('sizes') or block_sizes(4, 2**15, 2**20)
        jobs.append([*start_job(params, x, y, c, *case.get('grid', (1, 1)), 0, 0, 0, 0, l, *sizes, 2**15, case.get('far', 2**24), 0), params.tolist()])
    print(json.dumps(dict(symbol=chunk._wrapper_name, jobs=jobs, code=library.get_asm_str())))


def run(*command, **kw):
    "What a program writes"
    r = subprocess.run([*map(str, command)], capture_output=True, **kw)
    if r.returncode: sys.exit(f'{Path(command[0]).name}: {(r.stderr or r.stdout)[-2000:]}')
    return r.stdout


def compiled(way, cpu, cap, instruction, todo, folder):
    "The program of the machine, and jobs: chunks, bytes for packing, parameters"
    from groundup.vectors import CAPS
    env = {**os.environ, 'NUMBA_CPU_NAME': cpu, 'NUMBA_CPU_FEATURES': ','.join('+' + f for f in CAPS[cap][1])}
    out = json.loads(run(sys.executable, Path(__file__).resolve(), '--compile', way, env=env, cwd=folder, input=json.dumps(todo).encode()))
    if not re.search(rf'\b{instruction}\b', out['code']): sys.exit(f'{way}: there is no {instruction} in what numba made')
    (folder/'layout').write_text(f'SECTIONS {{ . = {BASE:#x}; .start : {{ *(.start) }} .code : {{ *(.text*) *(.ltext*) }} .rodata : {{ *(.rodata*) *(.lrodata*) }}'
                                 ' .data : { *(.data*) *(.ldata*) *(.got*) *(.bss*) *(.lbss*) } /DISCARD/ : { *(.eh_frame*) *(.note*) *(.comment) } }')
    run('objcopy', '--redefine-sym', f"{out['symbol']}=chunk", 'chunk.o', cwd=folder)
    run('gcc', '-c', Path(__file__).resolve().parent/'guest.S', '-o', 'guest.o', cwd=folder)
    run('ld', '-static', '-T', 'layout', '--no-warn-rwx-segments', '--unresolved-symbols=ignore-all', '-o', 'guest', 'guest.o', 'chunk.o', cwd=folder)
    run('objcopy', '-O', 'binary', 'guest', 'program', cwd=folder)
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
        self.write(TABLES+0x1000, TABLES+0x2003)
        self.write(TABLES+0x2000, 0, *(i << 21 | 0x83 for i in range(1, 256)))
        self.write(TABLES+0x3000, TABLES+0x4003)
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
    (folder/'bochsrc').write_text(f'''config_interface: textconfig
display_library: nogui
cpu: model={model}, count=1, ips=60000000, reset_on_triple_fault=0
memory: guest=512, host=512
romimage: file=rom
vgaromimage: file=vga
ata0-master: type=disk, path=disk, mode=flat
port_e9_hack: enabled=1
log: log
panic: action=fatal
clock: sync=none, time0=0
plugin_ctrl: speaker=0
''')
    said = subprocess.run([bochs, '-q', '-f', 'bochsrc'], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=3600).stdout
    at = said.find(b'\nGUEST:\n') + 8
    for n, m, size in sizes:
        if at < 8 or len(said) < at+8+size: sys.exit(f'Bochs ended too early; its last words:\n{(folder/"log").read_text()[-2000:]}')
        status, pages, at = struct.unpack_from('<q', said, at)[0], said[at+8:at+8+size], at+8+size
        good = not pages[:-4*n*m].strip(bytes([EMPTY]))
        yield status if good else 'written before c', np.frombuffer(pages[-4*n*m:], np.int32 if kind=='int8' else np.float32).reshape(n, m)


def table(rows):
    print(f"{'way':16} {'compiled for':15} {'run as':17} {'cases':>5} {'right':>5} {'stopped':>7}")
    for r in rows: print(f"{r['way']:16} {r['compiled_for']:15} {r['run_as']:17} {r['cases']:5} {r['right']:5} {r['stopped']:7}  {r.get('wrong_on_purpose', '')}", flush=True)


def main(bochs, folder):
    os.environ['NUMBA_CACHE_DIR'] = str(folder/'numba')
    from groundup.narrow import as_words
    import llvmlite.binding as llvm
    inputs = {}
    for kind in ('int8', 'bf16'):
        rng, todo = np.random.default_rng(7), [*cases(kind)]
        both = [matrices(kind, c, rng) for c in todo]
        words = [as_words(*ab) for ab in both]
        inputs[kind] = [c | dict(words=(*x.shape, y.shape[1])) for c, (x, y) in zip(todo, words)], both, words
    rows, controls, programs = [], [], {}
    def one(way, cpu, model, purpose='', count=None, n=0, program=None):
        kind = way[:4]
        todo, both, words = (t[:count] for t in inputs[kind])
        found = [*emulated(bochs, model, program or programs[way][0], programs[way][1][:count], words, kind, folder, n)]
        right = sum(s==-1 and is_right(kind, t['what'], a, b, c) for t, (a, b), (s, c) in zip(todo, both, found))
        return dict(way=way, compiled_for=cpu, run_as=model, cases=len(todo), right=right, stopped=sum(s!=-1 for s, _ in found),
                    **(dict(wrong_on_purpose=purpose) if purpose else {}))
    for way, cpu, cap, model, instruction in WAYS:
        programs[way] = compiled(way, cpu, cap, instruction, inputs[way[:4]][0], folder)
        rows.append(one(way, cpu, model) | dict(instruction=instruction))
        print(rows[-1], file=sys.stderr, flush=True)
    for way, cpu, _, model, _ in WAYS:
        controls += [one(way, cpu, model, f'{abs(n)} row {"more" if n > 0 else "fewer"} than there is', 12, n) for n in (1, -1)]
    way, cpu, _, model, _ = WAYS[3]
    controls.append(one(way, cpu, 'arrow_lake', 'a processor without AMX', 12))
    controls.append(one(way, cpu, model, "bf16_amx's product", 12, program=programs['bf16_amx'][0]))
    table(rows + controls)
    name = re.search(r'Bochs x86 Emulator (\S+)', (folder/'log').read_text())[1]
    out = dict(bochs=name, numba=version('numba'), llvm='.'.join(map(str, llvm.llvm_version_info)), rows=rows, controls=controls)
    (root/'nbs/results/emulated.json').write_text(json.dumps(out, indent=1) + '\n')
    if any(r['right'] < r['cases'] for r in rows) or any(r['right'] for r in controls): sys.exit('not as it should be')


if __name__=='__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('bochs', help='the program `bochs`', nargs='?')
    parser.add_argument('--work', help='a folder for what comes up; default: a temporary one')
    parser.add_argument('--compile', help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.compile: compile_here(args.compile)
    elif not args.bochs: parser.error('which Bochs? ' + __doc__)
    else:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(args.work or folder).resolve()
            folder.mkdir(exist_ok=True)
            main(str(Path(args.bochs).resolve()), folder)
