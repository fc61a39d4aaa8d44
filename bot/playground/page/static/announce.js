/** Announcements that do not move the focus: for screen readers, and as small notices. */

import { byId, h } from "./dom.js";
import { iconButton } from "./icons.js";
import { say } from "./words.js";

const NOTICES_SHOWN = 3;
const GATHER_MS = 120;
const SAID_MS = 5000;

let waiting = [];
let timer = 0;
let clearing = 0;

/** Announces politely; texts that come at the same moment are announced together. */
export function announce(text) {
  if (!text) return;
  waiting.push(text);
  if (timer) return;
  window.clearTimeout(clearing);
  // A region that is emptied first is announced again even if its text is the same.
  byId("announcer").textContent = "";
  timer = window.setTimeout(() => {
    byId("announcer").textContent = waiting.join("\n");
    waiting = [];
    timer = 0;
    // Nobody who reads the page from top to bottom later should find it there.
    clearing = window.setTimeout(() => (byId("announcer").textContent = ""), SAID_MS);
  }, GATHER_MS);
}

/** A notice in the corner that stays until it is closed, for messages without a better place. */
export function notice(sentence) {
  const box = byId("notices");
  const item = h(
    "div",
    { class: "notice" },
    h("p", {}, sentence),
    iconButton("close", say("close"), () => item.remove()),
  );
  box.append(item);
  while (box.children.length > NOTICES_SHOWN) box.firstElementChild.remove();
  announce(sentence);
}
