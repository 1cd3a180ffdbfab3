// The page: takes the server's news, draws them, and sends what is clicked. It loads nothing from elsewhere.

import { drawCurves, drawFigures } from "./curves.js";
import { drawMap, drawMoney, drawRiders, drawStack, drawStores, escape } from "./pictures.js";

const PACES = [0.5, 1, 2, 4, 8, 15, 30, 60];
const $ = (id) => document.getElementById(id);
const state = { scene: null, news: null, first: null, second: null, version: -1 };
const asked = { values: {}, waits: false }; // levers as they were sent last, and whether the server has yet to say so
let held = null; // the lever under the hand: nobody moves it back meanwhile
let dirty = false;
let frames = 0;

// ---------------------------------------------------------------------------------------------------------- the news

function merge(before, news) {
  if (!news) return null;
  const track = before && before.epoch === news.epoch ? before : { epoch: news.epoch, days: [], months: [] };
  track.days.length = news.from_day;
  track.days.push(...news.days);
  track.months.length = news.from_month;
  track.months.push(...news.months);
  track.frame = news.frame;
  track.moved = news.moved;
  return track;
}

function listen() {
  const events = new EventSource("events");
  events.addEventListener("scene", (event) => {
    state.scene = JSON.parse(event.data);
    state.first = state.second = null;
    buildLevers();
    buildRuns();
    $("title").textContent = state.scene.title;
    $("title").title = state.scene.question;
    document.title = `GridGig: ${state.scene.title}`;
  });
  events.addEventListener("news", (event) => {
    const news = JSON.parse(event.data);
    state.news = news;
    state.first = merge(state.first, news.first);
    state.second = merge(state.second, news.second);
    showFault(news.fault);
    if (news.fault || same(news.values, asked.values)) asked.waits = false;
    if (!asked.waits) showValues(news.values);
    soon();
  });
  events.onerror = () => showFault("The app does not answer; it was ended, or this machine sleeps.");
}

async function send(command) {
  const answer = await fetch("do", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(command),
  }).catch(() => null);
  if (!answer) return showFault("The app does not answer.");
  if (!answer.ok) {
    asked.waits = false;
    showFault((await answer.json()).fault);
    if (state.news) showValues(state.news.values);
  }
  return answer.ok;
}

function showFault(text) {
  $("fault").hidden = !text;
  $("fault").textContent = text || "";
}

const same = (one, other) => JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());

// -------------------------------------------------------------------------------------------------------- the levers

function buildLevers() {
  const levers = state.scene.levers;
  $("levers").replaceChildren();
  if (!levers.length) {
    $("levers-hint").textContent = "Two stored runs stand side by side; nothing can be moved in them.";
    $("reset").hidden = true;
    return;
  }
  for (const group of [...new Set(levers.map((lever) => lever.group))]) {
    const set = document.createElement("fieldset");
    set.innerHTML = `<legend>${escape(group)}</legend>`;
    for (const lever of levers.filter((one) => one.group === group)) set.append(buildLever(lever));
    $("levers").append(set);
  }
}

function buildLever(lever) {
  const box = document.createElement("div");
  const id = `lever-${lever.key}`;
  box.className = `lever ${lever.kind}`;
  box.dataset.key = lever.key;
  box.title = `${lever.key}\nLaw: ${lever.law} ${lever.unit}\nSource: ${lever.source}`;
  const law = `law: ${lever.law}${lever.unit && lever.unit !== "times" ? ` ${lever.unit}` : ""}`;
  const control = {
    range: `<span class="row"><input type="range" id="${escape(id)}" min="${lever.low}" max="${lever.high}"
      step="${lever.step}" value="${lever.at_rest}"><output></output></span>`,
    choice: `<span class="row"><select id="${escape(id)}">${lever.options.map((option) =>
      `<option>${escape(option)}</option>`).join("")}</select></span>`,
    switch: "",
  }[lever.kind];
  box.innerHTML = lever.kind === "switch"
    ? `<label><input type="checkbox" id="${escape(id)}"> ${escape(lever.what)}</label>`
    : `<label class="what" for="${escape(id)}">${escape(lever.what)}</label>${control}
       <span class="law">${escape(law)}</span>`;
  const input = box.querySelector("input, select");
  input.addEventListener("input", () => {
    held = lever.key;
    label(lever, box);
  });
  for (const end of ["pointerup", "blur"]) input.addEventListener(end, () => { held = null; });
  input.addEventListener("change", () => {
    held = null;
    asked.values = { ...asked.values, [lever.key]: read(lever, input) };
    if (asked.values[lever.key] === lever.at_rest) delete asked.values[lever.key];
    asked.waits = true;
    send({ do: "levers", values: asked.values });
  });
  put(lever, box, lever.at_rest);
  return box;
}

