#!/usr/bin/env python3
"""Check that the rules of the widgets (nbs/widgets/*_rules.js) are those of the package: both must agree with .ci/widgets.json.

    .ci/widgets.py            compare the table with what the package says, then run the JavaScript on it, where there is node
    .ci/widgets.py --write    write the table anew, from what the package says
"""
import argparse, json, math, shutil, subprocess, sys
from itertools import permutations
from pathlib import Path

from groundup.broadcasting import explain_broadcast
from groundup.einsum import loop_nest, parse, _shapes
from groundup.numba import line_fetches
from groundup.xray import SECTOR, WARP, sectors

root = Path(__file__).resolve().parent.parent
table = root/'.ci'/'widgets.json'

SHAPES = [[], [[]], [[], []], [[3]], [[3], [3]], [[3], [4]], [[1], [0]], [[0], [2]], [[256,256,3], [3]], [[3,256,256], [3]], [[8,1,6,1], [7,1,5]],
          [[4,3], [4]], [[4,3], [4,1]], [[4,3], [1,4]], [[3], [3,1]], [[5,1,4], [3,1]], [[2,3], [3,2]], [[0,3], [1,3]], [[5,784], [10]], [[784,1], [784,10]],
          [[2,3,4], [4,3]], [[2,3,4], [2,3]], [[2,3,4], [2]], [[5,1], [1,4], [3,1,1]], [[2,3], [3], [2]], [[2], [3], [4]], [[6,5], [5,6]],
          [[2,2,3], [2,3,3]], [[], [4,1]], [[1,1,1], [2]], [[1,2], [3,1,2], [3]], [[100000,100000,2], [100000,100000,3]], [[7,2], [7,1,3], [7]]]

FORMULAS = [('ik,kj->ij',), ('ik,kj',), ('ik,kj->ij', (5,784), (784,10)), ('ik,kj->', (2,3), (3,4)), ('ii->',), ('ii->i',), ('ii',), ('ij->ji',), ('ba',),
            ('i,j->ij',), ('bik,bkj->bij',), ('i,ij,j->',), ('bqd,bsd->bqs', (32,100,64), (32,120,64)), ('ik->i', (2,3)), ('->',), ('',), (',->',),
            ('...i,...ij->...j', (4,2,3), (1,3,5)), ('i...->i...', (2,3,4)), ('...', (2,3)), ('...ij,...jk', (7,2,3), (3,4)), (' i k , k j -> i j ',),
            ('ik,kj->ij', (2,1), (3,4)), ('Ab,bC->AC',), ('iB,Bj->ij',), ('a,b,c,d->abcd',), ('...->...', ()),
            # mistakes
            ('ik,jk->ij', (5,784), (784,10)), ('ik,kj->il', (2,3), (3,4)), ('ik->ii', (2,3)), ('ii->i', (2,3)), ('ik,kj->ij', (2,3)), ('ijk->i', (2,3)),
            ('i->i', (2,3)), ('i...->i', (2,3)), ('i?k', (2,3)), ('i...j...', (2,3)), ('..i', (3,)), ("i'k", (2,3)), ('i"\'k', (2,3)), ('é->é',), ('i->j',),
            ('...i->i',), ('ik,kj->ij', (2,3), (4,5)), ('ii->i', (1,3)), ('ik->i->k',), ('i\\k', (2,)), ('i-k', (2,3)), ('ijkl->ijkl',)]

CACHES = [(order, *sizes) for order in map(''.join, permutations('ijl'))
          for sizes in ((8,8,8,4,8), (4,4,4,2,4), (4,4,4,2,30), (3,5,7,4,6), (1,1,1,4,1), (5,3,2,16,2), (0,3,4,4,8))]

GRIDS = [(n, k, m, block, first) for n,k,m in ((32,16,16), (20,9,10), (5,7,3), (1,1,1))
         for block in ((16,16), (8,8), (32,8), (32,1)) for first in 'ij']


def broadcast_case(shapes):
    "How these shapes broadcast"
    e = explain_broadcast(*map(tuple, shapes))
    return dict(shapes=shapes, result=e.result, cells=e.cells(), mends=e.mends, advice=e.advice())


