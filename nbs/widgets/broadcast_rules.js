// The rule of broadcasting, as in groundup.broadcasting: the two must agree on every case of .ci/widgets.json.
"use strict";

groundup.broadcast = (() => {
  const { prod, tuple } = groundup.python;

  // The size on which `sizes` agree on one axis, or null where they clash
  function meet(sizes) {
    const others = new Set(sizes.filter(n => n !== 1));
    return others.size > 1 ? null : others.size ? [...others][0] : 1;
  }

  function lineUp(shapes) {
    const longest = Math.max(0, ...shapes.map(s => s.length));
    return shapes.map(s => [...Array(longest - s.length).fill(1), ...s]);
  }

  function meetAll(shapes) {
    const full = lineUp(shapes);
    return (full[0] ?? []).map((_, x) => meet(full.map(s => s[x])));
  }

  function* combinations(from, to, count) {
    if (!count) yield [];
    else for (let x = from; x <= to - count; x++) for (const rest of combinations(x + 1, to, count - 1)) yield [x, ...rest];
  }

  // What could be done to one operand so that the shapes fit: [expression, its shape, the result], smallest result first
  function mends(shapes, names) {
    const found = [], longest = Math.max(...shapes.map(s => s.length)), last = shapes.length - 1;
    for (let o = last; o >= 0; o--) {
      const s = shapes[o], ways = [];
      if (s.length > 1) ways.push([names[o] + (s.length === 2 ? ".T" : ".mT"), [...s.slice(0, -2), s.at(-1), s.at(-2)]]);
      for (let n = s.length + 1; s.length && longest < 10 && n < longest + 2; n++)
        for (const kept of combinations(1, n, s.length - 1)) {
          const old = [0, ...kept], index = Array.from({ length: n }, (_, x) => old.includes(x) ? ":" : "None");
          const shape = index.map((what, x) => what === ":" ? s[old.indexOf(x)] : 1);
          while (index.at(-1) === ":") index.pop();
          ways.push([`${names[o]}[${index.join(",")}]`, shape]);
        }
      for (const [how, shape] of ways) found.push([how, shape, meetAll(shapes.with(o, shape))]);
    }
    const every = shapes.map(prod).reduce((p, n) => p * n, 1n);  // each number with each
    return found.filter(f => !f[2].includes(null) && prod(f[2]) < every)
      .sort((x, y) => Number(prod(x[2]) - prod(y[2])) || x[2].length - y[2].length);
  }

  // For each operand, and for the result: the text and the kind of the cell of each axis
  function cells(shapes, result) {
    const cell = (size, total, own) =>
      total === null ? [own ? String(size) : "", size !== 1 ? "clash" : own ? "there" : "none"]
      : own && size === total ? [String(size), "there"] : [`${own ? size : ""}→${total}`, "stretched"];
    const rows = lineUp(shapes).map((full, o) => full.map((n, x) => cell(n, result[x], x >= full.length - shapes[o].length)));
    return [...rows, result.map(total => total === null ? ["?", "none"] : [String(total), "there"])];
  }

  function explain(shapes, names = [..."abcdefghijklmnopqrstuvwxyz"].slice(0, shapes.length)) {
    const result = meetAll(shapes), clash = result.includes(null), full = lineUp(shapes);
    const ways = clash ? mends(shapes, names) : [];
    const advice = result.flatMap((total, x) => total !== null ? [] :
      [`axis ${x - result.length}: ${[...new Set(full.map(s => s[x]).filter(n => n !== 1))].join(" and ")} clash; they must be equal, or 1`]);
    for (const [how, shape, out] of ways.slice(0, 1)) advice.push(`try ${how}, of shape ${tuple(shape)}: the result is ${tuple(out)}`);
    return { names, shapes, result, mends: ways, cells: cells(shapes, result), advice };
  }

  return { explain };
})();
