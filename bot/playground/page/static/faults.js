/** Faults to test the bot with: some happen once, others last until they are switched off. */

import { Refusal, act } from "./actions.js";
import { announce, notice } from "./announce.js";
import { byId, fragment, h } from "./dom.js";
import { morphChildren } from "./morph.js";
import { on, state } from "./state.js";
import { hasWord, say } from "./words.js";

const busy = new Set();

/** Connects the list; once. */
export function setUpFaults() {
  for (const topic of ["state", "faults", "words"]) on(topic, show);
  byId("fault-list").addEventListener("click", ({ target }) => {
    const button = target.closest("[data-fault]");
    const fault = state.faults.find((one) => one.id === button?.dataset.fault);
    if (fault) cause(fault);
  });
}

function show() {
  byId("faults-empty").hidden = state.faults.length > 0;
  morphChildren(byId("fault-list"), fragment(h("ul", {}, state.faults.map(item))));
}

function item(fault) {
  const id = `fault-${fault.id}`;
  const toggle = fault.kind === "toggle";
  return h(
    "li",
    { data: { key: fault.id } },
    h(
      "button",
      {
        type: "button",
        class: toggle ? "switch" : "bot-button secondary",
        role: toggle ? "switch" : null,
        "aria-checked": toggle ? Boolean(fault.active) : null,
        "aria-describedby": `${id}-hint`,
        "aria-disabled": busy.has(fault.id) ? true : null,
        data: { fault: fault.id },
      },
      toggle && h("span", { class: "switch-track", "aria-hidden": true }),
      h("span", {}, labelOf(fault)),
    ),
    h("p", { class: "muted small", id: `${id}-hint` }, hintOf(fault)),
  );
}

// The server sends English labels; known faults are translated here.
function labelOf(fault) {
  return hasWord(`fault.${fault.id}`) ? say(`fault.${fault.id}`) : fault.label;
}

function hintOf(fault) {
  return hasWord(`fault.${fault.id}.hint`) ? say(`fault.${fault.id}.hint`) : fault.hint;
}

async function cause(fault) {
  if (busy.has(fault.id)) return;
  busy.add(fault.id);
  show();
  try {
    await act("fault", { fault: fault.id, active: fault.kind === "toggle" ? !fault.active : true });
    if (fault.kind === "once") announce(say("fault.done", { name: labelOf(fault) }));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    notice(error.message);
  } finally {
    busy.delete(fault.id);
    show();
  }
}