const read = (lever, input) =>
  lever.kind === "switch" ? input.checked : lever.kind === "choice" ? input.value : Number(input.value);

function put(lever, box, value) {
  const input = box.querySelector("input, select");
  if (lever.kind === "switch") input.checked = value;
  else input.value = value;
  label(lever, box);
}

function label(lever, box) {
  const value = read(lever, box.querySelector("input, select"));
  const output = box.querySelector("output");
  box.classList.toggle("moved", value !== lever.at_rest);
  if (output) output.textContent = lever.unit === "times" ? `× ${value}` : `${value} ${lever.unit}`;
}

function showValues(values) {
  asked.values = { ...values };
  for (const lever of state.scene.levers.filter((one) => one.key !== held)) {
    const box = document.querySelector(`.lever[data-key="${CSS.escape(lever.key)}"]`);
    put(lever, box, values[lever.key] ?? lever.at_rest);
  }
}

// ------------------------------------------------------------------------------------------------------- the pictures

function buildRuns() {
  for (const id of ["first", "second"]) {
    $(id).innerHTML = `<h2></h2><div class="waiting" hidden></div><div class="body">
      <div class="map"></div>
      <div class="today">
        <div class="part"><h3>The day's generation <span class="unit">GW by hour</span></h3><div class="stack"></div></div>
        <div class="part"><h3>Stores <span class="unit">% full by hour</span></h3><div class="stores"></div></div>
        <div class="part"><h3>Riders <span class="unit">% of a city's</span></h3><div class="riders"></div></div>
      </div>
      <div class="part"><h3>Who paid whom <span class="unit money-unit"></span></h3><div class="money"></div></div></div>`;
  }
}

function soon() {
  if (!dirty) requestAnimationFrame(draw);
  dirty = true;
}

function draw() {
  dirty = false;
  const { scene, news, first, second } = state;
  if (!scene || !news) return;
  showTime(scene, news);
  drawRun("first", first);
  drawRun("second", second && second.days.length ? second : null);
  if (first && first.frame) {
    drawCurves(scene, first, second, { prices: $("prices"), water: $("water"), enrolment: $("enrolment") });
    drawFigures(first, second, $("figures"), $("month"));
  }
  frames += 1;
  document.body.dataset.frames = frames;
  document.body.dataset.shown = first && first.frame ? first.frame.date : "";
}

function showTime(scene, news) {
  const day = news.date ? new Date(`${news.date}T00:00:00Z`) : null;
  const week = day ? ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][day.getUTCDay()] : "";
  const wet = day && day.getUTCMonth() > 4 && day.getUTCMonth() < 10;
  $("date").textContent = news.date || "–";
  $("season").textContent = day ? `${week}, ${wet ? "wet" : "dry"} season` : "";
  const whole = Date.parse(scene.end) - Date.parse(scene.start) + 864e5;
  $("lived").style.width = day ? `${100 * (day - Date.parse(scene.start) + 864e5) / whole}%` : 0;
  $("play").textContent = news.playing ? "❚❚ Pause" : news.over ? "The end" : "▶ Play";
  $("play").disabled = news.opening || (news.over && !news.playing);
  for (const button of document.querySelectorAll("[data-step]")) button.disabled = news.opening || news.over;
  $("restart").disabled = news.opening;
  $("reset").disabled = !Object.keys(news.values).length;
  if (document.activeElement !== $("seed")) $("seed").value = news.seed;
  $("seed").disabled = Boolean(scene.stored);
  if (document.activeElement !== $("pace")) $("pace").value = nearest(news.pace);
  $("pace-shown").textContent = `${news.pace} days/s`;
}

