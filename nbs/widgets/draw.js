// The widget of chapter 10: a sheet to draw a digit on, and what each layer of the network says about it.
"use strict";

const weights = new URL("draw_weights.js", document.currentScript.src).href;

groundup.play.mount("draw", root => {
  const { el, button, speaker } = groundup.play, { center, unpack, forward, softmax } = groundup.draw;
  let layers, asked; // the network, fetched when a reader comes to the sheet
  const SIDE = 280, PEN = 22, STEP = 6, voice = speaker();
  const sheet = el("canvas", { width: SIDE, height: SIDE, tabindex: 0, class: "play-sheet", role: "application",
    "aria-label": "a sheet to draw on: the arrow keys move the pen, the space bar lowers or lifts it, Backspace clears the sheet" });
  const pen = sheet.getContext("2d", { willReadFrequently: true });
  const cursor = el("span", { class: "play-pen", "aria-hidden": "true" }), verdict = el("p", { class: "play-verdict" });
  let at = { x: SIDE / 2, y: 50 }, down = false, drawing = false, waiting = false;

  // A row of small pictures, one for each channel, all in one canvas
  function panel(title, label, side, columns, rows) {
    const cell = side > 1 ? side + 1 : 1, gap = cell - side;
    const picture = el("canvas", { width: columns * cell - gap, height: rows * cell - gap, role: "img", "aria-label": label });
    const pixels = picture.getContext("2d"), show = values => {
      const image = pixels.createImageData(picture.width, picture.height), channels = columns * rows;
      const most = values ? values.reduce((a, b) => Math.max(a, b), 1e-9) : 1;
      for (let c = 0; c < channels; c++) for (let i = 0; i < side * side; i++) {
        const x = (c % columns) * cell + i % side, y = Math.floor(c / columns) * cell + Math.floor(i / side);
        const grey = values ? 255 * Math.sqrt(values[i * channels + c] / most) : 0;  // the root shows what is faint, too
        image.data.set([grey, grey, grey, 255], 4 * (y * picture.width + x));
      }
      pixels.putImageData(image, 0, 0);
    };
    show(null);
    return { show, node: el("figure", {}, el("figcaption", {}, title), picture) };
  }
  const panels = [panel("as the network sees it", "the drawing, fitted into 28 by 28 pixels", 28, 1, 1),
                  panel("layer 1: 16 filters", "what each of the sixteen filters of the first layer found, and where", 12, 4, 4),
                  panel("layer 2: 32 filters", "what each of the thirty-two filters of the second layer found, and where", 4, 8, 4),
                  panel("layer 3: 128 numbers", "the hundred and twenty-eight numbers of the third layer", 1, 16, 8)];
  const bars = [...Array(10).keys()].map(d => ({ bar: el("span"), share: el("b"), digit: d }));

  function say(said) {
    const best = said && said.indexOf(Math.max(...said));
    for (const { bar, share, digit } of bars) {
      bar.style.inlineSize = `${said ? 100 * said[digit] : 0}%`;
      share.textContent = said ? `${Math.round(100 * said[digit])} %` : "";
      bar.parentNode.parentNode.classList.toggle("play-best", digit === best);
    }
    verdict.textContent = said ? `It reads a ${best}, and is ${Math.round(100 * said[best])} % sure.` : "Draw a digit from 0 to 9.";
    sheet.dataset.read = said ? best : "";
    if (said) voice.say(verdict.textContent);
  }

  function look() {
    waiting = false;
    if (!layers) return;
    const rgba = pen.getImageData(0, 0, SIDE, SIDE).data, digit = center(Uint8Array.from({ length: SIDE * SIDE }, (_, i) => rgba[4 * i]), SIDE, SIDE);
    const found = digit && forward(layers, digit);
    panels.forEach((p, i) => p.show(found && (i ? found[i - 1].values : digit)));
    say(found && softmax(found.at(-1).values));
  }
  const changed = () => { if (!waiting) { waiting = true; requestAnimationFrame(look); } };

  function clear() {
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, SIDE, SIDE);
    Object.assign(pen, { strokeStyle: "#fff", lineWidth: PEN, lineCap: "round", lineJoin: "round" });
    changed();
  }

  function move(to, draw) {
    if (draw) {
      pen.beginPath();
      pen.moveTo(at.x, at.y);
      pen.lineTo(to.x, to.y);
      pen.stroke();
      changed();
    }
    at = to;
    cursor.style.insetInlineStart = `${100 * at.x / SIDE}%`;
    cursor.style.insetBlockStart = `${100 * at.y / SIDE}%`;
  }
  const place = e => {
    const box = sheet.getBoundingClientRect();
    return { x: (e.clientX - box.left) * SIDE / box.width, y: (e.clientY - box.top) * SIDE / box.height };
  };
  function lower(is) {
    down = is;
    cursor.classList.toggle("play-down", is);
    if (is) move(at, true);
  }

  sheet.addEventListener("pointerdown", e => {
    if (e.button) return;
    sheet.setPointerCapture(e.pointerId);
    drawing = true;
    move(place(e), false);
    move(at, true);
  });
  sheet.addEventListener("pointermove", e => { if (drawing) for (const part of e.getCoalescedEvents?.().concat(e) ?? [e]) move(place(part), true); });
  for (const end of ["pointerup", "pointercancel"]) sheet.addEventListener(end, () => { drawing = false; });
  sheet.addEventListener("input", changed);
  sheet.addEventListener("keydown", e => {
    const way = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[e.key];
    const inside = v => Math.min(SIDE - PEN, Math.max(PEN, v));
    if (way) move({ x: inside(at.x + way[0]), y: inside(at.y + way[1]) }, down);
    else if (e.key === " ") { lower(!down); voice.say(down ? "pen down" : "pen up"); }
    else if (e.key === "Backspace" || e.key === "Delete") { lower(false); clear(); }
    else return;
    e.preventDefault();
  });

  root.append(
    el("div", { class: "play-draw" },
      el("div", {}, el("div", { class: "play-paper" }, sheet, cursor), el("div", { class: "play-row" }, button("clear", () => { lower(false); clear(); sheet.focus(); }))),
      el("table", { class: "play-digits" }, el("caption", { class: "play-unseen" }, "How probable each digit is"),
        el("tbody", {}, ...bars.map(({ bar, share, digit }) => el("tr", {}, el("th", { scope: "row" }, String(digit)), el("td", { class: "play-bar" }, bar, share)))))),
    verdict, el("div", { class: "play-maps play-layers" }, ...panels.map(p => p.node)), voice.node);
  clear();
  move(at, false);
  say(null);
  function fetchNetwork() {
    if (asked) return;
    asked = true;
    document.head.append(el("script", { src: weights, onload: () => { layers = groundup.drawWeights.map(unpack); changed(); } }));
  }
  for (const near of ["pointerenter", "pointerdown", "focus"]) sheet.addEventListener(near, fetchNetwork);
});
