// The widget of chapter 5: shapes lined up from the right.
"use strict";

groundup.play.mount("broadcast", root => {
  const { el, field, button, text, table, speaker } = groundup.play, { shape, tuple } = groundup.python;
  const EXAMPLES = [["8,1,6,1", "7,1,5"], ["256,256,3", "3"], ["3,256,256", "3"], ["4,3", "4"], ["3", "3,1"], ["5,1", "1,4", "3,1,1"]];
  const NAMES = "abcdef", fields = el("div", { class: "play-row" }), output = el("div"), voice = speaker();
  let inputs = [];

  function ask(texts) {
    inputs = texts.map(value => text(value, show, { inputmode: "text", size: 12 }));
    fields.replaceChildren(...inputs.map((input, o) => field(`shape of ${NAMES[o]}`, input)));
    more.disabled = inputs.length === NAMES.length;
    fewer.disabled = inputs.length === 2;
    show();
  }
  const texts = () => inputs.map(input => input.value);
  const more = button("another shape", () => { ask([...texts(), ""]); inputs.at(-1).focus(); });
  const fewer = button("one shape fewer", () => { ask(texts().slice(0, -1)); if (fewer.disabled) more.focus(); });

  function mend([how, to, result]) {
    const o = NAMES.indexOf(how[0]);
    const apply = () => { inputs[o].value = to.join(","); show(); inputs[o].focus(); };
    return el("li", {}, button(`try ${how}`, apply), ` of shape ${tuple(to)}: the result is ${tuple(result)}`);
  }

  function show() {
    const shapes = [], wrong = [];
    inputs.forEach((input, o) => {
      const before = wrong.length;
      try { shapes.push(shape(input.value)); } catch (e) { wrong.push(`${NAMES[o]}: ${e.message}`); }
      input.setAttribute("aria-invalid", wrong.length > before);
    });
    if (wrong.length) {
      output.replaceChildren(...wrong.map(w => el("p", { class: "play-wrong" }, w)));
      return voice.say(wrong.join(" "));
    }
    const e = groundup.broadcast.explain(shapes, [...NAMES].slice(0, shapes.length)), axes = e.result.map((_, x) => `axis ${x - e.result.length}`);
    const cell = ([words, kind]) => el("td", { class: `play-${kind}` }, words, kind === "clash" && el("span", { class: "play-unseen" }, " clashes"));
    const verdict = e.result.includes(null) ? "They clash." : `They fit: the result has the shape ${tuple(e.result)}.`;
    const clashes = e.advice.filter(line => line.startsWith("axis"));
    output.replaceChildren(
      axes.length ? table("The shapes, lined up at their last axes", ["", ...axes],
        e.cells.map((row, o) => [e.names[o] ?? "result", ...row.map(cell)])) : "",
      el("p", { class: "play-verdict" }, el("strong", {}, verdict), ...clashes.map(line => el("span", {}, ` ${line}.`))),
      e.mends.length ? el("ul", { class: "play-mends" }, ...e.mends.slice(0, 3).map(mend)) : "",
      e.result.includes(null) && !e.mends.length ? el("p", {}, "No new axis and no transpose would mend it: the sizes themselves are wrong.") : "",
      el("p", { class: "play-code" }, "in Python: ", el("code", {}, `explain_broadcast(${shapes.map(tuple).join(", ")})`)));
    voice.say([verdict, ...e.advice].join(". "));
  }

  const example = texts => button(texts.map(t => tuple(shape(t))).join(" "), () => ask(texts));
  root.append(fields, el("div", { class: "play-row" }, more, fewer),
    el("div", { class: "play-row play-examples", role: "group", "aria-label": "examples" }, ...EXAMPLES.map(example)), output, voice.node);
  ask(EXAMPLES[0]);
});
