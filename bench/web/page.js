// SPDX-License-Identifier: Apache-2.0
// Puts the report together: what was found, a section per result with figures and tables,
// the host, the method.

const data = JSON.parse(document.getElementById("data").textContent);

const own = (o, key) => (o && Object.hasOwn(o, key) ? o[key] : undefined);
const metric = (s, name) => own(s.summary, name) || null;
const show = (v) => (typeof v === "string" ? v : v === null || v === undefined ? "–" : JSON.stringify(v));

const MEASURES = { startup: "Start-up", memory: "Memory", density: "Density" };

function docTitle(doc) {
  const name = own(MEASURES, doc.measure) || doc.measure;
  const settings = doc.settings || {};
  const parts = [doc.mode, settings.concurrency > 1 ? settings.concurrency + " at a time" : null];
  return [name, ...parts.filter(Boolean)].join(", ");
}

/* ---- metrics: start-up and anything else that has samples ------------------------------ */

const METRIC_TITLES = {
  total_ns: ["Launch to end", "From the launch call until the command is reaped"],
  ready_ns: ["Launch to first output", "From the launch call to the first byte of the workload's output"],
  teardown_ns: ["Tear-down", "From the workload's exit until the command is reaped"],
};

const metricTitle = (name) => (own(METRIC_TITLES, name) || [name])[0];
const metricLong = (name) => (own(METRIC_TITLES, name) || [name, "“" + name + "”, as the workload reported it"])[1];

function metricNames(subjects) {
  const names = [];
  for (const s of subjects) for (const n of Object.keys(s.summary || {})) if (!names.includes(n)) names.push(n);
  return names;
}

// The unit for a metric of these subjects; "null" is far below the others and has no say.
function metricUnit(subjects, name) {
  const others = subjects.filter((s) => s.name !== "null" && metric(s, name));
  return pickUnit(unitKind(name), (others.length ? others : subjects).map((s) => metric(s, name)?.median));
}

const spread = (values) => {
  const good = values.filter((v) => isNumber(v) && v > 0);
  return good.length > 1 ? highest(good) / lowest(good) : 1;
};

const intervalNote = (pair, unit) => (range(pair, unit) === "–" ? "" : "(" + range(pair, unit) + ")");

const metricSpread = (subjects, name) =>
  spread(subjects.filter((s) => s.name !== "null").map((s) => metric(s, name)?.median));

function medianFigure(subjects, name) {
  const unit = metricUnit(subjects, name);
  const rows = subjects.filter((s) => metric(s, name)).map((s) => {
    const m = metric(s, name);
    return { name: s.name, value: m.median / unit.scale, interval: list(m.median_ci95).map((v) => v / unit.scale),
      text: quantity(m.median, unitKind(name)), note: intervalNote(m.median_ci95, pickUnit(unitKind(name), [m.median])) };
  });
  return intervalFigure({
    title: metricTitle(name) + ": median", scales: metricSpread(subjects, name) > 20 ? "log" : "linear",
    caption: metricLong(name) + ". Mark or bar: median. Whisker: 95 % confidence interval of the median.",
  }, rows, unit.name);
}

function ratioFigure(subjects, name) {
  const rows = subjects.filter((s) => metric(s, name)?.ratio && metric(s, name).ratio.to !== s.name && s.name !== "null").map((s) => {
    const r = metric(s, name).ratio;
    return { name: s.name, value: r.value, interval: list(r.ci95), text: number(r.value) + "×", note: intervalNote(r.ci95, { scale: 1 }) };
  });
  if (rows.length === 0) return null;
  const base = subjects.map((s) => metric(s, name)?.ratio?.to).find(Boolean);
  return intervalFigure({
    title: "Times as long as " + cut(base, 24), scales: "log",
    caption: "Ratio of the medians, with its 95 % confidence interval. The dashed line is " + cut(base, 40) +
      "; where an interval crosses it, no difference was shown.",
  }, rows, "× " + cut(base, 24), 1);
}

function goodSamples(s, name) {
  return list(s.samples).filter((x) => x.ok === true && isNumber(own(x.metrics, name)));
}

