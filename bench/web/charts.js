// SPDX-License-Identifier: Apache-2.0
// The figures. A drawing is a recipe that can be drawn again: for another theme, another
// width, paper, or the other kind of scale. Nothing statistical is computed here; an ECDF
// is the samples sorted, all other figures are read from the data.

const drawings = [];
let figureCount = 0;

function theme() {
  const css = getComputedStyle(document.documentElement);
  const get = (name) => css.getPropertyValue(name).trim();
  return {
    ink: get("--ink"), muted: get("--muted"), grid: get("--grid"), card: get("--card"), rule: get("--rule"),
    dark: matchMedia("screen and (prefers-color-scheme: dark)").matches,
    narrow: window.innerWidth < 600,
  };
}

/* ---- scales ------------------------------------------------------------------------- */

// Log axes are labelled at 1, 2 and 5 of each decade; at 1 only when there are many.
function logTick(decades, narrow) {
  return function (value) {
    const mantissa = Number(Number(value).toExponential().split("e")[0]);
    const wanted = decades > (narrow ? 1.6 : 3) ? [1] : [1, 2, 5];
    return wanted.some((w) => Math.abs(w - mantissa) < 1e-6) ? axisNumber(value) : "";
  };
}

const axisNumber = (v) => (v === 0 ? "0" : Math.abs(v) < 1e-4 || Math.abs(v) >= 1e6 ? Number(v).toExponential() : Number(v.toPrecision(6)).toLocaleString("en-US", { maximumFractionDigits: 6 }));

function niceBound(v, up) {
  const power = 10 ** Math.floor(Math.log10(v));
  const steps = up ? [1, 1.5, 2, 3, 5, 7, 10] : [7, 5, 3, 2, 1.5, 1];
  for (const s of steps) if (up ? s * power >= v : s * power <= v) return s * power;
  return up ? 10 * power : power;
}

function valueAxis(t, title, scale, values, extra) {
  const good = values.filter((v) => isNumber(v) && (scale === "linear" || v > 0));
  const axis = {
    type: scale === "log" ? "logarithmic" : "linear",
    title: { display: true, text: title, color: t.muted, font: { size: 12 } },
    grid: { color: t.grid, drawBorder: false, tickLength: 4 },
    ticks: { color: t.muted, font: { size: 11 }, maxRotation: 0, autoSkipPadding: 10, callback: axisNumber },
    ...extra,
  };
  if (scale === "linear" && good.length > 0) {
    axis.suggestedMin = Math.min(0, lowest(good)); // room for whiskers, which Chart.js does not know
    axis.suggestedMax = highest(good);
  }
  if (scale === "log" && good.length > 0) {
    axis.min = niceBound(lowest(good) * 0.94, false);
    axis.max = niceBound(highest(good) * 1.04, true);
    axis.ticks.callback = logTick(Math.log10(axis.max / axis.min), t.narrow);
    axis.ticks.autoSkip = false;
    axis.grid.color = (c) => (c.tick && c.tick.label ? t.grid : "transparent");
  }
  return axis;
}

const nameAxis = (t) => ({
  grid: { display: false, drawBorder: false },
  ticks: { color: t.ink, font: { size: 12.5 }, autoSkip: false, crossAlign: "far",
    callback: function (v) { return cut(this.getLabelForValue(v), t.narrow ? 12 : 18); } },
});

/* ---- marks that Chart.js does not have ------------------------------------------------ */

// With a rim in the colour of the paper, so that it is seen on a bar of any colour.
function drawWhisker(c, x1, x2, y, ink, paper) {
  for (const [color, width] of [[paper, 4], [ink, 1.5]]) {
    c.strokeStyle = color;
    c.lineWidth = width;
    c.beginPath();
    c.moveTo(x1, y);
    c.lineTo(x2, y);
    for (const x of [x1, x2]) {
      c.moveTo(x, y - 4);
      c.lineTo(x, y + 4);
    }
    c.stroke();
  }
}

