// The race on the home page: every rung goes through the fifty thousand rows at the speed that was measured. Without JavaScript, its bars stand still, all at the end.
"use strict";

document.querySelectorAll("[data-race]").forEach(box => {
  const lanes = [...box.querySelectorAll("li")].map(li => ({ fill: li.querySelector("i"), said: li.querySelector("output"), total: +li.dataset.seconds }));
  const rows = +box.dataset.race, clock = box.querySelector("time"), button = box.querySelector("button");
  const span = s => s < 1 ? `${+(1000 * s).toPrecision(2)} ms` : s < 90 ? `${+s.toPrecision(2)} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${+(s / 3600).toPrecision(2)} h`;
  const longest = Math.max(...lanes.map(l => l.total)), END = 12;
  let began, frame;

  function draw(t) {
    clock.textContent = `${t.toFixed(1)} s`;
    for (const l of lanes) {
      const part = Math.min(1, t / l.total);
      l.fill.style.inlineSize = `${100 * part}%`;
      l.said.textContent = part === 1 ? `done in ${span(l.total)}` : `${Math.floor(rows * part).toLocaleString("en")} rows`;
    }
  }
  function step(now) {
    const t = (now - began) / 1000;
    draw(Math.min(t, END));
    if (t < END) frame = requestAnimationFrame(step);
    else {
      for (const l of lanes) if (l.total > END) l.said.textContent += ` · will take ${span(l.total)}`;
      button.textContent = "Race again";
    }
  }
  function start() {
    cancelAnimationFrame(frame);
    button.textContent = "Start over";
    began = performance.now();
    frame = requestAnimationFrame(step);
  }
  button.hidden = false;
  button.addEventListener("click", start);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) draw(Math.min(END, longest));
  else new IntersectionObserver((seen, me) => { if (seen[0].isIntersecting) { me.disconnect(); start(); } }).observe(box);
});
