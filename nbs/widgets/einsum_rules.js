// Formulas and their loops, as in groundup.einsum: the two must agree on every case of .ci/widgets.json.
"use strict";

groundup.einsum = (() => {
  const { repr, tuple } = groundup.python;
  const LETTER = /^[A-Za-z]$/, CAPITALS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
  const count = (labels, label) => labels.filter(l => l === label).length;
  const partition = (text, at) => text.includes(at)
    ? [text.slice(0, text.indexOf(at)), at, text.slice(text.indexOf(at) + at.length)] : [text, "", ""];

  function labelsOf(term, where) {
    const labels = term.match(/\.{3}|[^ ]/gu) ?? [];
    const wrong = labels.find(l => l !== "..." && !LETTER.test(l));
    if (wrong !== undefined || count(labels, "...") > 1) {
      const why = wrong !== undefined ? `${repr(wrong)} is no label` : "there is more than one '...'";
      throw new Error(`${where} is ${repr(term)}, and ${why}: labels are letters, or '...' once`);
    }
    return labels;
  }

  // label → size, in the order in which the labels occur
  function labelSizes(terms, shapes) {
    const sizes = new Map();
    for (const l of new Set(terms.flat())) {
      const found = terms.flatMap((t, o) => t.flatMap((m, x) => m === l ? [[o, shapes[o][x]]] : []));
      const others = new Set(found.map(([, n]) => n).filter(n => n !== 1));
      const twice = found.some(([o, n]) => found.some(([p, q]) => o === p && n !== q));
      if (others.size > 1 || twice) {
        const clash = found.map(([o, n]) => `${n} in operand ${o}`).join(", ");
        const rule = twice ? "within an operand they must be equal" : "they must be equal, or 1";
        throw new Error(`the label ${repr(l)} has clashing sizes: ${clash}; ${rule}`);
      }
      sizes.set(l, others.size ? [...others][0] : 1);
    }
    return sizes;
  }

  const spell = (term, n) => term.flatMap(l => l === "..." ? Array.from({ length: n }, (_, x) => `e${n - x}`) : [l]);

  function parse(subscripts, shapes) {
    const [inputs, arrow, output] = partition(subscripts, "->");
    let terms = inputs.split(",").map((t, o) => labelsOf(t, `operand ${o}`));
    if (terms.length !== shapes.length)
      throw new Error(`${repr(subscripts)} needs ${terms.length} operand${terms.length === 1 ? "" : "s"}; given: ${shapes.length}`);
    const under = terms.map((t, o) => shapes[o].length - t.length + t.includes("..."));  // axes without a letter
    terms.forEach((t, o) => {
      if (under[o] < 0 || under[o] && !t.includes("..."))
        throw new Error(`operand ${o} is ${repr(t.join(""))} and has the shape ${tuple(shapes[o])}: each axis needs a letter, or '...' for the others`);
    });
    const all = terms.flat(), once = [...new Set(all)].filter(l => l !== "..." && count(all, l) === 1).sort();
    terms = terms.map((t, o) => spell(t, under[o]));
    const sizes = labelSizes(terms, shapes), out = arrow ? labelsOf(output, "the result") : ["...", ...once];
    if (!out.includes("...") && under.some(Boolean))
      throw new Error(`the result is ${repr(output)}, and must have '...', as there are axes under it`);
    for (const l of out) {
      if (!sizes.has(l) && l !== "...") throw new Error(`the result has the label ${repr(l)}, but no operand has it`);
      if (count(out, l) > 1) throw new Error(`the result has the label ${repr(l)} more than once`);
    }
    const spelt = spell(out, Math.max(...under));
    return { terms, out: spelt, sizes, summed: [...sizes.keys()].filter(l => !spelt.includes(l)) };
  }

  // Shapes of size 2 where none are given
  function shapesFor(subscripts, shapes) {
    if (shapes.length) return shapes;
    if (subscripts.includes("...")) throw new Error(`${repr(subscripts)} has '...': give the operands, or their shapes`);
    return partition(subscripts, "->")[0].split(",").map(term => (term.match(/\p{L}/gu) ?? []).map(() => 2));
  }

  function names(f) {
    const free = CAPITALS.filter(l => !f.sizes.has(l));
    return f.terms.map((_, o) => f.terms.length <= free.length ? free[o] : `op${o}`);
  }

  // Python source of the loops that a formula means; with `grid`, as a CUDA kernel
  function loopNest(subscripts, given = [], grid = false) {
    const shapes = shapesFor(subscripts, given), f = parse(subscripts, shapes), length = new Map();
    const factors = names(f).map((name, o) => {
      const term = f.terms[o], shape = shapes[o], whole = x => shape[x] === f.sizes.get(term[x]);
      term.forEach((l, x) => { if (whole(x) && !length.has(l)) length.set(l, `${name}.shape[${x}]`); });
      return `${name}[${term.map((l, x) => whole(x) ? l : "0").join(",") || "()"}]`;
    });
    const start = [`def loops(${[...names(f), "out"].join(", ")}):`];
    const lines = [...f.out, ...f.summed].map(l => `for ${l} in range(${length.get(l)}):`);
    if (grid) {
      const n = f.out.length;
      if (n < 1 || n > 3) throw new Error(`the result has ${n} labels; a grid of threads has 1, 2 or 3 directions`);
      start.push(`    ${f.out.join(",")} = cuda.grid(${n})`);
      lines.splice(0, n, `if ${f.out.map((l, x) => `${l} < out.shape[${x}]`).join(" and ")}:`);
    }
    lines.push(`out[${f.out.join(",") || "()"}] += ${factors.join(" * ")}`);
    return [...start, ...lines.map((line, depth) => "    ".repeat(depth + 1) + line)].join("\n");
  }

  return { parse, shapesFor, names, loopNest };
})();
