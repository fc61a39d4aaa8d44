/** The bot's vital signs: queue, uptime, and memory over time as a chart. */

import { byId, h } from "./dom.js";
import { svg } from "./icons.js";
import { on, state } from "./state.js";
import { clock, duration } from "./time.js";
import { say } from "./words.js";

const WIDTH = 320;
const HEIGHT = 140;
const LEFT = 44;
const BOTTOM = 22;
const TOP = 8;
const RIGHT = 8;

/** Connects the tab; once. */
export function setUpVitals() {
  for (const topic of ["state", "vitals", "words", "bot"]) on(topic, show);
}

function show() {
  const now = state.vitals.at(-1);
  const known = (value) => (value == null ? "—" : String(value));
  const facts = [
    [say("vitals.bot"), say(`bot.${state.bot.state}`)],
    [say("vitals.waiting"), known(now?.waiting)],
    [say("vitals.painting"), known(now?.painting)],
    [say("vitals.memory"), now?.memory_mib == null ? "—" : `${Math.round(now.memory_mib)} MiB`],
    [say("vitals.uptime"), now ? duration(now.uptime_s) : "—"],
  ];
  byId("vitals-facts").replaceChildren(
    ...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
  const points = state.vitals.filter((vitals) => vitals.memory_mib != null);
  byId("memory-chart").replaceChildren(...(points.length > 1 ? [chart(points)] : []));
  byId("memory-words").textContent = inWords(points);
}

// The chart as text, for screen readers.
function inWords(points) {
  if (points.length < 2) return say("vitals.no_memory");
  const sizes = points.map((point) => point.memory_mib);
  const span = (points.at(-1).at_ms - points[0].at_ms) / 1000;
  return say("vitals.memory_words", {
    now: Math.round(sizes.at(-1)),
    least: Math.round(Math.min(...sizes)),
    most: Math.round(Math.max(...sizes)),
    span: duration(span),
  });
}

function chart(points) {
  const sizes = points.map((point) => point.memory_mib);
  const { low, high } = scale(Math.min(...sizes), Math.max(...sizes));
  const first = points[0].at_ms;
  const last = points.at(-1).at_ms;
  const x = (ms) => LEFT + ((ms - first) / Math.max(1, last - first)) * (WIDTH - LEFT - RIGHT);
  const y = (mib) => HEIGHT - BOTTOM - ((mib - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const line = points.map(
    (point) => `${x(point.at_ms).toFixed(1)},${y(point.memory_mib).toFixed(1)}`,
  );
  const label = (text, at) => {
    const element = svg("text", { class: "axis-label", ...at });
    element.textContent = text;
    return element;
  };
  const ruler = (mib) =>
    svg("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: y(mib), y2: y(mib) });
  return svg(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      class: "chart",
      role: "img",
      "aria-labelledby": "memory-title memory-words",
    },
    ...[low, (low + high) / 2, high].flatMap((mib) => [
      ruler(mib),
      label(String(Math.round(mib)), { x: LEFT - 6, y: y(mib) + 4, "text-anchor": "end" }),
    ]),
    svg("polyline", { class: "line", points: line.join(" ") }),
    label(clock(first), { x: LEFT, y: HEIGHT - 6, "text-anchor": "start" }),
    label(clock(last), { x: WIDTH - RIGHT, y: HEIGHT - 6, "text-anchor": "end" }),
  );
}

// Rounded bounds with a margin, so that a steady line stays in the middle and does not jitter.
function scale(least, most) {
  const step = most - least > 400 ? 200 : 50;
  const low = Math.max(0, Math.floor((least - step / 4) / step) * step);
  const high = Math.ceil((most + step / 4) / step) * step;
  return { low, high: Math.max(high, low + step) };
}