function ecdfFigure(subjects, name) {
  const all = subjects.flatMap((s) => goodSamples(s, name).map((x) => x.metrics[name]));
  if (all.length === 0) return null;
  const unit = metricUnit(subjects, name);
  const series = subjects.map((s) => {
    const sorted = goodSamples(s, name).map((x) => x.metrics[name] / unit.scale).sort((a, b) => a - b);
    const points = sorted.map((v, i) => ({ x: v, y: (100 * (i + 1)) / sorted.length }));
    return { name: s.name, points: points.length ? [{ x: sorted[0], y: 0 }, ...points] : [] };
  });
  return xyFigure({
    title: "Distribution", scales: metricSpread(subjects, name) > 20 ? "log" : "linear",
    fallback: "Share of starts that were done after a time, one step curve a subject; percentiles are in the table.",
    caption: "Share of the starts that were done within a time: further left is faster, steeper is steadier. The " +
      "curve crosses 50 % at the median, and a long tail to the right is the rare slow start.",
  }, series, {
    x: unit.name, y: "% of starts", logAxis: "x", line: true, stepped: true, radius: 0,
    yExtra: { min: 0, max: 100 }, tip: (p) => number(p.y) + " % within " + number(p.x) + " " + unit.name,
  });
}

function orderFigure(subjects, name) {
  const all = subjects.flatMap((s) => goodSamples(s, name).map((x) => x.metrics[name]));
  if (all.length === 0) return null;
  const unit = metricUnit(subjects, name);
  const series = subjects.map((s) => {
    const outliers = new Set(list(metric(s, name)?.outliers));
    return {
      name: s.name,
      points: goodSamples(s, name).map((x, i) => ({
        x: isNumber(x.order) ? x.order : i, y: x.metrics[name] / unit.scale, marked: outliers.has(x.order),
      })),
    };
  });
  return xyFigure({
    title: "Every sample, in the order of the runs", scales: metricSpread(subjects, name) > 20 ? "log" : "linear",
    fallback: all.length + " samples, each at its place in the run.",
    caption: "Subjects take turns. Rings are outliers: flagged, never dropped. A level that drifts or steps for all of them at once is the machine, not the subject.",
  }, series, {
    x: "run number", y: unit.name, logAxis: "y", line: false, radius: 2.3,
    tip: (p) => number(p.y) + " " + unit.name + ", run " + p.x + (p.marked ? ", outlier" : ""),
  });
}

function metricTable(subjects, name) {
  const rows = subjects.filter((s) => metric(s, name) || s.failures > 0);
  const m = rows.map((s) => metric(s, name) || {});
  const unit = metricUnit(rows, name);
  const col = (head, key) => ({ head, unit: unit.name, cells: m.map((x) => scaled(x[key], unit)) });
  const columns = [
    { head: "n", cells: m.map((x) => count(x.n)) },
    col("median", "median"),
    { head: "95 % CI", unit: unit.name, cells: m.map((x) => range(x.median_ci95, unit)) },
    col("p90", "p90"), col("p99", "p99"), col("min", "min"), col("max", "max"), col("mean", "mean"), col("std dev", "stddev"),
  ];
  const base = m.map((x) => x.ratio?.to).find(Boolean);
  if (base) {
    columns.push({ head: "× " + cut(base, 16), cells: m.map((x) => number(x.ratio?.value)) });
    columns.push({ head: "95 % CI", unit: "of the ratio", cells: m.map((x) => range(x.ratio?.ci95, { scale: 1 })) });
  }
  columns.push({ head: "outliers", cells: m.map((x) => (Array.isArray(x.outliers) ? count(x.outliers.length) : "–")) });
  columns.push({ head: "failed", cells: rows.map((s) => count(s.failures || 0)) });
  return table(metricTitle(name) + ". " + metricLong(name) + "; failed starts are in no statistic.",
    { head: "subject", cells: rows.map((s) => s.name) }, columns, true);
}

/* ---- phases ------------------------------------------------------------------------- */

// One order for the phases of all kinds: a new one goes behind the one it follows in its own.
function phaseOrder(subjects) {
  const order = [];
  for (const s of subjects) {
    let at = 0;
    for (const p of s.phases) {
      if (!order.includes(p.name)) order.splice(at, 0, p.name);
      at = order.indexOf(p.name) + 1;
    }
  }
  return order;
}

