// Run the rules of the widgets on every case of .ci/widgets.json: with node (`node .ci/widgets.js`), or in a browser,
// where the rules are loaded already, as `checkWidgets(cases)`. Returns what differs.
"use strict";

globalThis.checkWidgets = cases => {
  const { broadcast, cache, einsum, threads } = groundup, wrong = [];
  const sorted = (_, x) => x && typeof x === "object" && !Array.isArray(x) ? Object.fromEntries(Object.entries(x).sort()) : x;
  const either = f => { try { return f(); } catch (e) { return { error: e.message }; } };
  const same = (what, ours, theirs) => {
    const [x, y] = [ours, theirs].map(z => JSON.stringify(z, sorted));
    if (x !== y) wrong.push(`${what}:\n  package    ${y}\n  JavaScript ${x}`);
  };
  for (const c of cases.broadcast) {
    const { result, cells, mends, advice } = broadcast.explain(c.shapes);
    same(`broadcast ${JSON.stringify(c.shapes)}`, { result, cells, mends, advice }, { result: c.result, cells: c.cells, mends: c.mends, advice: c.advice });
  }
  for (const c of cases.einsum) {
    const axes = () => {
      const f = einsum.parse(c.formula, einsum.shapesFor(c.formula, c.shapes));
      return { terms: f.terms, out: f.out, sizes: [...f.sizes], summed: f.summed };
    };
    const ours = { loops: either(() => einsum.loopNest(c.formula, c.shapes)), grid: either(() => einsum.loopNest(c.formula, c.shapes, true)), axes: either(axes) };
    same(`einsum ${c.formula} ${JSON.stringify(c.shapes)}`, ours, { loops: c.loops, grid: c.grid, axes: c.axes });
  }
  for (const c of cases.cache) {
    const steps = cache.steps(c.order, c, c.line, c.lines);
    same(`cache ${c.order} ${[c.n, c.k, c.m, c.line, c.lines]}`, steps.map(s => s.touched.filter(t => t.fetched).map(t => t.name).join("")).join(), c.fetched);
    same(`cache ${c.order}, counted`, Object.values(cache.counts(steps)), [..."abc"].map(name => c.fetched.split(name).length - 1));
  }
  for (const c of cases.threads) {
    const [across, down] = threads.blocks(c, c.block, c.first), warps = [];
    for (let q = 0; q < down; q++) for (let p = 0; p < across; p++) for (let w = 0; w * threads.WARP < c.block[0] * c.block[1]; w++) {
      const lanes = threads.warp(c, c.block, c.first, [p, q], w), t = Object.entries(threads.touches(c, lanes, 0));
      warps.push({ block: [p, q], warp: w, busy: lanes.filter(x => !x.idle).length,
                   sectors: Object.fromEntries(t.map(([name, x]) => [name, x.sectors])), needed: Object.fromEntries(t.map(([name, x]) => [name, x.needed])) });
    }
    same(`threads ${[c.n, c.k, c.m, c.block, c.first]}`, warps, c.warps);
  }
  return wrong;
};

if (typeof process === "object" && typeof require === "function") {
  const widgets = require("path").join(__dirname, "..", "nbs", "widgets");
  for (const name of ["python", "broadcast_rules", "einsum_rules", "cache_rules", "threads_rules"]) require(`${widgets}/${name}.js`);
  const wrong = checkWidgets(require(`./widgets.json`));
  for (const w of wrong.slice(0, 10)) console.error(w);
  console.log(wrong.length ? `the JavaScript differs in ${wrong.length} cases` : "the JavaScript agrees with all of them");
  process.exit(wrong.length ? 1 : 0);
}
