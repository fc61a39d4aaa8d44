/** The bot's requests to the stand-in, newest first, with their problems. */

import { byId, h } from "./dom.js";
import { icon } from "./icons.js";
import { syncList } from "./keyed.js";
import { requestInWords } from "./requestwords.js";
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

// A busy bot sends many requests a second; the list updates at a readable pace.
function plan() {
  if (planned) return;
  planned = true;
  window.setTimeout(() => {
    planned = false;
    show();
  }, 100);
}

/**
 * Whether it broke Discord's rules, refused or not. A 404 may just mean something was deleted;
 * rate limits (429) and server errors are not the bot's mistakes.
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

// The number is visible; the words around it are for screen readers.
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
      h("span", { class: "request-words" }, requestInWords(row)),
      isBad(row) && h("span", { class: "visually-hidden" }, say("requests.bad")),
    ),
    h(
      "p",
      { class: "request-path muted small" },
      h("span", { class: "method" }, row.method),
      " ",
      h("span", { class: "path" }, row.path),
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
