// What all widgets share: making elements, and taking the place of the plain explanation that a page has for readers without JavaScript.
"use strict";

groundup.play ??= (() => {
  let made = 0;
  const id = () => `play-${++made}`;

  function fill(node, attrs, children) {
    for (const [name, value] of Object.entries(attrs)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value != null) node.setAttribute(name, value);
    }
    node.append(...children.filter(c => c != null && c !== false));
    return node;
  }
  const el = (tag, attrs = {}, ...children) => fill(document.createElement(tag), attrs, children);
  const svg = (tag, attrs = {}, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attrs, children);

  const field = (label, input, hint) => el("label", { class: "play-field" }, el("span", {}, label), input, hint instanceof Node ? hint : hint && el("small", {}, hint));
  const button = (text, onclick, attrs = {}) => el("button", { type: "button", class: "play-button", onclick, ...attrs }, text);
  const text = (value, oninput, attrs = {}) => {
    const input = el("input", { type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false", oninput, ...attrs });
    input.value = value;
    return input;
  };
  const select = (options, value, onchange) => {
    const box = el("select", { onchange }, ...options.map(([v, name]) => el("option", { value: v }, name)));
    box.value = value;
    return box;
  };

  // A table that scrolls by itself where it is too wide: `rows` are lists of cells, the first of each its heading
  function table(caption, head, rows) {
    const cell = (tag, attrs) => c => c instanceof Node ? c : el(tag, attrs, c);
    const [corner, ...columns] = head;
    return el("div", { class: "play-scroll", role: "region", "aria-label": caption, tabindex: 0 },
      el("table", {}, el("caption", { class: "play-unseen" }, caption),
        el("thead", {}, el("tr", {}, corner ? el("th", { scope: "col" }, corner) : el("td"), ...columns.map(cell("th", { scope: "col" })))),
        el("tbody", {}, ...rows.map(([name, ...cells]) => el("tr", {}, cell("th", { scope: "row" })(name), ...cells.map(cell("td", {})))))));
  }

  // A line that a screen reader speaks when it has not changed for a moment, and the reader is at this widget
  function speaker() {
    const node = el("p", { class: "play-unseen", role: "status" });
    let timer;
    const say = words => {
      clearTimeout(timer);
      timer = setTimeout(() => { if (node.parentNode?.contains(document.activeElement)) node.textContent = words; }, 500);
    };
    return { node, say };
  }

  // What the colours mean: pairs of classes and words
  const legend = keys => el("p", { class: "play-legend" }, ...keys.map(([look, words]) => el("span", {}, el("span", { class: `play-key ${look}` }), words)));

  // A picture with a title, drawn by `parts` in units of which ten are a cell; a cell is at most `width` pixels wide
  const figure = (title, label, rows, cols, parts, width = 12) => el("figure", { style: `max-inline-size: ${Math.max(cols * width, 72)}px` }, el("figcaption", {}, title),
    svg("svg", { viewBox: `-1 -1 ${cols * 10 + 2} ${rows * 10 + 2}`, role: "img", "aria-label": label }, ...parts));

  // `build(root)` fills an element `<div data-play="name">`; its plain explanation comes back if that fails
  function mount(name, build) {
    for (const place of document.querySelectorAll(`[data-play="${name}"]`)) {
      const root = el("div", { class: "play", role: "group", "aria-label": place.dataset.title ?? name });
      build(root);
      place.replaceChildren(root);
    }
  }

  return { el, svg, id, field, button, text, select, table, figure, legend, speaker, mount };
})();
