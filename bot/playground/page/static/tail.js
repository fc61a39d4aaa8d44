/** The caret after the pills: typing an option's name there adds it, Enter sends the command. */

import { localised } from "./commands.js";
import { freshId, h } from "./dom.js";
import { locale, say } from "./words.js";

/** For the suggestions it is another field, whose values are the hidden options. */
export class Tail {
  /** @param {{hidden: () => import("./types.js").Option[], typed: () => void}} form */
  constructor(form) {
    this.form = form;
    this.list = "options";
    this.name = say("form.options");
    this.isPicked = false;
    this.files = null;
    this.input = h("input", {
      id: freshId("tail"),
      type: "text",
      class: "pill-tail",
      role: "combobox",
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      enterkeyhint: "send",
      "aria-label": this.name,
      "aria-autocomplete": "list",
      "aria-expanded": false,
      on: { input: form.typed },
    });
  }

  get text() {
    return this.input.value;
  }

  set text(value) {
    this.input.value = value;
  }

  get isEmpty() {
    return this.text.trim() === "";
  }

  /** With nothing typed Enter means "send", so nothing is suggested. */
  get eager() {
    return !this.isEmpty;
  }

  /** The options that can be added, as choices. */
  items() {
    return this.form.hidden().map((option) => ({
      name: localised(option, "name", locale()),
      hint: localised(option, "description", locale()),
      value: option,
    }));
  }

  fullHint() {
    return say("form.tail_hint");
  }

  expand(open) {
    this.input.setAttribute("aria-expanded", String(open));
  }
}