// Whiskers, dots in place of bars (a bar has no honest length on a log axis), and figures.
const marks = {
  id: "marks",
  afterDatasetsDraw(chart) {
    const c = chart.ctx;
    const x = chart.scales.x;
    c.save();
    chart.data.datasets.forEach((set, s) => {
      if (!set.marks) return;
      chart.getDatasetMeta(s).data.forEach((bar, i) => {
        const value = set.data[i];
        const whisker = set.marks.whiskers && set.marks.whiskers[i];
        if (!isNumber(value)) return;
        const shown = !set.marks.dots || value > 0; // zero and less have no place on a log axis
        const at = (v) => (set.marks.dots && v <= 0 ? chart.chartArea.left : x.getPixelForValue(v));
        let right = Math.max(at(value), at(0));
        if (whisker && isNumber(whisker[0]) && isNumber(whisker[1]) && shown) {
          drawWhisker(c, at(whisker[0]), at(whisker[1]), bar.y, set.marks.ink, set.marks.paper);
          right = Math.max(right, at(whisker[1]));
        }
        if (set.marks.dots && shown) {
          c.fillStyle = set.marks.dots[i];
          c.beginPath();
          c.arc(x.getPixelForValue(value), bar.y, 5.5, 0, 2 * Math.PI);
          c.fill();
        }
        c.fillStyle = set.marks.ink;
        c.font = "12px " + Chart.defaults.font.family;
        c.textBaseline = "middle";
        c.fillText(set.marks.texts[i], right + 9, bar.y + 0.5);
        if (!set.marks.notes) return;
        const used = c.measureText(set.marks.texts[i] + " ").width;
        c.fillStyle = set.marks.muted;
        c.font = "11px " + Chart.defaults.font.family;
        c.fillText(set.marks.notes[i], right + 12 + used, bar.y + 0.5);
      });
    });
    c.restore();
  },
};

// A vertical line at a value of the x axis ("as long as the baseline").
const guide = {
  id: "guide",
  beforeDatasetsDraw(chart, _args, options) {
    if (!isNumber(options.at)) return;
    const x = chart.scales.x.getPixelForValue(options.at);
    const c = chart.ctx;
    c.save();
    c.strokeStyle = options.color;
    c.setLineDash([4, 3]);
    c.beginPath();
    c.moveTo(x, chart.chartArea.top);
    c.lineTo(x, chart.chartArea.bottom);
    c.stroke();
    c.restore();
  },
};

// The name of a stacked part, inside it, where it fits.
const partNames = {
  id: "partNames",
  afterDatasetsDraw(chart, _args, options) {
    const c = chart.ctx;
    c.save();
    c.font = "11.5px " + Chart.defaults.font.family;
    c.textBaseline = "middle";
    c.textAlign = "center";
    c.fillStyle = options.color;
    chart.data.datasets.forEach((set, s) =>
      chart.getDatasetMeta(s).data.forEach((bar) => {
        const room = Math.abs(bar.x - bar.base);
        if (c.measureText(set.label).width + 8 < room) c.fillText(set.label, (bar.x + bar.base) / 2, bar.y + 0.5);
      }));
    c.restore();
  },
};

/* ---- legends ------------------------------------------------------------------------ */

function keySample(style) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  const shape = document.createElementNS(ns, style.block ? "rect" : style.dotOnly ? "circle" : "line");
  const set = (o) => Object.entries(o).forEach(([k, v]) => shape.setAttribute(k, v));
  Object.entries({ width: style.block || style.dotOnly ? 12 : 26, height: 12, "aria-hidden": "true" })
    .forEach(([k, v]) => svg.setAttribute(k, v));
  if (style.block) set({ x: 0, y: 1, width: 11, height: 11, rx: 2, fill: style.color });
  else if (style.dotOnly) set({ cx: 6, cy: 6, r: 4.5, fill: style.color });
  else set({ x1: 0, x2: 26, y1: 6, y2: 6, stroke: style.color, "stroke-width": style.width, "stroke-dasharray": style.dash.join(" ") });
  svg.append(shape);
  return svg;
}

const keyItem = (label, style) => el("li", {}, keySample(style), cut(label, 28));

/* ---- figures ------------------------------------------------------------------------- */

// {title, caption, fallback, height(t), wide, scales: initial scale or null, config(t, scale),
//  keys(t) -> [li]}. Returns the element; the chart is drawn by drawAll, once it is in the page.
function figure(f) {
  const canvas = el("canvas", { role: "img", "aria-label": f.title + ". " + f.fallback }, el("p", {}, f.fallback));
  const plot = el("div", { class: "plot" }, canvas);
  const keys = f.keys ? el("ul", { class: "keys" }) : null;
  const drawing = { ...f, canvas, plot, keyList: keys, scale: f.scales || "linear", chart: null };
  const head = el("div", { class: "figure-head" }, el("h3", {}, f.title), f.scales ? scaleSwitch(drawing) : null);
  drawings.push(drawing);
  return el("figure", { class: f.wide ? "wide" : null }, head, plot, keys,
    el("figcaption", {}, el("b", {}, "Figure " + ++figureCount + ". "), f.caption));
}