function phaseNodes(subjects) {
  const rows = subjects.filter((s) => list(s.phases).length > 0);
  if (rows.length === 0) return null;
  const names = rows.map((s) => s.name);
  const parts = phaseOrder(rows).map((label) => ({
    label, values: rows.map((s) => s.phases.find((p) => p.name === label)?.median_ns),
  }));
  const sums = rows.map((s) => s.phases.reduce((sum, p) => sum + (p.median_ns || 0), 0));
  const unit = pickUnit("time", sums);
  const us = { name: "µs", scale: 1e3 };
  return {
    figure: stackedFigure({
      title: "Where the time goes", wide: true,
      caption: "Median length of each phase of a start, on one clock of the host. The medians of phases need not add up " +
        "to the median of the whole.",
    }, names, parts, unit),
    table: table("Phases: medians.", { head: "phase", cells: parts.map((p) => p.label) },
      names.map((n, i) => ({ head: cut(n, 20), unit: us.name, cells: parts.map((p) => scaled(p.values[i], us)) })), false),
  };
}

/* ---- memory and density --------------------------------------------------------------- */

// What MemAvailable lost since the first point, in bytes over instances.
function memoryUsed(points) {
  const good = list(points).filter((p) => isNumber(p.mem_available_bytes) && isNumber(p.instances));
  return good.map((p) => ({ x: p.instances, y: good[0].mem_available_bytes - p.mem_available_bytes }));
}

function memoryNodes(subjects) {
  const rows = subjects.filter((s) => s.memory);
  if (rows.length === 0) return null;
  const m = rows.map((s) => s.memory);
  const names = rows.map((s) => s.name);
  const methods = [
    { label: "MemAvailable slope", values: m.map((x) => x.slope_bytes), intervals: m.map((x) => x.slope_ci95) },
    { label: "PSS", values: m.map((x) => x.pss_per_instance_bytes) },
    { label: "cgroup", values: m.map((x) => x.cgroup_per_instance_bytes) },
  ];
  const all = methods.flatMap((g) => g.values);
  const belowZero = [...all, ...m.flatMap((x) => list(x.slope_ci95))].some((v) => isNumber(v) && v <= 0);
  const unit = pickUnit("size", all);
  const points = rows.map((s) => ({
    name: s.name, points: memoryUsed(s.memory.points).map((p) => ({ x: p.x, y: p.y / 1048576 })),
  }));
  const col = (head, u, cells) => ({ head, unit: u, cells });
  return {
    figures: [
      groupedFigure({
        title: "Memory of one more idle instance", scales: belowZero || spread(all) < 40 ? "linear" : "log",
        caption: "The same instances by three methods. The slope of MemAvailable is what the host really loses, page tables " +
          "and kernel objects included; whisker: its 95 % confidence interval.",
      }, names, methods, unit),
      xyFigure({
        title: "MemAvailable used", fallback: "Memory used against the number of instances; the slopes are in the table.",
        caption: "What the host's MemAvailable lost since the first point. A straight line means that each instance costs the same.",
      }, points, {
        x: "instances", y: "MiB", logAxis: "none", line: true, radius: 3,
        tip: (p) => number(p.y) + " MiB at " + count(p.x) + " instances",
      }),
    ],
    table: table("Memory of an idle instance.", { head: "subject", cells: names }, [
      col("instances", null, m.map((x) => count(x.instances))),
      col("MemAvailable slope", unit.name, m.map((x) => scaled(x.slope_bytes, unit))),
      col("95 % CI", unit.name, m.map((x) => range(x.slope_ci95, unit))),
      col("PSS", unit.name, m.map((x) => scaled(x.pss_per_instance_bytes, unit))),
      col("cgroup", unit.name, m.map((x) => scaled(x.cgroup_per_instance_bytes, unit))),
      col("failed", null, rows.map((s) => count(s.failures || 0))),
    ], true),
  };
}

