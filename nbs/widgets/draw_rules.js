// What chapter 10 does with a drawing: fit it into 28×28 as MNIST's makers did, then go through the layers of the network in draw_weights.js.
"use strict";

groundup.draw = (() => {
  // Shrink or stretch along one axis, each new number a weighted mean of the old ones around it, as Pillow's BILINEAR does.
  // `at(i, j)` is number i of line j
  function resized(at, size, lines, to) {
    const scale = size / to, reach = Math.max(scale, 1), out = new Float32Array(to * lines);
    for (let o = 0; o < to; o++) {
      const middle = (o + .5) * scale, weights = [];
      const first = Math.max(0, Math.trunc(middle - reach + .5)), last = Math.min(size, Math.trunc(middle + reach + .5));
      for (let i = first; i < last; i++) weights.push(Math.max(0, 1 - Math.abs((i - middle + .5) / reach)));
      const total = weights.reduce((a, b) => a + b);
      for (let j = 0; j < lines; j++) out[o * lines + j] = weights.reduce((sum, w, i) => sum + w * at(first + i, j), 0) / total;
    }
    return out;
  }

  const round = x => x % 1 === .5 ? 2 * Math.round(x / 2) : Math.round(x);  // as Python does

  // `grey` has width×height numbers from 0, paper, to 255, ink. The digit as 784 numbers from 0 to 1, or null where nothing is drawn
  function center(grey, width, height) {
    const most = grey.reduce((a, b) => Math.max(a, b), 0);
    if (most < 30) return null;
    let top = height, bottom = 0, left = width, right = 0;
    const ink = Float32Array.from(grey, g => g < .2 * most ? 0 : g / most);
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) if (ink[y * width + x]) {
      top = Math.min(top, y); bottom = Math.max(bottom, y + 1); left = Math.min(left, x); right = Math.max(right, x + 1);
    }
    const [h, w] = [bottom - top, right - left].map(s => Math.max(1, round(20 * s / Math.max(bottom - top, right - left))));
    const wide = resized((x, y) => ink[(top + y) * width + left + x], right - left, bottom - top, w);  // x first: w × (bottom-top)
    const box = resized((y, x) => wide[x * (bottom - top) + y], bottom - top, w, h);  // h×w
    let sum = 0, down = 0, along = 0;
    box.forEach((v, i) => { sum += v; down += v * Math.floor(i / w); along += v * (i % w); });
    const place = (at, size) => Math.min(Math.max(round(14 - at / sum), 0), 28 - size), y = place(down, h), x = place(along, w);
    const digit = new Float32Array(784), dark = box.reduce((a, b) => Math.max(a, b), 0);
    box.forEach((v, i) => { digit[(y + Math.floor(i / w)) * 28 + x + i % w] = v / dark; });
    return digit;
  }

  // Eight bits a weight, and a scale for each column, become numbers again
  function unpack({ shape, step, weights, scales, bias }) {
    const bytes = Uint8Array.from(atob(weights), c => c.charCodeAt(0)), columns = shape.at(-1);
    return { shape, step, bias, w: Float32Array.from(new Int8Array(bytes.buffer), (b, i) => b * scales[i % columns]) };
  }

  // A product: `x` has n rows of k numbers, found by `at(row, l)`
  function times(at, n, k, { w, bias }, relu) {
    const m = bias.length, out = new Float32Array(n * m);
    for (let i = 0; i < n; i++) {
      const row = out.subarray(i * m, (i + 1) * m);
      row.set(bias);
      for (let l = 0; l < k; l++) {
        const x = at(i, l);
        if (x) for (let j = 0; j < m; j++) row[j] += x * w[l * m + j];
      }
      if (relu) for (let j = 0; j < m; j++) row[j] = Math.max(0, row[j]);
    }
    return out;
  }

  // What each layer says: a list of { side, channels, values }, the last of them the ten scores
  function forward(layers, digit) {
    let x = { side: 28, channels: 1, values: digit };
    return layers.map((layer, o) => {
      const last = o === layers.length - 1, { side, channels, values } = x;
      if (layer.shape.length === 2) x = { side: 1, channels: layer.shape[1], values: times((_, l) => values[l], 1, layer.shape[0], layer, !last) };
      else {
        const [size, , , filters] = layer.shape, wide = Math.floor((side - size) / layer.step) + 1;
        const at = (i, l) => {  // number l of window i
          const y = Math.floor(i / wide) * layer.step + Math.floor(l / (size * channels));
          return values[(y * side + i % wide * layer.step) * channels + l % (size * channels)];
        };
        x = { side: wide, channels: filters, values: times(at, wide * wide, size * size * channels, layer, true) };
      }
      return x;
    });
  }

  function softmax(scores) {
    const most = Math.max(...scores), e = Array.from(scores, s => Math.exp(s - most)), sum = e.reduce((a, b) => a + b);
    return e.map(v => v / sum);
  }

  return { center, unpack, forward, softmax };
})();
