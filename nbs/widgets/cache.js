// The widget of chapter 4: a small product, step by step, and the lines of memory that it fetches.
"use strict";

groundup.play.mount("cache", root => {
  const { el, svg, field, figure, legend, button, select, table, speaker, id } = groundup.play, { steps, counts } = groundup.cache;
  const SIZE = { n: 8, k: 8, m: 8 }, LINE = 4, ORDERS = ["ilj", "lij", "ijl", "jil", "lji", "jli"], INDICES = { a: "i,l", b: "l,j", c: "i,j" };
  const SHAPE = { a: [SIZE.n, SIZE.k], b: [SIZE.k, SIZE.m], c: [SIZE.n, SIZE.m] }, group = id();
  let order = "ilj", lines = 8, runs = {}, playing = null;

  const slider = el("input", { type: "range", min: 0, value: 0, oninput: () => { stop(); show(); } }), pictures = el("div", { class: "play-maps" });
  const story = el("p", { class: "play-verdict" }), tally = el("div"), all = el("div"), voice = speaker();
  const capacity = select([4, 8, 16, 48].map(v => [v, `${v} lines`]), lines, () => { lines = Number(capacity.value); run(); });
  const go = at => { slider.value = at; show(); }, by = d => { stop(); go(Number(slider.value) + d); };
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const speed = select([[400, "slow"], [120, "steady"], [30, "fast"]], 120, () => { if (playing) { stop(); start(); } });
  const play = button("play", () => playing ? stop() : start(), { "aria-pressed": "false" });

  function start() {
    if (slider.value === slider.max) go(0);
    playing = setInterval(() => { go(Number(slider.value) + 1); if (slider.value === slider.max) stop(); }, Number(speed.value));
    play.textContent = "pause";
    play.setAttribute("aria-pressed", "true");
  }
  function stop() {
    if (!playing) return;
    clearInterval(playing);
    playing = null;
    play.textContent = "play";
    play.setAttribute("aria-pressed", "false");
    show();
  }

  function run() {
    stop();
    runs = Object.fromEntries(ORDERS.map(o => [o, steps(o, SIZE, LINE, lines)]));
    slider.max = runs[order].length;
    go(0);
    const most = Math.max(...ORDERS.map(o => total(runs[o])));
    const bar = n => el("td", { class: "play-bar" }, el("span", { style: `inline-size: ${100 * n / most}%` }), String(n));
    all.replaceChildren(table(`Lines fetched in all ${slider.max} steps, for each order of the loops`, ["order", "a", "b", "c", "lines fetched"],
      ORDERS.map(o => [el("th", { scope: "row", class: o === order ? "play-chosen" : "", "aria-current": o === order && "true" }, [...o].join(", ")),
                       ...Object.values(counts(runs[o])).map(String), bar(total(runs[o]))])));
  }
  const total = run => Object.values(counts(run)).reduce((x, y) => x + y);

  // One matrix: lines in the cache are filled, the number touched is marked, and a line just fetched has a heavy frame
  function picture(name, step) {
    const [rows, cols] = SHAPE[name], touch = step?.touched.find(t => t.name === name), cached = step ? step.cache.filter(key => key[0] === name) : [];
    const parts = [];
    for (let at = 0; at < rows * cols; at += LINE) {
      const key = `${name}${at / LINE}`, x = at % cols * 10, y = Math.floor(at / cols) * 10, now = touch?.key === key && touch.fetched;
      parts.push(svg("rect", { x: x + 1, y: y + 1, width: 10 * LINE - 2, height: 8, class: now ? "play-fetched" : cached.includes(key) ? "play-cached" : "play-far" }));
    }
    for (let at = 0; at < rows * cols; at++) parts.push(svg("circle", { cx: at % cols * 10 + 5, cy: Math.floor(at / cols) * 10 + 5, r: .7, class: "play-dot" }));
    if (touch) parts.push(svg("circle", { cx: touch.col * 10 + 5, cy: touch.row * 10 + 5, r: 3, class: "play-touched" }));
    const label = `${name}: ${cached.length} of its ${rows * cols / LINE} lines are in the cache` + (touch ? `; touched: row ${touch.row}, column ${touch.col}` : "");
    return figure(`${name}[${INDICES[name]}]`, label, rows, cols, parts, 20);
  }

  function show() {
    const run = runs[order], at = Number(slider.value), step = run[at - 1], so = counts(run.slice(0, at));
    pictures.replaceChildren(...[..."abc"].map(name => picture(name, step)));
    const what = t => `${t.name}[${t.row},${t.col}] ${t.fetched ? "is fetched, with its line" : "is in the cache"}`;
    const words = step ? `Step ${at} of ${run.length}: i = ${step.i}, l = ${step.l}, j = ${step.j}. ${step.touched.map(what).join("; ")}.`
                       : `Before the first of ${run.length} steps: the cache is empty.`;
    story.textContent = words;
    slider.setAttribute("aria-valuetext", words);
    tally.replaceChildren(table("Lines fetched so far", ["", "a", "b", "c", "in all"], [["lines fetched so far", ...[...Object.values(so), total(run.slice(0, at))].map(String)]]));
    if (!playing) voice.say(`${words} Fetched so far: a ${so.a}, b ${so.b}, c ${so.c}.`);
  }

  const radio = o => el("label", {}, el("input", { type: "radio", name: group, value: o, checked: o === order, onchange: () => { order = o; run(); } }), ` ${[...o].join(", ")}`);
  const next = () => { // on to the end of the innermost loop
    stop();
    const inner = SIZE[{ i: "n", l: "k", j: "m" }[order[2]]];
    go((Math.floor(Number(slider.value) / inner) + 1) * inner);
  };
  root.append(el("fieldset", { class: "play-row" }, el("legend", {}, "the loops, from the outside in"), ...ORDERS.map(radio)),
    el("div", { class: "play-row" }, field("the cache holds", capacity), field("step", slider)),
    el("div", { class: "play-row" }, button("one step back", () => by(-1)), button("one step", () => by(1)), button("one inner loop", next), button("to the end", () => by(1e9))),
    el("div", { class: "play-row" }, play, el("label", {}, "speed ", speed)),
    pictures, legend([["play-cached", "a line in the cache"], ["play-fetched", "fetched in this step"], ["play-touched", "the number touched"]]), story,
    tally, all, voice.node);
  const calm = () => { play.parentNode.hidden = play.hidden = still.matches; if (still.matches) stop(); };
  still.addEventListener("change", calm);
  calm();
  run();
});
