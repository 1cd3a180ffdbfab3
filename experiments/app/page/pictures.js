// Pictures of one run's day and month: the network, generation, stores, riders, money. Each fills an element with one SVG.

const TECHNOLOGY = {
  nuclear: "#cc79a7", coal: "#4d4d4d", gas: "#a6a6a6", biomass: "#8a6d00", hydro: "#0072b2", wind: "#009e73",
  wind_offshore: "#66c2a5", solar: "#f0e442", pumped_hydro: "#56b4e9", battery: "#d55e00", sell: "#b9c4ff",
};
const NAMES = { wind_offshore: "sea wind", pumped_hydro: "pumped", sell: "imports" };
const PRICES = ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"]; // viridis
const LOADINGS = [[0.5, "#b8c2cc"], [0.8, "#7f9db9"], [0.98, "#e69f00"], [Infinity, "#c81d11"]];
const ENROLLED = "#009e73", MISSED = "#e69f00", OTHERS = "#d5dae0", INK = "#1d2733";
const MARKS = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"};

export const escape = (text) => String(text).replace(/[&<>"']/g, (mark) => MARKS[mark]);
const f = (number) => Number(number).toFixed(1);

export function fill(element, width, height, parts, what) {
  element.innerHTML = `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(what)}">${parts.join("")}</svg>`;
}

export const text = (x, y, said, size = 9, more = "") =>
  `<text x="${f(x)}" y="${f(y)}" font-size="${size}" ${more}>${escape(said)}</text>`;

export function short(number, digits = 1) {
  const size = Math.abs(number);
  for (const [unit, mark] of [[1e9, " bn"], [1e6, " M"], [1e3, " k"]]) {
    if (size >= unit) return (number / unit).toFixed(digits) + mark;
  }
  return number.toFixed(size < 10 && size > 0 ? digits : 0);
}

// ------------------------------------------------------------------------------------------------------------ network

function mix(one, other, share) {
  const part = (hex, i) => parseInt(hex.slice(1 + 2 * i, 3 + 2 * i), 16);
  const rgb = [0, 1, 2].map((i) => Math.round(part(one, i) + (part(other, i) - part(one, i)) * share));
  return { fill: `rgb(${rgb.join(",")})`, dark: rgb[0] * 0.3 + rgb[1] * 0.59 + rgb[2] * 0.11 < 130 };
}

function priceColour(price, [low, high]) {
  const at = Math.min(Math.max((price - low) / (high - low), 0), 1) * (PRICES.length - 1);
  const i = Math.min(Math.floor(at), PRICES.length - 2);
  return mix(PRICES[i], PRICES[i + 1], at - i);
}

const loadingColour = (share) => LOADINGS.find(([limit]) => Math.abs(share) <= limit)[1];

function project(scene, width, height, margin) {
  const xs = scene.bus.map((bus) => bus.at[0]), ys = scene.bus.map((bus) => bus.at[1]);
  const [left, right, bottom, top] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return Object.fromEntries(scene.bus.map((bus) => [bus.key, [
    margin[0] + (width - 2 * margin[0]) * (right > left ? (bus.at[0] - left) / (right - left) : 0.5),
    margin[1] + (height - margin[1] - margin[2]) * (top > bottom ? (top - bus.at[1]) / (top - bottom) : 0.5)]]));
}

function arc([x1, y1], [x2, y2], bend) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = Math.hypot(dx, dy) || 1;
  const middle = [(x1 + x2) / 2 - (dy / length) * bend, (y1 + y2) / 2 + (dx / length) * bend];
  const top = [(x1 + x2) / 4 + middle[0] / 2, (y1 + y2) / 4 + middle[1] / 2]; // the curve's own middle
  return { path: `M${f(x1)} ${f(y1)}Q${f(middle[0])} ${f(middle[1])} ${f(x2)} ${f(y2)}`, top,
    angle: (Math.atan2(dy, dx) * 180) / Math.PI };
}

export function drawMap(element, scene, frame, span) {
  const [width, height] = [640, 300];
  const at = project(scene, width, height, [50, 36, 66]);
  const most = Math.max(...frame.corridor.map((one) => one.capacity));
  const beside = {};
  for (const one of frame.corridor) (beside[[one.start, one.end].sort().join("|")] ||= []).push(one);
  const lines = [], marks = [];
  for (const [pair, several] of Object.entries(beside)) {
    several.forEach((one, i) => {
      const [a, b] = pair.split("|");
      const spread = (i - (several.length - 1) / 2) * (several.length > 2 ? 20 : 26) + (several.length === 1 ? 6 : 0);
      const curve = arc(at[a], at[b], spread);
      const thick = 1.2 + (frame.corridor.length > 12 ? 3.6 : 6) * Math.sqrt(one.capacity / most);
      const backwards = (one.start === a) !== one.flow >= 0;
      const said = `${one.key}: ${short(one.flow)} MW of ${short(one.capacity)} MW on average, peak ` +
        `${Math.round(100 * Math.abs(one.loading))} %, full in ${one.full} hours`;
      lines.push(`<path class="corridor" data-key="${escape(one.key)}" data-loading="${one.loading}" d="${curve.path}"
        fill="none" stroke="${loadingColour(one.loading)}" stroke-width="${f(thick)}" stroke-linecap="round"
        ${one.capacity ? "" : 'stroke-dasharray="2 5"'}><title>${escape(said)}</title></path>`);
      if (Math.abs(one.flow) > 0.005 * one.capacity) {
        const size = Math.max(4, thick * 1.05);
        marks.push(`<path d="M${-size} ${-size}L${size} 0L${-size} ${size}Z" fill="#fff" stroke="${loadingColour(one.loading)}"
          transform="translate(${f(curve.top[0])} ${f(curve.top[1])}) rotate(${f(curve.angle + (backwards ? 180 : 0))})"/>`);
      }
    });
  }
  const buses = scene.bus.flatMap((bus) => drawBus(bus, at[bus.key], frame, span));
  fill(element, width, height, [...lines, ...marks, ...drawCities(scene, at, frame), ...buses, ...mapKey(span, height)],
    "The network: prices at buses, loading of lines and links, riders' cities");
}

function drawBus(bus, [x, y], frame, span) {
  const price = frame.bus[bus.key], cleared = bus.zone in frame.price;
  const colour = priceColour(price, span);
  const circle = `<circle cx="${f(x)}" cy="${f(y)}" r="${cleared ? 15 : 9}" fill="${cleared ? colour.fill : "#fff"}"
    stroke="${cleared ? "#fff" : "#98a2ad"}" stroke-width="${cleared ? 2 : 1.2}"/>`;
  const inside = cleared ? text(x, y + 3.8, Math.round(price), 11,
    `text-anchor="middle" font-weight="650" fill="${colour.dark ? "#fff" : INK}" class="price" data-bus="${escape(bus.key)}"`) : "";
  const label = text(x, y + (cleared ? 27 : 19), bus.key, cleared ? 10.5 : 9,
    `text-anchor="middle" ${cleared ? 'font-weight="650"' : 'class="soft"'} paint-order="stroke" stroke="#fff" stroke-width="3"`);
  return [`<g><title>${escape(`${bus.name}: ${price} CNY/MWh on average`)}</title>${circle}${inside}</g>`, label];
}

export const cityNames = (scene) => scene.city.filter((city) => city.kind === "named");

function drawCities(scene, at, frame) {
  const parts = [], taken = {};
  const most = Math.max(...cityNames(scene).map((city) => sum(frame.city[city.key].done)), 1);
  for (const city of cityNames(scene).filter((one) => one.bus)) {
    const row = (taken[city.bus] = (taken[city.bus] ?? -1) + 1);
    const [x, y] = at[city.bus];
    const orders = sum(frame.city[city.key].done);
    const radius = 2.5 + 5 * Math.sqrt(orders / most);
    const top = y - 22 - row * 12;
    parts.push(`<circle cx="${f(x - 14)}" cy="${f(top - 3)}" r="${f(radius)}" fill="#d55e00" fill-opacity=".85"/>`,
      text(x - 5, top, `${plainName(city.name)} ${short(orders, 0)}`, 9,
        'class="soft" paint-order="stroke" stroke="#fff" stroke-width="3"'));
  }
  return parts;
}

export const plainName = (name) => name.replace(/\s*[\u3400-\u9fff].*$/, "");
const sum = (values) => values.reduce((total, value) => total + value, 0);

function mapKey([low, high], height) {
  const parts = [], y = height - 14;
  for (let i = 0; i < 40; i += 1) {
    const colour = priceColour(low + ((high - low) * i) / 39, [low, high]);
    parts.push(`<rect x="${8 + i * 3}" y="${y}" width="3.2" height="7" fill="${colour.fill}"/>`);
  }
  parts.push(text(8, y - 3, `${low}`, 9, 'class="soft"'),
    text(128, y - 3, `${high} CNY/MWh`, 9, 'class="soft" text-anchor="end"'));
  const steps = ["under 50 %", "80 %", "98 %", "full"];
  LOADINGS.forEach(([, colour], i) => {
    const x = [160, 238, 296, 354][i];
    parts.push(`<rect x="${x}" y="${y + 1}" width="16" height="5" rx="2" fill="${colour}"/>`,
      text(x + 19, y + 7, steps[i], 9, 'class="soft"'));
  });
  parts.push(text(160, y - 3, "loading in the day's fullest hour", 9, 'class="soft"'),
    `<circle cx="422" cy="${y + 3.5}" r="4" fill="#d55e00" fill-opacity=".85"/>`,
    text(430, y + 7, "orders of a city's riders", 9, 'class="soft"'));
  return parts;
}

// ---------------------------------------------------------------------------------------------------- a day, by hour

function grid(box, ticks, shown) {
  return ticks.map((tick) => `<line x1="${box.left}" x2="${box.right}" y1="${f(box.y(tick))}" y2="${f(box.y(tick))}"
    stroke="#e6e9ed"/>${text(box.left - 4, box.y(tick) + 3, shown(tick), 8.5, 'class="soft" text-anchor="end"')}`);
}

const hours = (box) => [0, 6, 12, 18, 24].map((hour) =>
  text(box.left + ((box.right - box.left) * hour) / 24, box.bottom + 11, hour, 8.5, 'class="soft" text-anchor="middle"'));

export function box(left, top, right, bottom, low, high) {
  return { left, top, right, bottom, y: (value) => bottom - ((bottom - top) * (value - low)) / (high - low || 1) };
}

export function nice(high) {
  const step = 10 ** Math.floor(Math.log10(high || 1));
  const by = [1, 2, 2.5, 5, 10].map((one) => one * step).find((one) => one * 2 >= high) || step * 10;
  return [0, by, by * 2].filter((tick) => tick <= high * 1.001);
}

export function drawStack(element, frame, top) {
  const [width, height] = [270, 150];
  const area = box(26, 6, width - 62, height - 14, 0, top);
  const wide = (area.right - area.left) / 24;
  const floor = Array(24).fill(0), parts = grid(area, nice(top), (tick) => short(tick / 1000, tick < 950 ? 2 : 1).trim());
  const names = Object.keys(frame.stack).filter((name) => Math.max(...frame.stack[name]) > top / 400);
  for (const name of names) {
    const up = frame.stack[name].map((value, hour) => floor[hour] + value);
    const there = up.map((value, hour) =>
      `L${f(area.left + hour * wide)} ${f(area.y(value))}L${f(area.left + (hour + 1) * wide)} ${f(area.y(value))}`);
    const back = [...floor.keys()].reverse().map((hour) =>
      `L${f(area.left + (hour + 1) * wide)} ${f(area.y(floor[hour]))}L${f(area.left + hour * wide)} ${f(area.y(floor[hour]))}`);
    parts.push(`<path d="M${area.left} ${f(area.y(floor[0]))}${there.join("")}${back.join("")}Z" fill="${TECHNOLOGY[name]}">
      <title>${escape(name)}</title></path>`);
    up.forEach((value, hour) => { floor[hour] = value; });
  }
  const load = frame.load.map((value, hour) =>
    `${hour ? "L" : "M"}${f(area.left + hour * wide)} ${f(area.y(value))}L${f(area.left + (hour + 1) * wide)} ${f(area.y(value))}`);
  parts.push(`<path d="${load.join("")}" fill="none" stroke="${INK}" stroke-width="1.3"/>`, ...hours(area));
  const shown = ["load", ...names.reverse()];
  shown.forEach((name, i) => {
    const y = 12 + i * Math.min(12, (height - 20) / shown.length);
    parts.push(name === "load" ? `<rect x="${width - 57}" y="${y - 4}" width="8" height="1.6" fill="${INK}"/>`
      : `<rect x="${width - 57}" y="${y - 7}" width="8" height="8" rx="1.5" fill="${TECHNOLOGY[name]}"/>`,
    text(width - 46, y, NAMES[name] || name, 8.5));
  });
  fill(element, width, height, parts, "Generation of the day by technology and hour, and load");
}

export function drawStores(element, frame) {
  const [width, height] = [154, 150];
  const names = Object.keys(frame.store);
  const parts = [], rows = Math.max(names.length, 1), tall = Math.min((height - 14) / rows, 46);
  names.forEach((name, i) => {
    const area = box(4, i * tall + 12, width - 4, (i + 1) * tall - 3, 0, 1);
    const wide = (area.right - area.left) / 24;
    const [zone, technology] = name.split(" ");
    const held = frame.store[name];
    const line = held.map((value, hour) => `L${f(area.left + (hour + 1) * wide)} ${f(area.y(value))}`).join("");
    const start = `M${area.left} ${f(area.y(held[0]))}`;
    parts.push(`<rect x="${area.left}" y="${f(area.top)}" width="${area.right - area.left}" height="${f(area.bottom - area.top)}"
      fill="#f0f3f6"/>`,
    `<path class="store" data-key="${escape(name)}" d="${start}${line}L${area.right} ${f(area.bottom)}L${area.left} ${f(area.bottom)}Z"
      fill="${TECHNOLOGY[technology] || "#999"}" fill-opacity=".8"/>`,
    text(area.left, area.top - 2, `${zone} ${NAMES[technology] || technology}`, Math.min(9, tall / 2.2), 'class="soft"'),
    text(area.right, area.top - 2, `${Math.round(100 * held[23])} %`, Math.min(9, tall / 2.2), 'text-anchor="end"'));
  });
  if (!names.length) parts.push(text(4, 20, "there are none", 9, 'class="soft"'));
  fill(element, width, height, parts, "How full stores are, by hour");
}

// ------------------------------------------------------------------------------------------------------------- riders

export function drawRiders(element, scene, frame, month) {
  const [width, height] = [218, 150];
  const cities = cityNames(scene);
  const parts = cities.length > 3 ? riderBars(cities, month, width, height - 16) : [];
  const wide = width / Math.max(cities.length, 1), side = Math.min(wide - 6, height - 58), step = side / 10;
  (cities.length > 3 ? [] : cities).forEach((city, i) => {
    const x = i * wide, riders = month && month.riders[city.key];
    parts.push(text(x, 9, plainName(city.name), 9.5, 'font-weight="600"'));
    (riders ? dotsOf(riders) : Array(100).fill("#fff")).forEach((colour, dot) => parts.push(`<circle
      cx="${f(x + step * ((dot % 10) + 0.5))}" cy="${f(13 + step * (Math.floor(dot / 10) + 0.5))}" r="${f(step * 0.4)}"
      fill="${colour}" ${riders ? "" : 'stroke="#ccd2d9" stroke-width=".6"'}/>`));
    parts.push(...ordersOf(frame.city[city.key], x, 17 + side, Math.min(wide - 8, side + 10)));
    if (riders) parts.push(text(x + wide - 6, 9, short(riders.persons), 8.5, 'class="soft" text-anchor="end"'));
  });
  const key = [[ENROLLED, "enrolled"], [MISSED, "eligible only"], [OTHERS, "neither"]];
  key.forEach(([colour, name], i) => parts.push(
    `<circle cx="${4 + [0, 58, 130][i]}" cy="${height - 4}" r="3" fill="${colour}"/>`,
    text(10 + [0, 58, 130][i], height - 1, name, 8.5, 'class="soft"')));
  fill(element, width, height, parts, "Riders of each city: enrolled, eligible only, neither");
}

function riderBars(cities, month, width, height) {
  const tall = Math.min(height / cities.length, 18), [left, right] = [58, width - 30];
  return cities.flatMap((city, i) => {
    const riders = month && month.riders[city.key], y = i * tall;
    const name = text(0, y + tall * 0.72, plainName(city.name), 8.5);
    if (!riders) return [name, `<rect x="${left}" y="${f(y + 2)}" width="${right - left}" height="${f(tall - 4)}" fill="#f0f3f6"/>`];
    const shares = [[riders.enrolled, ENROLLED], [riders.missed ?? 0, MISSED], [1, OTHERS]];
    let at = left;
    const bars = shares.map(([share, colour]) => {
      const wide = Math.max(0, Math.min((right - left) * share, right - at));
      at += wide;
      return `<rect x="${f(at - wide)}" y="${f(y + 2)}" width="${f(wide)}" height="${f(tall - 4)}" fill="${colour}"/>`;
    });
    return [name, ...bars, text(width, y + tall * 0.72, `${(100 * riders.enrolled).toFixed(1)} %`, 8.5, 'text-anchor="end"')];
  });
}

function dotsOf(riders) {
  const enrolled = Math.round(100 * riders.enrolled);
  const missed = Math.min(Math.round(100 * (riders.missed ?? 0)), 100 - enrolled);
  return [...Array(enrolled).fill(ENROLLED), ...Array(missed).fill(MISSED), ...Array(100 - enrolled - missed).fill(OTHERS)];
}

function ordersOf(city, x, y, wide) {
  const most = Math.max(...city.asked, 1), step = wide / 24, tall = 20;
  const bars = city.asked.map((value, hour) => {
    const [whole, done] = [(tall * value) / most, (tall * city.done[hour]) / most];
    return `<rect x="${f(x + hour * step)}" y="${f(y + tall - whole)}" width="${f(step * 0.8)}" height="${f(whole)}" fill="#f3c9b0"/>
      <rect x="${f(x + hour * step)}" y="${f(y + tall - done)}" width="${f(step * 0.8)}" height="${f(done)}" fill="#d55e00"/>`;
  });
  return [...bars, text(x, y + tall + 8, `${short(sum(city.done))} orders by hour`, 8, 'class="soft"')];
}

// -------------------------------------------------------------------------------------------------------------- money

const PAINT = {
  users: "#e69f00", smelters: "#c98500", plants: "#0072b2", stores: "#3b8fc4", neighbours: "#56b4e9", wheelers: "#56b4e9",
  grid_company: "#7b8794", rent: "#9aa5b1", corridor_owners: "#9aa5b1", outside_grid: "#9aa5b1", certificate_exchange: "#9aa5b1",
  customers: "#009e73", households: "#009e73", platform: "#d55e00", riders: "#e2793a", swap_operator: "#d55e00",
  pension_pool: "#cc79a7", pension_accounts: "#cc79a7", injury_fund: "#cc79a7",
};

export function drawMoney(element, month) {
  const [width, height] = [640, 172];
  if (!month || !month.money) {
    return fill(element, width, height, [text(0, 30, "Money moves when the month closes.", 11, 'class="soft"')],
      "Money flows: none yet");
  }
  const { boxes, ribbons } = month.money;
  const deep = Math.max(...boxes.map((one) => one.top + one.size), 1e-9), last = Math.max(...boxes.map((one) => one.column));
  const [thick, left, right] = [9, 2, 122];
  const x = (column) => left + ((width - left - right - thick) * column) / Math.max(last, 1);
  const y = (value) => 4 + ((height - 8) * value) / deep;
  const parts = ribbons.map((one) => {
    const [a, b] = [boxes[one.payer], boxes[one.payee]];
    const [x1, x2] = [x(a.column) + thick, x(b.column)], bend = (x1 + x2) / 2;
    const [s, e, tall] = [y(one.start), y(one.end), Math.max(y(one.amount) - y(0), 0.6)];
    const said = `${a.account} paid ${b.account} ${short(one.amount)} CNY`;
    return `<path class="ribbon" d="M${f(x1)} ${f(s)}C${f(bend)} ${f(s)} ${f(bend)} ${f(e)} ${f(x2)} ${f(e)}V${f(e + tall)}C${f(bend)}
      ${f(e + tall)} ${f(bend)} ${f(s + tall)} ${f(x1)} ${f(s + tall)}Z" fill="${PAINT[a.account] || "#999"}" fill-opacity=".38">
      <title>${escape(said)}</title></path>`;
  });
  const labels = [];
  for (const one of [...boxes].sort((a, b) => b.size - a.size)) {
    const [bx, by] = [x(one.column), y(one.top)], tall = Math.max(y(one.size) - y(0), 1);
    parts.push(`<rect x="${f(bx)}" y="${f(by)}" width="${thick}" height="${f(tall)}" fill="${PAINT[one.account] || "#777"}">
      <title>${escape(`${one.account}: ${short(one.size)} CNY`)}</title></rect>`);
    const middle = by + tall / 2;
    if (labels.some((label) => label.column === one.column && Math.abs(label.y - middle) < 9.5)) continue;
    labels.push({ column: one.column, y: middle });
    parts.push(text(bx + thick + 3, middle + 3, `${one.account.replaceAll("_", " ")} ${short(one.size)}`, 9,
      'paint-order="stroke" stroke="#fff" stroke-width="2.5"'));
  }
  fill(element, width, height, parts, `Money flows of ${month.month}, CNY`);
}