function scaleSwitch(drawing) {
  const box = el("span", { class: "switch", role: "group", "aria-label": "Scale of the value axis" });
  for (const scale of ["linear", "log"]) {
    const button = el("button", { type: "button", "aria-pressed": String(drawing.scale === scale) }, scale);
    button.addEventListener("click", () => {
      drawing.scale = scale;
      for (const b of box.children) b.setAttribute("aria-pressed", String(b === button));
      draw(drawing, theme());
    });
    box.append(button);
  }
  return box;
}

function draw(d, t) {
  if (d.chart) d.chart.destroy();
  d.plot.style.height = d.height(t) + "px";
  const config = d.config(t, d.scale);
  config.options = {
    animation: false, responsive: true, maintainAspectRatio: false, normalized: true,
    ...config.options,
  };
  config.options.plugins = { legend: { display: false }, tooltip: { displayColors: false }, ...config.options.plugins };
  d.chart = new Chart(d.canvas, config);
  if (d.keyList) d.keyList.replaceChildren(...d.keys(t));
}

function drawAll() {
  const t = theme();
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.color = t.muted;
  for (const d of drawings) draw(d, t);
  for (const dot of document.querySelectorAll(".dot"))
    dot.style.background = subjectStyle(dot.dataset.subject, t.dark).color;
  document.documentElement.dataset.charts = String(drawings.filter((d) => d.chart).length);
}

/* ---- kinds of charts ------------------------------------------------------------------ */

// One value a subject, with its interval: rows = [{name, value, interval, text}].
function intervalFigure(f, rows, axisTitle, guideAt) {
  const wanted = rows.filter((r) => isNumber(r.value)).sort((a, b) => a.value - b.value);
  const all = wanted.flatMap((r) => [r.value, ...(r.interval || [])]);
  return figure({
    ...f,
    fallback: wanted.map((r) => r.name + ": " + r.text).join("; ") + ".",
    height: () => 74 + 33 * wanted.length,
    config(t, scale) {
      const colors = wanted.map((r) => subjectStyle(r.name, t.dark).color);
      const dots = scale === "log";
      return {
        type: "bar",
        data: {
          labels: wanted.map((r) => r.name),
          datasets: [{
            data: wanted.map((r) => r.value), backgroundColor: dots ? "transparent" : colors,
            maxBarThickness: 19, borderRadius: 2,
            marks: { whiskers: wanted.map((r) => r.interval), dots: dots ? colors : null, ink: t.ink, paper: t.card, muted: t.muted,
              texts: wanted.map((r) => r.text), notes: t.narrow ? null : wanted.map((r) => r.note || "") },
          }],
        },
        options: {
          indexAxis: "y", layout: { padding: { right: t.narrow ? 62 : 158 } },
          scales: { x: valueAxis(t, axisTitle, scale, all.concat(isNumber(guideAt) ? [guideAt] : []), {}), y: nameAxis(t) },
          plugins: { guide: { at: guideAt, color: t.muted }, tooltip: { enabled: false } },
        },
        plugins: [guide, marks],
      };
    },
  });
}

// Several values a subject: groups = [{label, values, intervals}] over names.
function groupedFigure(f, names, groups, unit) {
  return figure({
    ...f,
    fallback: names.map((n, i) => n + ": " + groups.map((g) => g.label + " " + scaled(g.values[i], unit) + " " + unit.name).join(", ")).join("; ") + ".",
    height: () => 70 + 19 * groups.length * names.length,
    keys: (t) => groups.map((g, i) => keyItem(g.label, { block: true, color: METHOD_COLORS[i][t.dark ? 1 : 0] })),
    config: (t, scale) => ({
      type: "bar",
      data: {
        labels: names,
        datasets: groups.map((g, i) => {
          const color = METHOD_COLORS[i][t.dark ? 1 : 0];
          const values = g.values.map((v) => (isNumber(v) ? v / unit.scale : null));
          return {
            label: g.label, data: values, backgroundColor: scale === "log" ? "transparent" : color,
            maxBarThickness: 15, borderRadius: 2, categoryPercentage: 0.84, barPercentage: 0.94,
            marks: {
              whiskers: g.intervals && g.intervals.map((p) => p && p.map((v) => (isNumber(v) ? v / unit.scale : null))),
              dots: scale === "log" ? values.map(() => color) : null, ink: t.ink, paper: t.card, texts: g.values.map((v) => scaled(v, unit)),
            },
          };
        }),
      },
      options: {
        indexAxis: "y", layout: { padding: { right: 50 } },
        scales: { x: valueAxis(t, unit.name, scale, groups.flatMap((g) => [...g.values, ...list(g.intervals).flatMap(list)].filter(isNumber).map((v) => v / unit.scale)), {}), y: nameAxis(t) },
        plugins: { tooltip: { enabled: false } },
      },
      plugins: [marks],
    }),
  });
}