const nearest = (pace) => PACES.reduce((best, one, i) => (Math.abs(one - pace) < Math.abs(PACES[best] - pace) ? i : best), 0);

function drawRun(id, track) {
  const box = $(id);
  const { scene, news } = state;
  const ready = track && track.frame;
  const waiting = box.querySelector(".waiting");
  waiting.hidden = Boolean(ready);
  box.querySelector(".body").hidden = !ready;
  box.querySelector("h2").innerHTML = heading(id, track);
  if (!ready) {
    waiting.innerHTML = id === "first" ? "Opening the world …" : state.second
      ? "<div><strong>The second run is being opened …</strong></div>"
      : "<div><strong>What if?</strong>Move a lever on the left. A second run then lives here from the same first day, " +
        "under the same weather and the same chance: what differs, the lever did.</div>";
    return;
  }
  const other = id === "first" ? state.second : state.first;
  const span = priceSpan([track, other]);
  drawMap(box.querySelector(".map"), scene, track.frame, span);
  drawStack(box.querySelector(".stack"), track.frame, Math.max(...tops([track, other])));
  drawStores(box.querySelector(".stores"), track.frame);
  drawRiders(box.querySelector(".riders"), scene, track.frame, track.months.at(-1));
  const month = track.months.at(-1);
  box.querySelector(".money-unit").textContent = month ? month.month : "";
  drawMoney(box.querySelector(".money"), month);
  if (id === "second" && news.behind) box.querySelector("h2 span").textContent = `catching up, ${news.behind} days behind`;
}

function heading(id, track) {
  const { scene, news } = state;
  if (id === "first") {
    return scene.stored ? `A stored run <span>${escape(scene.stored)}</span>` : "The law as it is";
  }
  if (scene.against) return "The run beside it";
  if (!track) return "A second run";
  const moved = Object.keys(track.moved).map((key) => {
    const lever = scene.levers.find((one) => one.key === key);
    const value = track.moved[key];
    if (lever.kind === "switch") return `${lever.what}: ${value ? "on" : "off"}`;
    return `${lever.what}: ${lever.unit === "times" ? `× ${value}` : `${value} ${lever.unit}`}`;
  });
  return `With moved levers <span title="${escape(moved.join("\n"))}">${escape(moved.join(" · "))}</span>`;
}

const tops = (tracks) => tracks.filter((track) => track && track.frame).map(({ frame }) =>
  Math.max(...frame.load, ...frame.load.map((_, hour) =>
    Object.values(frame.stack).reduce((sum, values) => sum + values[hour], 0))));

function priceSpan(tracks) {
  // of all days of both runs but the outermost, so that a colour means the same price in both and a spike hides nothing
  const prices = tracks.filter(Boolean).flatMap((track) => track.days.flatMap((day) => Object.values(day.price)));
  prices.sort((one, other) => one - other);
  const low = Math.floor(prices[Math.floor(0.03 * prices.length)] / 50) * 50;
  const high = Math.ceil(prices[Math.ceil(0.97 * prices.length) - 1] / 50) * 50;
  return [low, Math.max(high, low + 50)];
}

// -------------------------------------------------------------------------------------------------------- the buttons

$("play").addEventListener("click", () => send({ do: state.news.playing ? "pause" : "play" }));
for (const button of document.querySelectorAll("[data-step]")) {
  button.addEventListener("click", () => send({ do: "step", by: button.dataset.step }));
}
$("pace").addEventListener("input", () => send({ do: "pace", days: PACES[Number($("pace").value)] }));
$("restart").addEventListener("click", () => send({ do: "restart", seed: Number($("seed").value) }));
$("reset").addEventListener("click", () => {
  asked.values = {};
  asked.waits = true;
  send({ do: "levers", values: {} });
});
document.addEventListener("keydown", (event) => {
  if (event.code !== "Space" || event.target.closest("button, input, select")) return;
  event.preventDefault();
  $("play").click();
});
listen();