def kernel(formula, *shapes):
    "The loops of a formula on a grid of threads, one for each place of the result"
    head, *lines = loop_nest(formula, *shapes).split('\n')
    out = parse(formula, _shapes(formula, shapes)).out
    n = len(out)
    if not 1 <= n <= 3: raise ValueError(f'the result has {n} labels; a grid of threads has 1, 2 or 3 directions')
    inside = ' and '.join(f'{l} < out.shape[{x}]' for x, l in enumerate(out))
    return '\n'.join([head, f"    {','.join(out)} = cuda.grid({n})", f'    if {inside}:', *(line[4*n-4:] for line in lines[n:])])


def einsum_case(formula, *shapes):
    "The loops of a formula, on the CPU and on a grid, and its axes; or the errors"
    def either(f, *args, **kw):
        try: return f(*args, **kw)
        except ValueError as e: return dict(error=str(e))
    def axes():
        f = parse(formula, _shapes(formula, shapes))
        return dict(terms=f.terms, out=f.out, sizes=list(f.sizes.items()), summed=f.summed)
    return dict(formula=formula, shapes=shapes, loops=either(loop_nest, formula, *shapes), grid=either(kernel, formula, *shapes), axes=either(axes))


def cache_case(order, n, k, m, line, lines):
    "What is fetched in each step"
    return dict(order=order, n=n, k=k, m=m, line=line, lines=lines, fetched=','.join(line_fetches(order, n, k, m, line, lines)))


def fetched(places):
    "The sectors in which these numbers of float32 lie, and how few could hold them, counted by the package"
    found = sorted({4*p//SECTOR for p in places})
    asked,needed = sectors(places, 4) if places else (0, 0)
    assert len(found) == asked, (places, found, asked)
    return found, needed


def grid_case(n, k, m, block, first):
    "For each warp of each block: how many threads have something to do, and the sectors that they touch in a, b and c at step 0"
    (x,y),warps = block, []
    along,across = (n, m) if first=='i' else (m, n)
    for q in range(math.ceil(across/y)):
        for p in range(math.ceil(along/x)):
            for w in range(math.ceil(x*y/WARP)):
                threads = [(p*x + t%x, q*y + t//x) for t in range(WARP*w, min(WARP*(w+1), x*y))]  # threadIdx.x walks first
                places = [(i, j) for i,j in (t if first=='i' else t[::-1] for t in threads) if i < n and j < m]
                touched = dict(a=fetched([i*k for i,_ in places]), b=fetched([j for _,j in places]), c=fetched([i*m+j for i,j in places]))
                warps.append(dict(block=[p, q], warp=w, busy=len(places), sectors={name: found for name,(found,_) in touched.items()},
                                  needed={name: needed for name,(_,needed) in touched.items()}))
    return dict(n=n, k=k, m=m, block=block, first=first, warps=warps)


def cases():
    "The table, from what the package says, as JSON with a case on a line"
    made = dict(broadcast=map(broadcast_case, SHAPES), einsum=(einsum_case(*f) for f in FORMULAS),
                cache=(cache_case(*c) for c in CACHES), threads=(grid_case(*g) for g in GRIDS))
    part = lambda name, rows: f'"{name}": [\n' + ',\n'.join(json.dumps(r, ensure_ascii=False, separators=(',', ':')) for r in rows) + '\n]'
    return '{' + ',\n'.join(part(*p) for p in made.items()) + '}\n'


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--write', action='store_true')
    text = cases()
    if p.parse_args().write: table.write_text(text, encoding='utf-8')
    if table.read_text(encoding='utf-8') != text:
        sys.exit(f'{table.relative_to(root)} is not what the package says: look at what has changed, then run .ci/widgets.py --write')
    print('the package agrees with', ', '.join(f'{len(rows)} cases of {name}' for name,rows in json.loads(text).items()))
    node = shutil.which('node')
    if not node: return print('skipped the JavaScript: no program `node` here; the browser runs the same table where the site is built')
    return subprocess.run([node, root/'.ci'/'widgets.js']).returncode


if __name__ == '__main__': sys.exit(main())
