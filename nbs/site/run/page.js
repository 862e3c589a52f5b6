// Exercises and kernels that can be tried on the page. Nothing here is loaded or started before a reader comes near, and Python not before the first Run; on later visits, when a reader comes to an editor.
import "../../widgets/python.js";
import "../../widgets/play.js";
import { replay } from "./replay.js";

const { el, button, field } = groundup.play, here = new URL(".", import.meta.url), SECONDS = 20, MOD = /Mac|iP/.test(navigator.platform) ? "⌘" : "Ctrl";
document.head.append(el("link", { rel: "stylesheet", href: new URL("page.css", here) }));

// Python, in a worker; `ask` returns what came of it, and `end` ends it in the middle
const python = (() => {
  let worker, waiting, limit;
  const make = () => {
    worker = new Worker(new URL("worker.js", here), { type: "module" });
    worker.onerror = e => settle("failed", e.message || "the worker could not be started");
    worker.onmessage = ({ data: { kind, value } }) => {
      if (kind === "progress") waiting?.tell(value);
      else if (kind === "started") {
        waiting?.tell("Running …");
        limit = setTimeout(() => end(`Stopped: not done after ${SECONDS} seconds.` + (value ? `\n→ ${value}` : "")), SECONDS * 1000);
      } else settle(kind, value);
    };
  };
  const settle = (kind, value) => {
    clearTimeout(limit);
    const now = waiting;
    waiting = null;
    if (kind === "failed") { worker.terminate(); worker = null; now?.done({ good: false, said: `Python could not be used here: ${value}`, line: null }); }
    else { now?.done(value); store.put("python", { here: true }); }
  };
  function end(said) {
    worker.terminate();
    make(); // and the next one is on its way already
    clearTimeout(limit);
    const now = waiting;
    waiting = null;
    now?.done({ good: false, said, line: null, stopped: true });
  }
  const ask = (message, tell) => new Promise(done => {
    if (waiting) end("Stopped: something else was started on this page.");
    if (!worker) make();
    tell("Python is starting …");
    waiting = { tell, done };
    worker.postMessage(message);
  });
  const warm = () => { if (!worker && store.get("python").here) make(); }; // who has run something before has it all in the browser's cache
  return { ask, end, warm };
})();

const store = {
  get: id => { try { return JSON.parse(localStorage.getItem(`groundup:${id}`)) ?? {}; } catch { return {}; } },
  put: (id, change) => { try { localStorage.setItem(`groundup:${id}`, JSON.stringify({ ...store.get(id), ...change })); } catch { /* nothing is kept, then */ } },
};

// Where the bundle of the editor is missing, a plain box does
function plain(place, code, label, { changed }) {
  const box = el("textarea", { "aria-label": label, spellcheck: "false", autocapitalize: "off", rows: code.split("\n").length + 2, oninput: changed });
  box.value = code;
  place.append(box);
  return { get: () => box.value, set: text => { box.value = text; changed(); }, mark: () => {}, focus: () => box.focus() };
}

// An editor with its buttons, in `place`; `go(code, tell)` runs it, `show(result)` returns what else there is to be seen
async function panel(place, { id, code, label, head = [], fields = [], go, show }) {
  const box = el("div", { class: "run-editor" }), said = el("pre", { class: "run-said", role: "status" }), more = el("div");
  const start = button("Run", run, { class: "play-button run-go" }), halt = button("Stop", () => { if (busy()) python.end("Stopped."); });
  const reset = button("Reset", () => {
    editor.set(code); store.put(id, { code: undefined }); more.replaceChildren(); editor.focus();
    said.className = "run-said"; said.textContent = `As it was given. ${MOD}-Z brings yours back.`;
  });
  // A button that is `disabled` would lose the focus, and the next keys would be the page's
  const busy = () => start.ariaDisabled === "true", set = now => { start.ariaDisabled = now; halt.ariaDisabled = !now; };
  set(false);
  const { edit } = await import("./editor.js").catch(() => ({ edit: plain }));
  const editor = edit(box, store.get(id).code ?? code, label, { run, changed: () => store.put(id, { code: editor.get() }) });
  let tries = store.get(id).tries ?? 0;
  async function run() {
    if (busy()) return;
    set(true);
    editor.mark(null); more.replaceChildren();
    said.className = "run-said";
    const result = await go(editor.get(), text => { said.textContent = text; });
    set(false);
    store.put(id, { tries: ++tries, ...(result.good && { passed: store.get(id).passed ?? new Date().toISOString().slice(0, 10) }) });
    said.textContent = result.said;
    said.classList.toggle("run-good", result.good);
    said.classList.toggle("run-bad", !result.good);
    if (result.line) editor.mark(result.line);
    more.replaceChildren(...show(result));
    (said.textContent ? said : more).scrollIntoView({ block: "nearest" });
  }
  const row = el("div", { class: "play-row run-buttons" }, ...head, start, halt, reset, el("small", { class: "run-keys" }, `${MOD}-Enter runs. Escape, then Tab leaves the editor.`));
  place.replaceChildren(el("div", { class: "play run", onfocusin: python.warm, onpointerenter: python.warm },
    ...(head.length ? [row, fields.length > 0 && el("div", { class: "play-row" }, ...fields), box] : [box, row]), said, more));
}

