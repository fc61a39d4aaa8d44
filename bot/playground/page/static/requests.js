/** What the bot asked of the stand-in for Discord, newest first, and what was wrong with it. */

import { byId, h } from "./dom.js";
import { icon } from "./icons.js";
import { syncList } from "./keyed.js";
import { on, state } from "./state.js";
import { clock } from "./time.js";
import { locale, say } from "./words.js";

/** @typedef {import("./types.js").RequestRow} RequestRow */

let planned = false;

/** Connects the list; once. */
export function setUpRequests() {
  for (const topic of ["state", "requests", "words"]) on(topic, plan);
  byId("only-problems").addEventListener("change", show);
}

// A busy bot asks many times a second; the list follows at the pace of the eye.
function plan() {
  if (planned) return;
  planned = true;
  window.setTimeout(() => {
    planned = false;
    show();
  }, 100);
}

/**
 * Against Discord's rules, whether it was refused or not. What is missing (404) may just be gone;
 * limits (429) and the server's own errors are no mistakes of the bot.
 * @param {RequestRow} row
 */
function isBad(row) {
  const refused = row.status >= 400 && row.status < 500 && ![404, 429].includes(row.status);
  return row.problems.length > 0 || refused;
}

function show() {
  const bad = state.requests.filter(isBad);
  badge("tab-badge", bad.length);
  badge("drawer-badge", bad.length);
  byId("requests-count").textContent = say("requests.count", {
    n: state.requests.length,
    bad: bad.length,
  });
  const only = byId("only-problems").checked;
  const rows = (only ? bad : state.requests).slice().reverse();
  byId("requests-empty").hidden = rows.length > 0;
  byId("requests-empty").textContent = say(only ? "requests.no_problems" : "requests.none");
  syncList(byId("request-list"), rows, {
    key: (row) => String(row.id),
    mark: (row) => [row, locale()],
    build: rowView,
  });
}

// The number for the eye; the words around it are for the ear.
function badge(id, count) {
  const element = byId(id);
  element.hidden = count === 0;
  element.replaceChildren(
    h("span", { "aria-hidden": true }, String(count)),
    h("span", { class: "visually-hidden" }, say("requests.badge", { n: count })),
  );
}

function rowView(row) {
  const status = row.status ? String(row.status) : "";
  return h(
    "li",
    { class: isBad(row) ? "request bad" : "request" },
    h(
      "p",
      { class: "request-line" },
      h("span", { class: "method" }, row.method),
      h("span", { class: "path" }, row.path),
      isBad(row) && h("span", { class: "visually-hidden" }, say("requests.bad")),
    ),
    h(
      "p",
      { class: "muted small" },
      [clock(row.at_ms), status, row.ms == null ? "" : `${Math.round(row.ms)} ms`]
        .filter(Boolean)
        .join(" · "),
    ),
    row.refusal && h("p", { class: "refusal" }, icon("warning"), row.refusal),
    row.problems.length > 0 &&
      h(
        "ul",
        { class: "problems" },
        row.problems.map((problem) => h("li", {}, problem)),
      ),
  );
}
