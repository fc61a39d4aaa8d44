/** The bot's modals: a dialog that is filled in, checked, sent, and closed once acknowledged. */

import { Refusal, act } from "./actions.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { modalInputs } from "./inputs.js";
import { closePanel } from "./overlay.js";
import { on, settledInteraction } from "./state.js";
import { say } from "./words.js";

/** @type {HTMLDialogElement|null} */
let open = null;

/** Shows each modal that the bot sends; a newer one replaces the previous one. */
export function setUpModals() {
  on("modal", show);
  on("words", () => open?.close());
}

function show({ interaction_id: interactionId, modal }) {
  closePanel();
  open?.close();
  const inputs = modalInputs(modal.components);
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const send = h("button", { type: "submit", class: "bot-button primary" }, say("modal.send"));
  const form = h(
    "form",
    { novalidate: true },
    h(
      "header",
      {},
      h("h2", { id: "modal-title" }, modal.title),
      closeButton("icon-button", icon("close"), say("close")),
    ),
    h(
      "div",
      { class: "modal-fields" },
      inputs.map((input) => input.root),
    ),
    problem,
    h("footer", {}, closeButton("bot-button secondary", say("modal.cancel")), send),
  );
  const dialog = h("dialog", { class: "modal", "aria-labelledby": "modal-title" }, form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit({ dialog, form, inputs, problem, interactionId, customId: modal.custom_id });
  });
  form.addEventListener("click", ({ target }) => {
    if (target.closest("[data-close]")) dialog.close();
  });
  dialog.addEventListener("close", () => {
    if (open === dialog) open = null;
    dialog.remove();
  });
  document.body.append(dialog);
  open = dialog;
  dialog.showModal();
  (dialog.querySelector("[data-autofocus]") ?? send).focus();
}

function closeButton(name, content, label) {
  return h(
    "button",
    { type: "button", class: name, "aria-label": label, data: { close: true } },
    content,
  );
}

async function submit({ dialog, form, inputs, problem, interactionId, customId }) {
  if (form.getAttribute("aria-busy") === "true" || !hold(inputs)) return;
  const values = inputs.filter((input) => input.customId !== null);
  form.setAttribute("aria-busy", "true");
  tell(problem, "");
  try {
    const answer = await act("modal", {
      interaction_id: interactionId,
      custom_id: customId,
      values: Object.fromEntries(values.map((input) => [input.customId, input.value()])),
    });
    // Keep what was typed until the bot has acknowledged it.
    const outcome = await settledInteraction(answer.interaction_id);
    if (outcome?.state === "failed") tell(problem, say("modal.failed"));
    else dialog.close();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    tell(problem, error.message);
  } finally {
    form.removeAttribute("aria-busy");
  }
}

// Checks all inputs, so that each shows its error, and focuses the first.
function hold(inputs) {
  const wrong = inputs.filter((input) => input.check() !== "");
  wrong[0]?.focus();
  return wrong.length === 0;
}

function tell(problem, sentence) {
  problem.textContent = sentence;
  problem.hidden = sentence === "";
}
