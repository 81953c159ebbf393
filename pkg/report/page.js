"use strict";
// Each chart can be read point by point, with the mouse or with the arrow keys, and each
// table that is wider than the page says so. Without this the page has tooltips of its own.
for (const figure of document.querySelectorAll("figure")) {
  const svg = figure.querySelector("svg");
  const lines = [];
  for (const group of svg.querySelectorAll("g")) {
    const points = [];
    for (const mark of group.querySelectorAll(".pt, .hit")) {
      const title = mark.querySelector("title");
      if (!title) continue;
      points.push({mark, text: title.textContent});
      title.remove();
    }
    if (points.length) lines.push(points);
  }
  if (!lines.length) continue;
  const name = svg.querySelector("title");
  figure.tabIndex = 0;
  figure.setAttribute("role", "group");
  figure.setAttribute("aria-label", name.textContent + ": arrow keys read its points");
  name.remove();
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("role", "status");
  figure.append(tip);
  let line = 0, at = 0, on = null;

  const centre = point => {
    const box = point.mark.getBoundingClientRect();
    return {x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2};
  };
  const hide = () => {
    if (on) on.mark.classList.remove("on");
    on = null;
    tip.textContent = "";
  };
  const show = () => {
    hide();
    on = lines[line][at];
    on.mark.classList.add("on");
    tip.textContent = on.text;
    const box = figure.getBoundingClientRect(), c = centre(on);
    tip.style.left = Math.max(0, Math.min(c.x - box.left + 8, box.width - tip.offsetWidth - 4)) + "px";
    tip.style.top = Math.max(0, c.y - box.top - tip.offsetHeight - 10) + "px";
  };
  const nearest = (x, y, among) => {
    let best = 1e9; // no "less than" in here: the page is well-formed XML, too
    for (const i of among) lines[i].forEach((point, k) => {
      const c = centre(point), d = Math.hypot(c.x - x, c.y - y);
      if (best > d) { best = d; line = i; at = k; }
    });
    return best;
  };
  const all = lines.map((_, i) => i);
  const point = event => { if (30 > nearest(event.clientX, event.clientY, all)) show(); else hide(); };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  svg.addEventListener("pointerleave", event => { if (event.pointerType === "mouse") hide(); });
  figure.addEventListener("blur", hide);
  figure.addEventListener("keydown", event => {
    const last = lines[line].length - 1;
    const fresh = !on;
    switch (event.key) {
    case "ArrowRight": if (!fresh) at = Math.min(at + 1, last); break;
    case "ArrowLeft": if (!fresh) at = Math.max(at - 1, 0); break;
    case "Home": at = 0; break;
    case "End": at = last; break;
    case "ArrowUp":
    case "ArrowDown":
      if (!fresh) {
        const c = centre(lines[line][at]), to = line + (event.key === "ArrowUp" ? -1 : 1);
        nearest(c.x, c.y, [(to + lines.length) % lines.length]);
      }
      break;
    case "Escape": hide(); return;
    default: return;
    }
    event.preventDefault();
    show();
  });
}
const wide = () => {
  for (const box of document.querySelectorAll(".scroll")) box.parentElement.classList.toggle("wide", box.scrollWidth > box.clientWidth + 1);
};
for (const box of document.querySelectorAll("details")) box.addEventListener("toggle", wide);
window.addEventListener("resize", wide);
wide();
