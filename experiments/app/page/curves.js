// Curves over the days lived, both runs in one picture, and the table of the last closed month.

import { box, cityNames, escape, fill, nice, plainName, short, text } from "./pictures.js";

const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b6b6b", "#8a6d00"];
const MOST = 420; // points of a curve: more than a picture is wide
const f = (number) => Number(number).toFixed(1);

function thinned(values) {
  const step = Math.ceil(values.length / MOST);
  return step < 2 ? values : values.filter((_, i) => (values.length - 1 - i) % step === 0);
}

function path(points, x, y) {
  let pen = "M";
  return points.map(([at, value]) => {
    if (value === null || value === undefined) { pen = "M"; return ""; }
    const here = `${pen}${f(x(at))} ${f(y(value))}`;
    pen = "L";
    return here;
  }).join("");
}

function plot(element, what, curves, low, high, first, last, shown) {
  const [width, height] = [300, 232];
  const area = box(30, 8, width - 62, height - 16, low, high);
  const span = Math.max(last - first, 1);
  const x = (at) => area.left + ((area.right - area.left) * (at - first)) / span;
  const ticks = nice(high).filter((tick) => tick >= low);
  const parts = ticks.map((tick) => `<line x1="${area.left}" x2="${area.right}" y1="${f(area.y(tick))}" y2="${f(area.y(tick))}"
    stroke="#e6e9ed"/>${text(area.left - 4, area.y(tick) + 3, shown(tick), 8.5, 'class="soft" text-anchor="end"')}`);
  for (const at of [first, last]) {
    parts.push(text(x(at), area.bottom + 12, new Date(at).toISOString().slice(0, 10), 8.5,
      `class="soft" text-anchor="${at === first ? "start" : "end"}"`));
  }
  for (const { points, colour, dashed } of curves) {
    parts.push(`<path class="curve" d="${path(points, x, area.y)}" fill="none" stroke="${colour}" stroke-width="${dashed ? 1.6 : 1.5}"
      ${dashed ? 'stroke-dasharray="4 2.5"' : 'stroke-opacity=".85"'} stroke-linejoin="round"/>`);
    if (points.length === 1) parts.push(`<circle cx="${f(x(points[0][0]))}" cy="${f(area.y(points[0][1]))}" r="2" fill="${colour}"/>`);
  }
  parts.push(...endLabels(curves.filter((one) => !one.dashed), area));
  fill(element, width, height, parts, what);
}

function endLabels(curves, area) {
  const ends = curves.map((one) => ({ ...one, at: area.y(one.points.at(-1)?.[1] ?? 0) })).sort((a, b) => a.at - b.at);
  ends.forEach((one, i) => { if (i) one.at = Math.max(one.at, ends[i - 1].at + 10); });
  const over = ends.length ? Math.max(0, ends.at(-1).at - area.bottom) : 0;
  return ends.map((one) => text(area.right + 4, one.at + 3 - over, one.name, ends.length > 8 ? 7.5 : 9, `fill="${one.colour}"
    font-weight="600"`));
}

const time = (day) => Date.parse(day);

export function drawCurves(scene, first, second, elements) {
  const [start, now] = [time(scene.start), time(first.days.at(-1).date)];
  const last = Math.max(now, start + 30 * 864e5);
  const tracks = [[first, false], ...(second && second.days.length ? [[second, true]] : [])];
  const series = (pick, names) => tracks.flatMap(([track, dashed]) => names.map((name, i) => ({
    name: plainName(name.shown), colour: COLOURS[i % COLOURS.length], dashed, points: pick(track, name.key),
  })));
  const zones = Object.keys(first.frame.price).map((key) => ({ key, shown: key }));
  const prices = series((track, zone) => thinned(track.days).map((day) => [time(day.date), day.price[zone]]), zones);
  const every = prices.flatMap((one) => one.points.map((point) => point[1]));
  plot(elements.prices, "Zone prices over the days", prices, Math.min(0, ...every), Math.max(100, ...every) * 1.03, start, last,
    (tick) => Math.round(tick));

  const basins = Object.keys(first.frame.water).map((key) => ({ key, shown: key }));
  const water = series((track, basin) => thinned(track.days).map((day) => [time(day.date), day.water[basin]]), basins);
  plot(elements.water, "Stored water over the days", water, 0, 1, start, last, (tick) => Math.round(100 * tick));

  const cities = cityNames(scene).map((city) => ({ key: city.key, shown: city.name }));
  const enrolled = series((track, city) => track.months.map((month) =>
    [time(`${month.month}-01`) + 30 * 864e5, month.riders[city]?.enrolled]), cities);
  const most = Math.max(0.1, ...enrolled.flatMap((one) => one.points.map((point) => point[1] ?? 0)));
  plot(elements.enrolment, "Share of riders enrolled, by month", enrolled, 0, most * 1.08, start, last,
    (tick) => `${Math.round(100 * tick)}`);
}