function tick(block) {
  const done = !!store.get(block.dataset.exercise).passed;
  block.classList.toggle("exercise-done", done);
  if (done && !block.querySelector(".run-tick")) (block.querySelector("p") ?? block).prepend(el("span", { class: "run-tick" }, "✓ solved "));
}

function exercise(block) {
  const id = block.dataset.exercise, given = block.querySelector(".exercise-blank"), next = all[all.indexOf(block) + 1]?.id;
  const code = given.querySelector("pre code").textContent.replace(/^(from groundup\.practice import|check_exercise\().*$/gm, "").trim();
  return panel(given, { id, code, label: `Your answer to ${id}`,
    go: (text, tell) => python.ask({ what: "check", id, code: text, seed: Math.floor(Math.random() * 2 ** 32) }, tell),
    show: r => {
      if (!r.good) return [];
      tick(block);
      return [el("p", {}, "The book’s way is below, under Solution. ", next && el("a", { href: `#${next}` }, `Next: ${next}`))];
    } });
}

// The code of a definition that is shown on this page
function defined(name) {
  const rule = new RegExp(`^(def|class) ${name}\\b|^${name} *=`, "m"), found = [...document.querySelectorAll("main pre code.python")].map(c => c.textContent).filter(t => rule.test(t));
  const lines = (found.sort((x, y) => y.length - x.length)[0] ?? "").split("\n"), at = lines.findIndex(l => rule.test(l)); // the longest: a head alone has no body
  let from = at, to = at + 1;
  while (from > 0 && lines[from - 1].startsWith("@")) from--;
  while (to < lines.length && /^([ \t)#]|$)/.test(lines[to])) to++;
  return lines.slice(from, to).join("\n").trim();
}

function runner(block) {
  const { needs = "", fields = "", choices = "", title, run: kind } = block.dataset, call = block.querySelector("pre code").textContent.trim();
  const inputs = fields.split(" ").filter(Boolean).map(f => f.split("=")).map(([name, value]) => [name, el("input", { type: "number", value, min: 1, max: 4096 })]);
  // `name:1,2,…` is a kernel with sizes of its own
  const kernels = choices.split(" ").filter(Boolean).map(k => k.split(":")), box = kernels.length && groundup.play.select(kernels.map(([k]) => [k, k]), kernels[0][0], () => {
    const own = kernels.find(([k]) => k === box.value)[1]?.split(",");
    inputs.forEach(([, input], i) => { input.value = own?.[i] ?? input.defaultValue; });
    mount().then(() => box.focus());
  });
  let hints = [];
  const shown = inputs.map(([name, input]) => field(name.replace("_", " "), input));
  const show = r => {
    if (!r.good) return [];
    const parts = [], words = [...hints, ...(r.words ?? [])];
    if (words.length) parts.push(el("ul", {}, ...words.map(w => el("li", {}, w))));
    if (r.table) {
      const t = el("div", { class: "play-scroll run-lines", role: "region", tabindex: 0, "aria-label": "What each line does to memory" });
      t.innerHTML = r.table;
      parts.push(t);
    }
    if (r.steps?.steps.length) parts.push(replay(r.steps));
    if (kind === "clock") parts.push(el("p", {}, `${r.seconds < 1 ? `${(1000 * r.seconds).toPrecision(3)} ms` : `${r.seconds.toPrecision(3)} s`}, in Python on this page.`));
    return parts;
  };
  const mount = () => {
    const names = [...needs.split(" ").filter(Boolean), ...(box ? [box.value] : [])];
    const code = [...names.map(defined), box ? call.replaceAll("KERNEL", box.value) : call].join("\n\n");
    const head = box ? [field("kernel", box)] : shown, fields = box ? shown : [];
    return panel(block, { id: [location.pathname.split("/").at(-1), title, box?.value].join(":"), code, label: title, show, head, fields,
      go: (text, tell) => {
        const given = Object.fromEntries(inputs.map(([name, i]) => [name, Number(i.value)])), { block_x: x, block_y: y } = given;
        if (x * y > 1024) return { good: false, said: `block x × block y is ${(x * y).toLocaleString("en")} threads; 1,024 at most`, line: null };
        const at = text.split("\n").findIndex(l => /^TPB *= *\d+/.test(l)), side = Number(text.split("\n")[at]?.match(/\d+/)[0]);
        hints = x && side && text.match(/\bTPB\b/g).length > 1 && (x !== side || y !== side) ? [`TPB in line ${at + 1} is ${side}, and the block is ${x} × ${y}: this kernel’s tiles have a place for each thread only where they agree`] : [];
        return python.ask({ what: "run", code: text, given }, tell);
      } });
  };
  return mount();
}

const all = [...document.querySelectorAll("[data-exercise]")], count = document.querySelector("#exercises-done");
all.forEach(tick);
if (count) count.textContent = `${all.filter(b => b.matches(".exercise-done")).length} of ${all.length} done in this browser.`;

const near = new IntersectionObserver(seen => {
  for (const { isIntersecting, target } of seen) if (isIntersecting) {
    near.unobserve(target);
    (target.dataset.exercise ? exercise : runner)(target);
  }
}, { rootMargin: "600px" });
document.querySelectorAll("[data-exercise]:has(.exercise-blank), [data-run]").forEach(b => near.observe(b));
