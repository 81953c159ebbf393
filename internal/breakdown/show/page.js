"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const canvas = document.getElementById("diagram");
const tip = document.getElementById("tip");
const n = data.index.length;
let order = data.index.map((_, i) => i);
let from = 0, to = n;
const top_ = 8, left = 64, bottom = 24;

function most() {
  let m = 0;
  for (let k = Math.floor(from); k < Math.min(n, Math.ceil(to)); k++) m = Math.max(m, data.ttft[order[k]]);
  return m || 1;
}
function draw() {
  const scale = window.devicePixelRatio || 1;
  const w = canvas.clientWidth, h = canvas.clientHeight;
  canvas.width = w * scale; canvas.height = h * scale;
  const g = canvas.getContext("2d");
  g.scale(scale, scale);
  const ink = getComputedStyle(document.body).color;
  const height = h - top_ - bottom, high = most(), wide = (w - left) / (to - from);
  for (let k = Math.max(0, Math.floor(from)); k < Math.min(n, Math.ceil(to)); k++) {
    const i = order[k];
    let y = top_ + height;
    for (let s = 0; s < data.spans.length; s++) {
      const v = data.each[s][i];
      if (v === null) continue;
      const d = v / high * height;
      y -= d;
      g.fillStyle = data.colours[s];
      g.fillRect(left + (k - from) * wide, y, Math.max(wide - (wide > 4 ? 1 : 0), 0.5), d);
    }
  }
  g.clearRect(0, 0, left, h);
  g.fillStyle = ink; g.font = "12px sans-serif"; g.textAlign = "right";
  for (let t = 0; t <= 4; t++) g.fillText((high * t / 4).toFixed(high < 10 ? 2 : 0) + " ms", left - 6, top_ + height * (1 - t / 4) + 4);
  g.textAlign = "left";
  g.fillText((Math.floor(from) + 1) + " to " + Math.min(n, Math.ceil(to)) + " of " + n + " requests", left, h - 6);
}
function at(event) {
  const box = canvas.getBoundingClientRect();
  return from + (event.clientX - box.left - left) / (box.width - left) * (to - from);
}
canvas.addEventListener("wheel", e => {
  e.preventDefault();
  const x = Math.min(Math.max(at(e), from), to), f = e.deltaY < 0 ? 0.8 : 1.25;
  const span = Math.min(n, Math.max(1, (to - from) * f));
  from = Math.min(Math.max(0, x - (x - from) / (to - from) * span), n - span);
  to = from + span;
  draw();
}, {passive: false});
let drag = null;
canvas.addEventListener("pointerdown", e => { drag = {x: at(e)}; canvas.setPointerCapture(e.pointerId); });
canvas.addEventListener("pointerup", () => { drag = null; });
canvas.addEventListener("pointermove", e => {
  if (drag) {
    const span = to - from;
    from = Math.min(Math.max(0, from + drag.x - at(e)), n - span);
    to = from + span;
    draw();
    return;
  }
  const k = Math.floor(at(e));
  if (k < 0 || k >= n) { tip.textContent = ""; return; }
  const i = order[k];
  const parts = data.spans.map((s, j) => data.each[j][i] === null ? null : s + " " + data.each[j][i].toFixed(3)).filter(p => p);
  tip.textContent = "request " + data.index[i] + ": TTFT " + data.ttft[i].toFixed(3) + " ms = " + parts.join(" + ");
});
function all() { from = 0; to = n; draw(); }
canvas.addEventListener("dblclick", all);
document.getElementById("all").addEventListener("click", all);
document.getElementById("byttft").addEventListener("click", () => { order = data.index.map((_, i) => i); draw(); });
document.getElementById("byorder").addEventListener("click", () => { order = data.index.map((_, i) => i).sort((a, b) => data.index[a] - data.index[b]); draw(); });
window.addEventListener("resize", draw);
draw();