// ---------------------------------------------------------------------------------------------------------- the table

const percent = (share) => (100 * share).toFixed(1);
const total = (figure) => Object.values(figure.of).reduce((sum, value) => sum + value, 0);

function weighted(month, name) {
  const riders = Object.values(month.riders).filter((city) => city[name] !== null && city[name] !== undefined);
  const persons = riders.reduce((sum, city) => sum + city.persons, 0);
  return persons ? riders.reduce((sum, city) => sum + city.persons * city[name], 0) / persons : null;
}

function rowsOf(month, zones) {
  const rows = new Map(), figures = month.figures;
  for (const zone of zones) rows.set(`Price ${zone}, CNY/MWh`, [figures.price?.of[zone] ?? null, (value) => value.toFixed(1)]);
  rows.set("Sent between zones, GWh", [figures.exports ? total(figures.exports) / 1000 : null, (value) => value.toFixed(1)]);
  rows.set("Spilled and curtailed, GWh", [figures.curtailed ? total(figures.curtailed) / 1000 : null, (v) => v.toFixed(1)]);
  rows.set("Load not served, MWh", [figures.shed ? total(figures.shed) : null, (value) => value.toFixed(1)]);
  rows.set("Riders' income, CNY", [weighted(month, "income"), (value) => value.toFixed(0)]);
  rows.set("Riders enrolled, %", [weighted(month, "enrolled"), percent]);
  return rows;
}

function accounts(one, other, count) {
  const names = Object.keys({ ...one.net, ...(other ? other.net : {}) });
  const size = (name) => Math.abs((other ? (other.net[name] || 0) - (one.net[name] || 0) : one.net[name]) || 0);
  return names.sort((a, b) => size(b) - size(a)).slice(0, count);
}

export function drawFigures(first, second, element, caption) {
  const month = first.months.at(-1);
  caption.textContent = month ? month.month : "";
  if (!month) {
    element.innerHTML = "<p class='hint'>Figures and money are known when the month closes.</p>";
    return;
  }
  const other = second && second.months.find((one) => one.month === month.month);
  const zones = Object.keys(first.frame.price);
  const [mine, theirs] = [rowsOf(month, zones), other ? rowsOf(other, zones) : new Map()];
  for (const name of accounts(month, other, 4)) {
    const money = (value) => short(value, 2);
    const label = `Net of ${name.replaceAll("_", " ")}, CNY`;
    mine.set(label, [month.net[name] || 0, money]);
    if (other) theirs.set(label, [other.net[name] || 0, money]);
  }
  const rows = [...mine].filter(([, [value]]) => value !== null).map(([label, [value, show]]) => {
    const there = theirs.get(label)?.[0];
    const known = there !== undefined && there !== null;
    const change = known ? there - value : 0;
    const shown = known ? show(change) : "";
    const none = known && !/[1-9]/.test(shown);
    return `<tr data-row="${escape(label)}"><td title="${escape(label)}">${escape(label)}</td><td>${show(value)}</td>
      <td>${known ? show(there) : ""}</td><td class="${none || !known ? "" : change > 0 ? "up" : "down"}">${
  known ? (none ? "·" : `${change > 0 ? "+" : ""}${shown}`) : ""}</td></tr>`;
  });
  element.innerHTML = `<table><thead><tr><th></th><th>law</th><th>${other ? "levers" : ""}</th><th>${other ? "change" : ""}</th>
    </tr></thead><tbody>${rows.join("")}</tbody></table>`;
}