function densityNodes(subjects) {
  const rows = subjects.filter((s) => s.density);
  if (rows.length === 0) return null;
  const d = rows.map((s) => s.density);
  const curve = (x) => list(x.curve).filter((p) => isNumber(p.instances));
  const unit = pickUnit("time", d.flatMap((x) => curve(x).map((p) => p.start_ns)));
  const series = (value) => rows.map((s, i) => ({
    name: s.name, points: curve(d[i]).map((p) => ({ x: p.instances, y: value(p) })).filter((p) => isNumber(p.y)),
  }));
  const ends = (x, key, kind) => [curve(x)[0], curve(x).at(-1)].map((p) => quantity(p?.[key], kind));
  const starts = series((p) => p.start_ns / unit.scale);
  const used = rows.map((s, i) => ({ name: s.name, points: memoryUsed(d[i].curve) }));
  const usedUnit = pickUnit("size", used.map((s) => s.points.at(-1)?.y));
  const fallback = rows.map((s, i) => s.name + ": " + count(d[i].max_alive) + " alive at once").join("; ") + ".";
  return {
    figures: [
      xyFigure({
        title: "Start latency as the host fills", fallback, scales: spread(starts.flatMap((s) => s.points.map((p) => p.y))) > 20 ? "log" : "linear",
        caption: "Time to start one more instance while this many are already alive. Flat is good; a rising line is a cost " +
          "that each instance puts on all later ones.",
      }, starts, {
        x: "instances alive", y: unit.name, logAxis: "y", line: false, radius: 2.1,
        tip: (p) => number(p.y) + " " + unit.name + " with " + count(p.x) + " alive",
      }),
      xyFigure({
        title: "Memory used as the host fills", fallback,
        caption: "What the host's MemAvailable lost since the first instance. Where a line ends, the run stopped; the reason is in the table.",
      }, used.map((s) => ({ name: s.name, points: s.points.map((p) => ({ x: p.x, y: p.y / usedUnit.scale })) })), {
        x: "instances alive", y: usedUnit.name, logAxis: "none", line: true, radius: 0,
        tip: (p) => number(p.y) + " " + usedUnit.name + " with " + count(p.x) + " alive",
      }),
    ],
    table: table("Density.", { head: "subject", cells: rows.map((s) => s.name) }, [
      { head: "alive at once", cells: d.map((x) => count(x.max_alive)) },
      { head: "failed", cells: d.map((x) => count(x.failed)) },
      { head: "first start", cells: d.map((x) => ends(x, "start_ns", "time")[0]) },
      { head: "last start", cells: d.map((x) => ends(x, "start_ns", "time")[1]) },
      { head: "MemAvailable left", cells: d.map((x) => ends(x, "mem_available_bytes", "size")[1]) },
      { head: "stopped because", text: true, cells: d.map((x) => x.stop_reason || "–") },
    ], true),
  };
}

/* ---- sections ----------------------------------------------------------------------- */

function notes(doc) {
  const items = [];
  const item = (cls, tag, who, text) =>
    items.push(el("li", { class: cls }, el("span", { class: "tag" }, tag), who ? el("b", {}, cut(who, 60) + ": ") : null, cut(text, 1000)));
  for (const w of list(doc.warnings)) item("warning", "warning", w.subject, w.text || w.kind || "");
  for (const s of doc.subjects) {
    const failed = list(s.samples).find((x) => x.ok !== true && x.error);
    if (failed) item("warning", "first failure", s.name, failed.error);
  }
  for (const s of doc.subjects) if (s.skipped) item("skipped", "skipped", s.name, s.skipped);
  return items;
}

function subjectTable(docs) {
  const subjects = [];
  for (const s of docs.flatMap((d) => d.subjects)) if (!subjects.some((x) => x.name === s.name)) subjects.push(s);
  return table("The subjects.", { head: "subject", cells: subjects.map((s) => s.name) }, [
    { head: "type", cells: subjects.map((s) => s.type || "–") },
    { head: "version", text: true, cells: subjects.map((s) => s.version || "–") },
    { head: "what it is", text: true, cells: subjects.map((s) => s.description || "–") },
  ], true);
}

