// SPDX-License-Identifier: Apache-2.0
// Numbers, units and page elements. Every text from the data becomes a text node: nothing
// of it is ever parsed as HTML.

const UNITS = {
  time: [["ns", 1], ["µs", 1e3], ["ms", 1e6], ["s", 1e9]],
  size: [["B", 1], ["KiB", 1024], ["MiB", 1048576], ["GiB", 1073741824], ["TiB", 1099511627776]],
  none: [["", 1]],
};

// What a metric's name says about its unit ("total_ns", "pss_bytes").
function unitKind(name) {
  return name.endsWith("_ns") ? "time" : name.endsWith("_bytes") ? "size" : "none";
}

const list = (v) => (Array.isArray(v) ? v : []);
const isNumber = (v) => typeof v === "number" && Number.isFinite(v);

// Not Math.min(...values): a million samples are too many arguments.
const lowest = (values) => values.reduce((a, b) => (b < a ? b : a), Infinity);
const highest = (values) => values.reduce((a, b) => (b > a ? b : a), -Infinity);

// The unit in which all these values read best: it suits their geometric middle.
function pickUnit(kind, values) {
  const sizes = values.filter((v) => isNumber(v) && v !== 0).map(Math.abs);
  let best = UNITS[kind][0];
  if (sizes.length > 0) {
    const middle = Math.sqrt(lowest(sizes)) * Math.sqrt(highest(sizes));
    for (const unit of UNITS[kind]) if (middle >= unit[1]) best = unit;
  }
  return { name: best[0], scale: best[1] };
}

// Three significant digits, at most three decimals.
function number(v) {
  if (!isNumber(v)) return "–";
  const size = Math.abs(v);
  if (size === 0) return "0";
  if (size >= 1e7) return v.toPrecision(3);
  if (size >= 999.5) return v.toLocaleString("en-US", { maximumFractionDigits: 0 });
  return v.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3);
}

const scaled = (v, unit) => (isNumber(v) ? number(v / unit.scale) : "–");
const count = (v) => (isNumber(v) ? v.toLocaleString("en-US", { maximumFractionDigits: 0 }) : "–");

function range(pair, unit) {
  if (!pair || !isNumber(pair[0]) || !isNumber(pair[1])) return "–";
  const dash = pair[0] < 0 || pair[1] < 0 ? " … " : "–";
  return scaled(pair[0], unit) + dash + scaled(pair[1], unit);
}

function quantity(v, kind) {
  const unit = pickUnit(kind, [v]);
  return isNumber(v) ? (number(v / unit.scale) + " " + unit.name).trim() : "–";
}

// "2026-01-01T00:00:00Z" for people; anything else as it is.
const date = (text) => (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? text.slice(0, 10) + " " + text.slice(11, 16) + " UTC" : text);

const cut = (text, length) => (text.length > length ? text.slice(0, length - 1) + "…" : text);

// el("p", {class: "x"}, "text", node, ...)
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {}))
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  node.append(...children.filter((c) => c !== null && c !== undefined));
  return node;
}

// Colours and marks of subjects: told apart by colour (safe for the common colour
// blindnesses), and in line charts again by dash: ours are solid. [light, dark] each.
const KNOWN_COLORS = {
  null: ["#8c9198", "#7f8790"],
  process: ["#4d535b", "#c3cad1"],
  container: ["#0072b2", "#5ab4ec"],
  nano: ["#d55e00", "#ff8f45"],
  linux: ["#00805c", "#35c79a"],
};
const PEER_COLORS = [
  ["#a3459b", "#dd8ad6"], ["#2f8f87", "#62cdc1"], ["#882255", "#d46a9a"], ["#5546a8", "#a89bf0"],
  ["#857a18", "#cfc353"], ["#b8394a", "#f0808c"], ["#3d6f1f", "#93cc6b"], ["#7a5230", "#d3a67c"],
];
// Phases and methods are no subjects: pale fills for dark text, and steps of lightness.
const PHASE_COLORS = ["#77aadd", "#ee8866", "#eedd88", "#44bb99", "#ffaabb", "#bbcc33", "#99ddff", "#c8c2d6",
  "#d9a066", "#a8d5a2", "#e3b5f2", "#b8b04c"];
const METHOD_COLORS = [["#22384d", "#eef2f6"], ["#7c93a8", "#93aac0"], ["#b59a5b", "#b08f45"]];
const DASHES = [[7, 3], [2, 2], [9, 3, 2, 3], [4, 4], [12, 3]];

const peerOrder = []; // peers get their colour by first appearance, the same in all charts

function subjectStyle(name, dark) {
  const side = dark ? 1 : 0;
  if (Object.hasOwn(KNOWN_COLORS, name)) return { color: KNOWN_COLORS[name][side], dash: [], width: 2.75 };
  if (!peerOrder.includes(name)) peerOrder.push(name);
  const i = peerOrder.indexOf(name);
  return { color: PEER_COLORS[i % PEER_COLORS.length][side], dash: DASHES[i % DASHES.length], width: 1.75 };
}

// [{head, unit, cells: [text, ...]}] with a row head column becomes a table that scrolls in
// its own box.
let tableCount = 0;
function table(title, rowHeads, columns, subjects) {
  const id = "table-" + ++tableCount;
  const head = el("tr", {}, el("th", { scope: "col" }, rowHeads.head));
  for (const c of columns)
    head.append(el("th", { scope: "col", class: c.text ? "text" : null }, c.head, c.unit ? el("small", {}, c.unit) : null));
  const body = el("tbody");
  rowHeads.cells.forEach((name, row) => {
    const dot = subjects ? el("span", { class: "dot", "data-subject": name, "aria-hidden": "true" }) : null;
    const tr = el("tr", {}, el("th", { scope: "row" }, dot, cut(name, 40)));
    for (const c of columns) tr.append(el("td", { class: c.text ? "text" : null }, c.cells[row]));
    body.append(tr);
  });
  return el("div", { class: "table" }, el("p", { class: "caption", id }, el("b", {}, "Table " + tableCount + ". "), title),
    el("div", { class: "scroll", role: "region", tabindex: "0", "aria-labelledby": id },
      el("table", { "aria-labelledby": id }, el("thead", {}, head), body)));
}
