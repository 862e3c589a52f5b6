// The widget of chapter 6: a formula, its axes and its loops.
"use strict";

groundup.play.mount("einsum", root => {
  const { el, field, button, text, table, speaker } = groundup.play, { shapes, tuple, prod } = groundup.python, rules = groundup.einsum;
  const EXAMPLES = [["ik,kj->ij", "(5,784) (784,10)"], ["ik->i", "(5,784)"], ["ii->", "(4,4)"], ["i,j->ij", "(3) (4)"], ["bik,bkj->bij", "(32,5,784) (32,784,10)"],
                    ["i,ij,j->", "(5) (5,7) (7)"], ["bqd,bsd->bqs", "(32,100,64) (32,120,64)"], ["...ij,...jk", "(7,2,3) (3,4)"], ["ik,jk->ij", "(5,784) (784,10)"]];
  const formula = text("", () => follow(), { size: 16, class: "play-mono" }), sizes = text("", () => { own = sizes.value !== ""; show(); }, { size: 24, class: "play-mono" });
  const grid = el("input", { type: "checkbox", onchange: () => show() }), output = el("div"), voice = speaker(), known = new Map();
  let own = false; // has the reader written shapes of their own?
  const list = words => words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words.at(-1)}` : words[0];

  function words(f) {
    const kept = f.out.length ? `${list(f.out)} ${f.out.length > 1 ? "walk" : "walks"} through the result` : "the result is a single number";
    const gone = f.summed.length ? `${list(f.summed)} ${f.summed.length > 1 ? "are" : "is"} summed` : "nothing is summed";
    const times = prod([...f.sizes.values()]).toLocaleString("en");
    return `${kept}; ${gone}. The innermost line runs ${times} time${times === "1" ? "" : "s"}.`;
  }

  function axes(f, given) {
    const labels = [...f.out, ...f.summed], kind = l => f.summed.includes(l) ? "play-summed" : "play-kept";
    const cell = (term, shape) => l => {
      const own = term.flatMap((m, x) => m === l ? [shape[x]] : []), total = f.sizes.get(l);
      if (!own.length) return el("td", { class: "play-none" }, "");
      return own[0] === total ? el("td", { class: "play-there" }, own.join(", ")) : el("td", { class: "play-stretched" }, `${own[0]}→${total}`);
    };
    const rows = f.terms.map((term, o) => [`${rules.names(f)[o]} ${tuple(given[o])}`, ...labels.map(cell(term, given[o]))]);
    const out = f.out.map(l => f.sizes.get(l));
    rows.push([`out ${tuple(out)}`, ...labels.map(l => f.out.includes(l) ? cell(f.out, out)(l) : el("td", { class: "play-none play-summed" }, "summed"))]);
    return table("The axes: a column for each label, a row for each operand and for the result", ["", ...labels.map(l => el("th", { scope: "col", class: kind(l) }, l))], rows);
  }

  function code(f, source) {
    const summed = line => f.summed.some(l => line.trim().startsWith(`for ${l} `));
    return el("pre", { class: "play-loops", tabindex: 0, "aria-label": "the loops, as Python" },
      ...source.split("\n").map(line => el("code", { class: summed(line) ? "play-summed" : "" }, line + "\n")));
  }

  // The shapes follow a new formula, with the sizes that its letters had last, or 2
  function follow() {
    if (!own) sizes.value = formula.value.split("->")[0].split(",").map(term => `(${(term.match(/\.{3}|[A-Za-z]/g) ?? []).map(l => known.get(l) ?? 2)})`).join(" ");
    show();
  }

  function show() {
    try {
      const given = rules.shapesFor(formula.value, shapes(sizes.value)), f = rules.parse(formula.value, given), source = rules.loopNest(formula.value, given, grid.checked);
      f.sizes.forEach((n, l) => known.set(l, n));
      output.replaceChildren(axes(f, given), el("p", { class: "play-verdict" }, words(f)), code(f, source));
      voice.say(words(f));
    } catch (e) {
      output.replaceChildren(el("p", { class: "play-wrong" }, e.message));
      voice.say(e.message);
    }
  }

  function set([f, s]) { own = false; formula.value = f; sizes.value = s; show(); }
  root.append(el("div", { class: "play-row" }, field("formula", formula), field("shapes", sizes, "left empty, each size is 2")),
    el("label", { class: "play-check" }, grid, " as a CUDA kernel, a thread for each place of the result"),
    el("div", { class: "play-row play-examples", role: "group", "aria-label": "examples" }, ...EXAMPLES.map(e => button(e[0], () => set(e)))), output, voice.node);
  set(EXAMPLES[0]);
});
