/** Times in the reader's own zone and language; relative ones are kept up to date. */

import { locale } from "./words.js";

const DAY_MS = 86_400_000;

// Discord's styles of <t:…>; R is relative and handled separately.
const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
  s: { dateStyle: "short", timeStyle: "short" },
  S: { dateStyle: "short", timeStyle: "medium" },
};

const UNITS = [
  ["year", 365 * DAY_MS],
  ["month", 30 * DAY_MS],
  ["day", DAY_MS],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
];

const formats = new Map();

/** @param {number} ms unix time @param {string} style one of Discord's, "R" included */
export function stamp(ms, style, now = Date.now()) {
  return style === "R" ? relative(ms, now) : format(STYLES[style] ?? STYLES.f).format(ms);
}

/** "in 3 minutes", "2 hours ago" */
export function relative(ms, now = Date.now()) {
  const away = ms - now;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(away) >= length) ?? UNITS.at(-1);
  const key = `relative ${locale()}`;
  if (!formats.has(key)) {
    formats.set(key, new Intl.RelativeTimeFormat(locale(), { numeric: "auto" }));
  }
  return formats.get(key).format(Math.round(away / size), unit);
}

/** The time of a message: without the date if it is today. */
export function messageTime(ms, now = Date.now()) {
  return stamp(ms, sameDay(ms, now) ? "t" : "s");
}

/** @param {number} one @param {number} other */
export function sameDay(one, other) {
  return new Date(one).toDateString() === new Date(other).toDateString();
}

/** The time with seconds, for logs. */
export function clock(ms) {
  return format({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(
    ms,
  );
}

/** A duration as "2 h 5 min", from seconds. */
export function duration(seconds) {
  const parts = [];
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const unit = (value, name) =>
    new Intl.NumberFormat(locale(), { style: "unit", unit: name, unitDisplay: "short" }).format(
      value,
    );
  if (hours) parts.push(unit(hours, "hour"));
  if (hours || minutes) parts.push(unit(minutes, "minute"));
  if (!hours) parts.push(unit(whole % 60, "second"));
  return parts.join(" ");
}

/** @param {number} bytes */
export function fileSize(bytes) {
  const sizes = [
    [1_048_576, "megabyte"],
    [1024, "kilobyte"],
    [1, "byte"],
  ];
  const [size, unit] = sizes.find(([least]) => bytes >= least) ?? sizes.at(-1);
  const options = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 1 };
  return new Intl.NumberFormat(locale(), options).format(bytes / size);
}

/** Updates every relative time on the page once a second. */
export function keepTimesFresh() {
  window.setInterval(() => {
    for (const element of document.querySelectorAll("time[data-relative]")) {
      const text = relative(Number(element.dataset.relative));
      if (element.textContent !== text) element.firstChild.data = text;
    }
  }, 1000);
}

function format(options) {
  const key = `${locale()} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale(), options));
  return formats.get(key);
}
