/** Says things without moving the focus: to screen readers, and in small notices for everyone. */

import { byId, h } from "./dom.js";
import { icon } from "./icons.js";
import { say } from "./words.js";

const NOTICES_SHOWN = 3;

let waiting = [];
let timer = 0;

/** Politely read out; what comes in the same moment is read together. */
export function announce(text) {
  if (!text) return;
  waiting.push(text);
  if (timer) return;
  // A region that is emptied first is read again even when it says the same.
  byId("announcer").textContent = "";
  timer = window.setTimeout(() => {
    byId("announcer").textContent = waiting.join("\n");
    waiting = [];
    timer = 0;
  }, 120);
}

/** A sentence in the corner that stays until it is closed; for what has no better place. */
export function notice(sentence) {
  const box = byId("notices");
  const close = () => item.remove();
  const item = h(
    "div",
    { class: "notice" },
    h("p", {}, sentence),
    h(
      "button",
      { type: "button", class: "icon-button", "aria-label": say("close"), on: { click: close } },
      icon("close"),
    ),
  );
  box.append(item);
  while (box.children.length > NOTICES_SHOWN) box.firstElementChild.remove();
  announce(sentence);
}
