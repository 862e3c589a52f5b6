"""The small pictures of the chapters on the home page, as SVG files in nbs/cards; `.ci/readme.py` writes them.

No background, and the colours of the book's figures, which are legible on light and on dark pages.
"""
import json
from pathlib import Path

from groundup.plots import accent, ink, second
from groundup.random import WichmannHill

root = Path(__file__).resolve().parent.parent


def box(x, y, w=14, h=14, fill='none', stroke=ink, opacity=1, r=1.5):
    return f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="{r}" fill="{fill}" stroke="{stroke}" fill-opacity="{opacity:g}"/>'


def dot(x, y, r=3, fill=ink, opacity=1): return f'<circle cx="{x:g}" cy="{y:g}" r="{r:g}" fill="{fill}" fill-opacity="{opacity:g}"/>'


def line(*points, color=ink, width=1.5, dash=''):
    at = ' '.join(f'{x:g},{y:g}' for x, y in points)
    return f'<polyline points="{at}" fill="none" stroke="{color}" stroke-width="{width}"' + (f' stroke-dasharray="{dash}"' if dash else '') + '/>'


def text(x, y, s, color=ink, size=15): return f'<text x="{x}" y="{y}" fill="{color}" font-size="{size}" font-family="monospace">{s}</text>'


def grid(x, y, rows, cols, step=16, mark=lambda i, j: None, opacity=.8):
    "Squares in rows; `mark` says in which colour one is filled"
    return [box(x+j*step, y+i*step, step-3, step-3, *((c, c, opacity) if (c := mark(i, j)) else ('none', ink))) for i in range(rows) for j in range(cols)]


def core(): return [f'<circle cx="86" cy="54" r="30" fill="none" stroke="{accent}" stroke-width="4"/>', line((108, 76), (130, 98), color=accent, width=6),
                    *[line((150, y), (150+w, y), width=3) for y, w in ((30, 60), (48, 42), (66, 52))], text(77, 61, '?', second, 22)]

def data():
    seven = [(2, j) for j in range(2, 8)] + [(i, j) for i, j in zip(range(3, 10), (7, 6, 6, 5, 5, 4, 4))]
    return [box(75+8*j, 12+8*i, 7, 7, accent if (i, j) in seven else ink, 'none', .95 if (i, j) in seven else .16, 0) for i in range(12) for j in range(11)]

def random():
    draw = WichmannHill(1).random
    return [dot(20+200*draw(), 10+100*draw(), 2, accent if i % 9 == 0 else ink, .8) for i in range(260)]

def loops(): return [line((x+22, y), (x, y), (x, 120-y), (x+22, 120-y), color=c, width=3) for x, y, c in ((50, 12, ink), (72, 28, second), (94, 44, accent))] + [text(126, 65, '+= a*b', ink, 16)]

def numba(): return [*grid(30, 15, 5, 5, 18, lambda i, j: accent if i == 2 else None), *[line((128, 32+18*i), (210, 32+18*i), color=accent if i == 1 else ink, width=2) for i in range(4)],
                     *[dot(210, 32+18*i, 4, accent if i == 1 else ink) for i in range(4)]]

def broadcasting(): return [*grid(30, 28, 4, 1, mark=lambda i, j: accent), text(54, 66, '→', ink, 20), *grid(84, 28, 4, 8, mark=lambda i, j: accent, opacity=.25), *grid(84, 28, 4, 1, mark=lambda i, j: accent)]

def einsum(): return [text(24, 70, 'i', second, 30), text(42, 70, 'k', accent, 30), text(60, 70, ',', ink, 30), text(78, 70, 'k', accent, 30), text(96, 70, 'j', second, 30), text(122, 70, '→', ink, 28),
                      text(164, 70, 'i', second, 30), text(182, 70, 'j', second, 30), line((52, 80), (52, 92), (88, 92), (88, 80), color=accent)]

def cuda(): return [*[box(36+58*b, 8+54*r, 50, 46, 'none', accent if (b, r) == (1, 0) else ink, 1, 3) for b in range(3) for r in range(2)],
                    *[dot(44+58*b+11*j, 17+54*r+10*i, 2.6, accent if (b, r) == (1, 0) else ink, .9 if (b, r) == (1, 0) else .45) for b in range(3) for r in range(2) for i in range(4) for j in range(4)]]

def gemm():
    tile = lambda i, j: accent if i//3 == 0 and j//4 == 1 else None
    corners = [(x, y) for y in (8, 59) for x in (52, 120)]
    return [*grid(53.5, 9.5, 6, 8, 17, tile), *[box(x, y, 68, 51, stroke=accent if (x, y) == (120, 8) else second) for x, y in corners]]

def kernels(): return [*grid(72, 12, 6, 6, 17, lambda i, j: accent if 1 <= i <= 2 and 2 <= j <= 3 else None), box(67, 7, 106, 106, stroke=second)]

def training():
    layers = [[(50, y) for y in (20, 47, 74, 101)], [(120, y) for y in (30, 60, 90)], [(190, y) for y in (42, 78)]]
    return [*[line(p, q, width=.8, color=accent if (p[1], q[1]) in ((47, 60), (60, 42)) else ink) for a, b in zip(layers, layers[1:]) for p in a for q in b], *[dot(*p, 7, accent if p in ((47, 60), (190, 42)) else ink) for l in layers for p in l]]

def bits():
    import torch
    from groundup.bits import FORMATS, encode
    rows = [(FORMATS[n], f'{int(encode(torch.tensor(.1), n)):0{FORMATS[n].bits}b}') for n in ('float32', 'bfloat16', 'float16', 'float8_e5m2')]
    colour = lambda f, j: accent if j == 0 else second if j <= f.exponent else ink
    return [box(24.5+6*j, 14.5+25*i, 4, 16, colour(f, j) if b == '1' else 'none', colour(f, j), 1, 1) for i, (f, pattern) in enumerate(rows) for j, b in enumerate(pattern)]

def distributed(): return [*[box(x, y, 62, 36, 'none', c, 1, 4) for x, y, c in ((28, 8, accent), (150, 8, ink), (28, 76, ink), (150, 76, ink))], line((90, 26), (150, 26), color=accent, width=2),
                           line((181, 44), (181, 76), width=2), line((150, 94), (90, 94), width=2), line((59, 76), (59, 44), width=2)]

def ladder():
    from math import log10
    rungs = [r for r in json.loads((root/'nbs'/'results'/'ladder.json').read_text())['rungs'] if not r['skipped']]
    at = [log10(r['seconds']/r['rows']) for r in rungs]
    x = lambda v: 25 + 190*(v-min(at))/(max(at)-min(at))
    return [dot(x(v), 10+100*i/(len(at)-1), 4, ink if r['loops'] else accent) for i, (v, r) in enumerate(zip(at, rungs))]


def main():
    "Write a picture for each chapter there is"
    folder = root/'nbs'/'cards'
    folder.mkdir(exist_ok=True)
    for path in sorted((root/'nbs').glob('[0-9]*.ipynb')):
        if draw := globals().get(path.stem[3:]):
            (folder/f'{path.stem}.svg').write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 120" width="240" height="120">\n' + '\n'.join(draw()) + '\n</svg>\n')
