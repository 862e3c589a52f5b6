// Python on a page, in a worker of its own: whoever ends the worker ends whatever Python is doing.
import { loadPyodide } from "./pyodide.mjs";

const say = (kind, value) => postMessage({ kind, value });

const ready = (async () => {
  say("progress", "Python is on its way to this page (the first time, some 6 MB) …");
  const files = fetch("package.json").then(r => r.json()).then(names => Promise.all(names.map(async name => [name, await (await fetch(name)).text()])));
  const python = await loadPyodide({ indexURL: new URL(".", import.meta.url).href });
  say("progress", "Python is here; now the book's own files …");
  const home = "/home/pyodide/";
  for (const [name, text] of await files) {
    python.FS.mkdirTree(home + name.slice(0, name.lastIndexOf("/") + 1));
    python.FS.writeFile(home + name, text);
  }
  return python.pyimport("here");
})();

onmessage = async ({ data }) => {
  try {
    const here = await ready;
    say("started", data.what === "check" ? here.slow(data.id) : "");
    say("done", JSON.parse(data.what === "check" ? here.check(data.id, data.code, data.seed) : here.run(data.code, JSON.stringify(data.given))));
  } catch (e) { say("failed", String(e.message ?? e).trim().split("\n").at(-1)); }
};
