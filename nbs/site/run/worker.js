// Python on a page, in a worker of its own: whoever ends the worker ends whatever Python is doing.
import { loadPyodide } from "./pyodide.mjs";

const say = (kind, value) => postMessage({ kind, value });

const ready = (async () => {
  say("progress", "Python is on its way to this page (the first time, some 7 MB) …");
  const book = fetch(new URL("book.zip", import.meta.url)).then(r => r.arrayBuffer());
  const python = await loadPyodide({ indexURL: new URL(".", import.meta.url).href });
  python.unpackArchive(await book, "zip");
  return python.pyimport("here");
})();

onmessage = async ({ data }) => {
  try {
    const here = await ready;
    say("started", data.what === "check" ? here.slow(data.id) : "");
    say("done", JSON.parse(data.what === "check" ? here.check(data.id, data.code, data.seed) : here.run(data.code, JSON.stringify(data.given))));
  } catch (e) { say("failed", String(e.message ?? e).trim().split("\n").at(-1)); }
};
