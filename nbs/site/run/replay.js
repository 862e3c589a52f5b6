// A launch in time: which threads of a warp take part in a step, what they touch, and what the memory has to fetch for it.
import "../../widgets/python.js";
import "../../widgets/play.js";

const LANES = 32, MOST = 4096;

export function replay(data) {
  const { el, svg, button, select, figure, legend, speaker } = groundup.play, steps = data.steps;
  const slider = el("input", { type: "range", min: 1, max: steps.length, value: 1, "aria-label": "step", oninput: () => { stop(); show(); } });
  const story = el("p", { class: "play-verdict" }), pictures = el("div", { class: "play-maps" }), source = el("pre", { class: "play-loops" }), voice = speaker();
  let playing = null;
  const go = n => { slider.value = n; show(); }, by = n => { stop(); go(Number(slider.value) + n); };
  const play = button("Play", () => playing ? stop() : start(), { "aria-pressed": "false" });
  const speed = select([[60, "slow"], [20, "steady"], [5, "fast"]], 20, () => { if (playing) { stop(); start(); } }); // seconds for all steps, where there are many
  function start() {
    if (slider.value === slider.max) go(1);
    const each = 1000 * speed.value / steps.length, pause = Math.min(Math.max(each, 60), 15 * speed.value), stride = Math.max(1, Math.round(pause / each));
    playing = setInterval(() => { if (!slider.isConnected || slider.value === slider.max) stop(); else go(Number(slider.value) + stride); }, pause);
    play.textContent = "Pause"; play.setAttribute("aria-pressed", "true");
  }
  function stop() {
    clearInterval(playing);
    playing = null;
    play.textContent = "Play"; play.setAttribute("aria-pressed", "false");
  }

  // 32 threads of a warp, or 32 banks with how many numbers of each are asked for
  function row(title, label, look, count = () => 0) {
    const parts = [...Array(LANES).keys()].flatMap(i => [svg("rect", { x: 10 * (i % 16) + 1, y: 10 * Math.floor(i / 16) + 1, width: 8, height: 8, class: look(i) }),
      ...(count(i) > 1 ? [svg("text", { x: 10 * (i % 16) + 5, y: 10 * Math.floor(i / 16) + 7.4, class: "play-count" }, String(count(i)))] : [])]);
    return figure(title, label, 2, 16, parts, 12);
  }
  function memory(array, step) {
    const size = array.shape.reduce((x, y) => x * y, 1), cols = array.shape.at(-1) ?? 1, rows = size / cols;
    if (!size || size > MOST) return null;
    const asked = new Set(step.places), per = 32 / array.size, fetched = new Set((step.sectors ?? []).flatMap(s => [...Array(per).keys()].map(i => s * per + i)));
    const parts = [...Array(size).keys()].map(p => svg("rect", { x: 10 * (p % cols) + 1, y: 10 * Math.floor(p / cols) + 1, width: 8, height: 8,
      class: asked.has(p) ? "play-asked" : fetched.has(p) ? "play-cached" : "play-far" }));
    return figure(`${array.name} (${array.space}): ${array.shape.join("×")}`, `${array.name}: ${step.places.length} numbers touched`, rows, cols, parts, 12);
  }
  function words(s, n) {
    if (s.kind === "barrier") return `Step ${n} of ${steps.length}: a barrier, line ${s.line}. ` + (s.missing ? `${s.missing} threads never come.` : "All threads have come, and go on.");
    const a = data.arrays[s.array], what = s.kind === "read" ? "read" : s.kind === "write" ? "write" : "change, one at a time,";
    const cost = s.sectors ? `${s.sectors.length} sector${s.sectors.length === 1 ? "" : "s"} of 32 bytes` : s.ways > 1 ? `${s.ways} numbers queue for one bank` : "no bank is asked for two numbers";
    return `Step ${n} of ${steps.length}: ${s.lanes.length} thread${s.lanes.length === 1 ? "" : "s"} of warp ${s.warp} ${what} ${a.name}, line ${s.line}: ${cost}. ` +
      `So far ${s.so_far.asked.toLocaleString("en")} sectors fetched, where ${s.so_far.needed.toLocaleString("en")} could hold the numbers.`;
  }
  function show() {
    const n = Number(slider.value), s = steps[n - 1], text = words(s, n);
    story.textContent = text;
    slider.setAttribute("aria-valuetext", text);
    voice.say(text);
    source.replaceChildren(...Object.entries(data.source).map(([line, code]) =>
      el("code", { class: Number(line) === s.line ? "run-now" : "" }, `${line.padStart(3)}  ${code}`)));
    if (s.kind === "barrier") { pictures.replaceChildren(row("every warp waits", "every warp waits", () => "play-cached")); return; }
    const banks = s.banks && [...Array(LANES).keys()].map(b => new Set(s.places.filter((_, i) => s.banks[i] === b)).size); // one number, for many threads, is no queue
    pictures.replaceChildren(...[row(`warp ${s.warp}: 32 threads`, `${s.lanes.length} of 32 threads take part`, i => s.lanes.includes(i) ? "play-asked" : "play-far"),
      banks && row("32 banks", `${banks.filter(Boolean).length} of 32 banks are asked`, i => banks[i] > 1 && s.ways > 1 ? "play-queue" : banks[i] ? "play-cached" : "play-far", i => s.ways > 1 ? banks[i] : 1),
      memory(data.arrays[s.array], s)].filter(Boolean));
  }
  const box = el("div", { class: "run-replay", role: "group", "aria-label": "Replay" },
    el("p", {}, `Block 0 of ${data.kernel}, step by step` + (data.cut ? ` (the first ${steps.length} steps)` : "") + ":"),
    el("div", { class: "play-row" }, play, button("‹ Back", () => by(-1)), button("Next ›", () => by(1)), slider, el("label", {}, "speed ", speed)), story, pictures,
    legend([["play-asked", "touched by a thread"], ["play-cached", "fetched with it, or a bank in use"], ["play-queue", "a bank with a queue, and its length"]]), source, voice.node);
  show();
  return box;
}
