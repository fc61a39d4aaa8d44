/** The foot of the page: what the bot paints with, and how much memory is in use. */

import { byId } from "./dom.js";
import { on, state } from "./state.js";
import { say } from "./words.js";

const GIB = 2 ** 30;

/** Connects the foot; once. */
export function setUpFoot() {
  for (const topic of ["state", "vitals", "words", "bot"]) on(topic, show);
}

function show() {
  const facts = state.bot.state === "online" ? state.vitals.at(-1)?.facts : null;
  const foot = byId("foot");
  foot.hidden = !facts;
  if (facts) foot.textContent = inWords(facts);
}

function inWords({ steps, guidance, dtype, memory }) {
  const words = [say("foot.steps", { n: steps }), say("foot.guidance", { guidance })];
  if (dtype) words.push(dtype);
  if (memory) {
    const [used, total] = [memory.used_bytes, memory.total_bytes].map((bytes) =>
      (bytes / GIB).toFixed(1),
    );
    words.push(say(memory.shared ? "foot.memory_shared" : "foot.memory", { used, total }));
  }
  return words.join(" · ");
}