// Parts of a whole: rows = names, parts = [{label, values}].
function stackedFigure(f, names, parts, unit) {
  const color = (i) => PHASE_COLORS[i % PHASE_COLORS.length];
  return figure({
    ...f,
    fallback: names.map((n, i) => n + ": " + parts.filter((p) => isNumber(p.values[i])).map((p) => p.label + " " + scaled(p.values[i], unit) + " " + unit.name).join(", ")).join("; ") + ".",
    height: () => 70 + 46 * names.length,
    keys: (t) => parts.map((p, i) => keyItem(p.label, { block: true, color: color(i) })),
    config: (t) => ({
      type: "bar",
      data: {
        labels: names,
        datasets: parts.map((p, i) => ({
          label: p.label, data: p.values.map((v) => (isNumber(v) ? v / unit.scale : null)), backgroundColor: color(i),
          borderColor: t.card, borderWidth: { right: 1.5 }, maxBarThickness: 30,
        })),
      },
      options: {
        indexAxis: "y",
        scales: { x: { ...valueAxis(t, unit.name, "linear", [], {}), stacked: true }, y: { ...nameAxis(t), stacked: true } },
        plugins: {
          partNames: { color: "#14181d" },
          tooltip: { displayColors: false, callbacks: { label: (c) => c.dataset.label + ": " + number(c.raw) + " " + unit.name } },
        },
      },
      plugins: [partNames],
    }),
  });
}

// Many points: more than a screen can show are thinned evenly, ends kept.
function thin(points, most) {
  if (points.length <= most) return points;
  const step = (points.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, i) => points[Math.round(i * step)]);
}

// Lines or points: series = [{name, points: [{x, y}]}]; `logAxis` says which axis switches.
function xyFigure(f, series, axes) {
  const shown = series.filter((s) => s.points.length > 0).map((s) => ({ ...s, points: thin(s.points, 3000) }));
  const values = (k) => shown.flatMap((s) => s.points.map((p) => p[k]));
  return figure({
    ...f,
    height: (t) => (t.narrow ? 280 : 320),
    keys: (t) => shown.map((s) => keyItem(s.name, { ...subjectStyle(s.name, t.dark), dotOnly: !axes.line })),
    config: (t, scale) => ({
      type: "scatter",
      data: {
        datasets: shown.map((s) => {
          const style = subjectStyle(s.name, t.dark);
          return {
            label: s.name, data: scale === "log" ? s.points.filter((p) => p[axes.logAxis] > 0) : s.points,
            showLine: axes.line, stepped: axes.stepped ? "before" : false, borderColor: style.color,
            borderWidth: style.width, borderDash: axes.line ? style.dash : [], pointHitRadius: 6,
            pointBackgroundColor: (c) => (c.raw && c.raw.marked ? "transparent" : style.color), pointBorderColor: style.color,
            pointRadius: (c) => (c.raw && c.raw.marked ? axes.radius + 2 : axes.radius),
            pointBorderWidth: (c) => (c.raw && c.raw.marked ? 1.75 : 0),
          };
        }),
      },
      options: {
        scales: {
          x: valueAxis(t, axes.x, axes.logAxis === "x" ? scale : "linear", values("x"), axes.xExtra),
          y: valueAxis(t, axes.y, axes.logAxis === "y" ? scale : "linear", values("y"), axes.yExtra),
        },
        plugins: {
          tooltip: { displayColors: false, callbacks: { label: (c) => cut(c.dataset.label, 30) + ": " + axes.tip(c.raw) } },
        },
      },
    }),
  });
}