function facts(pairs) {
  return el("dl", { class: "facts" }, ...pairs.filter(([, v]) => v !== null && v !== undefined && v !== "")
    .flatMap(([k, v]) => [el("dt", {}, k), el("dd", {}, cut(show(v), 1000))]));
}

// "max_start_ns": 5e6 as "max start 5.00 ms".
function setting([name, value]) {
  const words = name.replace(/_(ns|bytes)$/, "").replaceAll("_", " ");
  return words + " " + (isNumber(value) && unitKind(name) !== "none" ? quantity(value, unitKind(name)) : show(value));
}

function setupPairs(doc) {
  const image = doc.image || {};
  return [
    ["Workload", list(doc.workload).join(" ")], ["Image", image.name], ["Image digest", image.digest],
    ["Image size", isNumber(image.size_bytes) ? quantity(image.size_bytes, "size") : null],
    ["Command", list(doc.command).filter((x) => typeof x === "string").join(" ")],
    ["Settings", Object.entries(doc.settings || {}).map(setting).join(", ")],
    ["Baseline", doc.baseline], ["Started", doc.started_at && date(doc.started_at)],
    ["Took", isNumber(doc.duration_ns) ? quantity(doc.duration_ns, "time") : null], ["isolab", doc.isolab_version],
    ["Note", typeof doc.note === "string" ? doc.note : null],
  ];
}

// Results of one session share most of their set-up: only the first tells it all.
function setupFacts(doc) {
  const first = doc === data.results[0] ? [] : setupPairs(data.results[0]);
  const told = new Set(first.map(([k, v]) => k + "\n" + v));
  const pairs = setupPairs(doc).filter(([k, v]) => !told.has(k + "\n" + v));
  return [first.length ? el("p", { class: "setup" }, "As in result 1, but for:") : null, facts(pairs)];
}

const plural = (n, one, many) => n + " " + (n === 1 ? one : many);

// One line above the figures that leads to the list below them.
function problemLine(doc, index) {
  const failed = doc.subjects.reduce((sum, s) => sum + (s.failures || 0), 0);
  const skipped = doc.subjects.filter((s) => s.skipped).length;
  const parts = [
    failed ? plural(failed, "failed start", "failed starts") : null,
    list(doc.warnings).length ? plural(list(doc.warnings).length, "warning", "warnings") : null,
    skipped ? plural(skipped, "subject skipped", "subjects skipped") : null,
  ].filter(Boolean);
  if (parts.length === 0) return null;
  return el("p", { class: "problem-line" }, el("a", { href: "#problems-" + (index + 1) }, parts.join(", ")));
}

function problems(doc, index) {
  const items = notes(doc);
  if (items.length === 0) return [];
  return [el("h3", { id: "problems-" + (index + 1) }, "Warnings, failures and skipped subjects"), el("ul", { class: "notes" }, ...items)];
}

function section(doc, index) {
  const ran = doc.subjects.filter((s) => !s.skipped);
  const figures = [];
  const tables = [];
  const names = metricNames(ran);
  for (const name of names.filter((n) => n !== "ready_ns" && n !== "teardown_ns")) {
    figures.push(medianFigure(ran, name), ratioFigure(ran, name), ecdfFigure(ran, name), orderFigure(ran, name));
    tables.push(metricTable(ran, name));
  }
  for (const name of names.filter((n) => n === "ready_ns" || n === "teardown_ns")) tables.push(metricTable(ran, name));
  const phases = phaseNodes(ran);
  if (phases) {
    figures.push(phases.figure);
    tables.push(phases.table);
  }
  for (const nodes of [memoryNodes(ran), densityNodes(ran)].filter(Boolean)) {
    figures.push(...nodes.figures);
    tables.push(nodes.table);
  }
  const flat = figures.filter(Boolean);
  return el("section", { class: "result", id: "result-" + (index + 1) },
    el("h2", {}, el("span", { class: "number" }, String(index + 1)), docTitle(doc)),
    problemLine(doc, index),
    flat.length ? el("div", { class: "figures" }, ...flat) : el("p", {}, "Nothing ran: see what was skipped."),
    ...problems(doc, index), tables.length ? el("h3", {}, "The figures as numbers") : null, ...tables,
    el("h3", {}, "Set-up"), ...setupFacts(doc));
}

