// The widget of chapter 7: the threads of a grid, warp by warp, and the sectors of memory that they touch.
"use strict";

groundup.play.mount("threads", root => {
  const { el, svg, field, figure, legend, select, table, speaker } = groundup.play, rules = groundup.threads, FLOATS = rules.SECTOR / rules.BYTES;
  const voice = speaker(), pictures = el("div", { class: "play-maps" }), story = el("p", { class: "play-verdict" }), tally = el("div"), wrong = el("p", { class: "play-wrong" });
  const size = (value, most) => { const input = el("input", { type: "number", min: 1, max: most, oninput: change }); input.value = value; return input; };
  const sizes = { n: size(32, 48), k: size(16, 48), m: size(16, 48) };
  const slider = () => el("input", { type: "range", min: 0, value: 0, oninput: show });
  const warp = slider(), step = slider(), shown = { warp: el("output"), step: el("output") }, block = select(["16,16", "8,8", "32,8", "32,1"].map(v => [v, v.replace(",", " × ")]), "16,16", change);
  const first = select([["i", "i,j = cuda.grid(2)"], ["j", "j,i = cuda.grid(2)"]], "i", change);
  const parts = ["a", "b", "c"], index = { a: "i,l", b: "l,j", c: "i,j" };
  let s, xy, warps;

  function change() {
    const bad = Object.entries(sizes).find(([, input]) => !/^\d+$/.test(input.value) || input.value < 1 || Number(input.value) > Number(input.max));
    wrong.textContent = bad ? `${bad[0]} is ${bad[1].value || "empty"}; give a whole number from 1 to ${bad[1].max}` : "";
    for (const input of Object.values(sizes)) input.setAttribute("aria-invalid", bad?.[1] === input);
    if (bad) return voice.say(wrong.textContent);
    s = Object.fromEntries(Object.entries(sizes).map(([name, input]) => [name, Number(input.value)]));
    xy = block.value.split(",").map(Number);
    warps = [];
    const [across, down] = rules.blocks(s, xy, first.value);
    for (let q = 0; q < down; q++) for (let p = 0; p < across; p++) for (let w = 0; w * rules.WARP < xy[0] * xy[1]; w++) warps.push([[p, q], w]);
    warp.max = warps.length - 1;
    step.max = s.k - 1;
    show();
  }

  // One matrix in memory, row after row: sectors that are fetched are framed, numbers that the warp asks for are filled
  function picture(name, rows, cols, { places, sectors }, heavy) {
    const asked = new Set(places), drawn = [], at = place => [place % cols, Math.floor(place / cols)];
    for (let place = 0; place < rows * cols; place++) {
      const [x, y] = at(place), fetched = sectors.includes(Math.floor(place / FLOATS));
      drawn.push(svg("rect", { x: 10 * x + 1, y: 10 * y + 1, width: 8, height: 8, class: asked.has(place) ? "play-asked" : fetched ? "play-cached" : "play-far" }));
    }
    for (const sector of sectors) { // a sector may go on in the next row
      for (let place = sector * FLOATS; place < Math.min((sector + 1) * FLOATS, rows * cols);) {
        const [x, y] = at(place), n = Math.min(cols - x, (sector + 1) * FLOATS - place, rows * cols - place);
        drawn.push(svg("rect", { x: 10 * x, y: 10 * y, width: 10 * n, height: 10, class: "play-sector" }));
        place += n;
      }
    }
    const label = `${name}, ${rows} by ${cols}: ${places.length} numbers asked for, in ${sectors.length} sectors`;
    return figure(`${name}[${index[name]}]: ${rows}×${cols}`, label, rows, cols, drawn);
  }

  function show() {
    const [at, w] = warps[Number(warp.value)], l = Number(step.value), threads = rules.warp(s, xy, first.value, at, w), t = rules.touches(s, threads, l);
    const idle = threads.filter(x => x.idle).length, rows = { a: s.n, b: s.k, c: s.n }, cols = { a: s.k, b: s.m, c: s.m };
    const busy = threads.length - idle, where = threads[0];
    const words = `Warp ${w} of block (${at.join(", ")}): its first thread is at i = ${where.i}, j = ${where.j}; ` +
      `${busy} of ${threads.length} threads have something to do. ` + (busy ? parts.map(name => `${name}: ${t[name].sectors.length} sector${t[name].sectors.length === 1 ? "" : "s"}, ${t[name].needed} needed`).join("; ") + "." : "");
    story.textContent = words;
    warp.setAttribute("aria-valuetext", `warp ${w} of block ${at.join(", ")}`);
    step.setAttribute("aria-valuetext", `l = ${l}`);
    shown.warp.textContent = `${w} of block (${at.join(", ")})`;
    shown.step.textContent = `l = ${l}`;
    pictures.replaceChildren(...parts.map(name => picture(name, rows[name], cols[name], t[name])));
    const verb = { a: "reads a[i,l]", b: "reads b[l,j]", c: "writes c[i,j]" };
    const percent = x => x.sectors.length ? `${Math.round(100 * x.places.length * rules.BYTES / (x.sectors.length * rules.SECTOR))} %` : "–";
    tally.replaceChildren(table("What this warp asks for", ["the warp", "numbers", "sectors", "needed", "bytes used"],
      parts.map(name => [verb[name], String(t[name].places.length), String(t[name].sectors.length), String(t[name].needed), percent(t[name])])));
    voice.say(words);
  }

  root.append(el("div", { class: "play-row" }, field("the kernel begins with", first), field("threads in a block", block), ...Object.entries(sizes).map(([name, input]) => field(name, input))),
    el("div", { class: "play-row" }, field("warp", warp, shown.warp), field("step l of its loop", step, shown.step)),
    wrong, pictures, legend([["play-asked", "asked for by a thread of the warp"], ["play-cached", "fetched with it: sectors of 32 bytes, eight numbers"]]), story,
    tally, voice.node);
  change();
});
