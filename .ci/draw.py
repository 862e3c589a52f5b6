#!/usr/bin/env python3
"""The network on the page of chapter 10: nbs/widgets/draw_weights.js must be nbs/results/conv.npz, rounded to eight bits.

    .ci/draw.py            compare the two, and try the JavaScript on test digits, where there is node: what Python says, to three digits
    .ci/draw.py --write    round the weights anew
"""
import argparse, base64, json, shutil, subprocess, sys
from pathlib import Path

import torch
from groundup.data import get_test_data, is_mnist, get_exp_data
from groundup.handwriting import center_digit
from groundup.training import accuracy, load_net, softmax

root = Path(__file__).resolve().parent.parent
made = root/'nbs'/'widgets'/'draw_weights.js'
NODE = '''
const widgets = process.argv[1] + "/nbs/widgets";
for (const name of ["python", "draw_weights", "draw_rules"]) require(`${widgets}/${name}.js`);
const { center, unpack, forward, softmax } = groundup.draw, layers = groundup.drawWeights.map(unpack);
const pages = JSON.parse(require("fs").readFileSync(0));
console.log(JSON.stringify(pages.map(page => {
  const digit = center(page, 56, 48);
  return [Array.from(digit), softmax(forward(layers, digit).at(-1).values)];
})));
'''


def rounded(w):
    "Whole numbers from -127 to 127, and a scale for each column"
    scales = (w.abs().reshape(-1, w.shape[-1]).amax(0)/127).clamp(min=1e-12)
    return (w/scales).round().to(torch.int8), scales


def script(net):
    "The JavaScript for the weights of `net`; they are rounded in place"
    layers = []
    for l in net.layers:
        if not l.weights: continue
        q,scales = rounded(l.w)
        scales = torch.tensor([float(f'{s:.6g}') for s in scales.tolist()])
        l.w.copy_(q*scales)
        layers.append(dict(shape=list(l.w.shape), step=getattr(l, 'step', None), scales=[float(f'{s:.6g}') for s in scales.tolist()],
                           bias=[float(f'{b:.6g}') for b in l.b.tolist()], weights=base64.b64encode(q.numpy().tobytes()).decode()))
    return ('// The weights of the network in chapter 10, rounded to eight bits: made by .ci/draw.py --write\n'
            f'groundup.drawWeights = {json.dumps(layers)};\n')


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--write', action='store_true')
    write = p.parse_args().write
    net = load_net()
    text = script(net)
    if write: made.write_text(text, encoding='utf-8')
    if made.read_text(encoding='utf-8') != text: sys.exit(f'{made.relative_to(root)} is not conv.npz, rounded: run .ci/draw.py --write')
    x,y = map(torch.tensor, get_test_data())
    print(f'{made.relative_to(root)}: {len(text):,} bytes; in eight bits, {accuracy(net, x, y):.2%} of the test digits are right')
    node = shutil.which('node')
    if not node: return print('skipped the JavaScript: no program `node` here')
    pages = torch.zeros(100, 48, 56, dtype=torch.uint8)  # each digit one and a half times as large, in a corner
    for page,digit in zip(pages, x): page[3:45,9:51] = (torch.nn.functional.interpolate(digit.view(1, 1, 28, 28), size=42)[0,0]*255).round().byte()
    res = subprocess.run([node, '-e', NODE, str(root)], input=json.dumps(pages.reshape(100, -1).tolist()), text=True, capture_output=True, check=True)
    digits,said = (torch.tensor(o) for o in zip(*json.loads(res.stdout)))
    ours = torch.stack([center_digit(page.numpy()) for page in pages])
    apart,doubt = (digits-ours).abs().max().item(), (said - softmax(net.forward(ours))).abs().max().item()
    print(f'the JavaScript: pixels differ by {apart:.0e}, probabilities by {doubt:.0e}')
    if apart > 1e-3 or doubt > 1e-3: sys.exit('the JavaScript does not say what the package says')


if __name__ == '__main__': sys.exit(main())