function abstract(docs) {
  return el("section", { class: "abstract" }, el("h2", {}, "Found"), el("ul", {},
    ...docs.map((doc, i) => el("li", {}, el("a", { href: "#result-" + (i + 1) }, docTitle(doc)),
      el("p", {}, data.headlines[i] || "See the figures.")))));
}

function hostSection(docs) {
  const h = docs[0].host || {};
  const kvm = h.kvm || {};
  const differ = docs.some((d) => JSON.stringify(d.host) !== JSON.stringify(docs[0].host));
  return el("section", { class: "result", id: "host" }, el("h2", {}, "Host and subjects"),
    differ ? el("p", {}, "The results come from different hosts; this is that of the first.") : null,
    facts([
      ["CPU", h.cpu_model], ["CPUs", h.cpus], ["Memory", isNumber(h.memory_bytes) ? quantity(h.memory_bytes, "size") : null],
      ["Kernel", h.kernel], ["Distribution", h.distribution], ["Runs under", h.hypervisor],
      ["KVM", kvm.available ? (kvm.flavour || "available") + (kvm.ring0_emulated ? ", ring 0 emulated: a guest's own kernel code is slow here" : "") : kvm.reason || "not available"],
      ["cgroups", h.cgroup_mode], ["Transparent huge pages", h.thp], ["Same-page merging", h.ksm],
      ["Frequency governor", h.governor], ["SMT", h.smt], ["pid_max", h.pid_max], ["Root file system", h.root_filesystem],
      ["Mitigations", h.mitigations && typeof h.mitigations === "object" ? Object.entries(h.mitigations).map(([k, v]) => k + ": " + show(v)).join("; ") : null],
    ]), subjectTable(docs));
}

const METHOD = [
  ["Start", "The clock starts right before the harness launches the command and stops when the command is reaped: the command line " +
    "tool, the isolation, the workload and the tear-down are all in “launch to end”, for every subject alike. “First output” ends " +
    "at the first byte of the workload's output."],
  ["Order", "Every round runs each subject once, in a random order, so that a drift of the machine meets all of them. Warm-up rounds are not counted."],
  ["Failures", "A start that failed is counted and shown, and is in no statistic. Outliers are flagged, never dropped."],
  ["Intervals", "95 % confidence intervals come from the bootstrap. Two medians whose intervals overlap are not shown to differ."],
  ["Memory", "PSS sums the proportional share of every process that an instance needs. The cgroup charge adds kernel memory, and puts shared " +
    "pages on whoever touched them first. The slope of MemAvailable over the number of instances is the only one that sees everything."],
  ["Null", "The subject “null” starts nothing: it is what the harness itself adds to every figure."],
];

function build() {
  const docs = data.results;
  const host = (docs[0] && docs[0].host) || {};
  const line = [host.cpu_model, host.kernel ? "Linux " + host.kernel : null, host.distribution, docs[0]?.started_at && date(docs[0].started_at)].filter(Boolean);
  const page = document.getElementById("page");
  page.replaceChildren(
    el("header", {}, el("p", { class: "kicker" }, "isolab bench report"), el("h1", {}, "What isolation costs"),
      el("p", { class: "meta" }, ...line.flatMap((part, i) => [i ? " · " : "", el("span", {}, cut(part, 100))]))),
    docs.length ? abstract(docs) : el("p", {}, "There is no result in the file."),
    ...docs.map((doc, i) => section(doc, i)),
    docs.length ? hostSection(docs) : null,
    el("section", { class: "result method", id: "method" }, el("h2", {}, "Method"),
      el("dl", {}, ...METHOD.flatMap(([k, v]) => [el("dt", {}, k), el("dd", {}, v)]))),
    el("footer", {}, "Made by " + data.made_by + " from its JSON result; every figure above is in it. Charts are drawn by Chart.js " +
      Chart.version + " (MIT licence), embedded in this file."));
}

build();
drawAll();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
matchMedia("print").addEventListener("change", drawAll);
matchMedia("(max-width: 600px)").addEventListener("change", drawAll);
document.documentElement.dataset.ready = "1";
