/** One option of a command in the composer: its name, its input, and what is wrong with it. */

import { localised } from "./commands.js";
import { freshId, h } from "./dom.js";
import { OPTION_KINDS, entities, namedEntity } from "./entities.js";
import { icon } from "./icons.js";
import { TYPE, check, isFreeText, listOf } from "./options.js";
import { FilePicker } from "./uploads.js";
import { locale, say } from "./words.js";

const INPUT_MODES = { [TYPE.INTEGER]: "numeric", [TYPE.NUMBER]: "decimal" };
const WIDEST_CH = 40;

/** @typedef {import("./types.js").Option} Option */

export class Field {
  /**
   * @param {Option} option
   * @param {{onChange: (field: Field) => void, onRemove: (field: Field) => void}} tell
   */
  constructor(option, tell) {
    this.option = option;
    this.name = localised(option, "name", locale());
    this.description = localised(option, "description", locale());
    /** @type {{name: string, value: any}|null} */ this.picked = null;
    this.list = listOf(option);
    this.eager = true; // Enter takes the first value of the list
    this.hintId = freshId("hint");
    this.problemId = freshId("problem");
    this.problem = h("span", { id: this.problemId, class: "pill-problem" });
    this.files = option.type === TYPE.ATTACHMENT ? this.filePicker(tell) : null;
    this.input = this.files?.input ?? this.textInput(tell);
    this.root = h(
      "div",
      { class: "pill", data: { option: option.name } },
      h("label", { for: this.input.id, class: "pill-name" }, this.name),
      this.files?.element ?? this.input,
      !option.required && this.removeButton(tell),
      h("span", { id: this.hintId, class: "visually-hidden" }, this.fullHint()),
      this.problem,
    );
  }

  get text() {
    return this.files ? "" : this.input.value;
  }

  set text(value) {
    if (this.files) return;
    this.input.value = value;
    this.fit();
  }

  /** Enters one of the listed values. */
  pick({ name, value }) {
    this.text = name;
    this.picked = { name, value };
    this.complain(null);
  }

  get isPicked() {
    return this.picked !== null && this.picked.name === this.text;
  }

  get isEmpty() {
    return this.files ? this.files.slots.length === 0 : this.text.trim() === "";
  }

  /** @returns {import("./options.js").Verdict} */
  check() {
    const { ids = [null], uploading = false, failed = "" } = this.files ?? {};
    if (failed) return { problem: "option.upload_failed", values: { error: failed } };
    const given = { text: this.text, picked: this.picked, upload: ids[0], uploading };
    return check(this.option, given, (text) => this.named(text));
  }

  /** The choices of this option that are known without asking the bot. */
  items() {
    switch (this.list) {
      case "choices":
        return this.option.choices.map((choice) => ({
          name: localised(choice, "name", locale()),
          value: choice.value,
        }));
      case "boolean":
        return [
          { name: say("true"), value: true },
          { name: say("false"), value: false },
        ];
      case "entities":
        return entities(OPTION_KINDS[this.option.type], this.option.channel_types);
      default:
        return [];
    }
  }

  named(text) {
    if (this.list === "entities") return namedEntity(this.items(), text);
    const typed = text.toLowerCase();
    const same = ({ name, value }) =>
      [name, String(value)].some((one) => one.toLowerCase() === typed);
    return this.items().find(same) ?? null;
  }

  /** Shows or clears the error. @param {{problem: string, values?: any}|null} verdict */
  complain(verdict) {
    this.problem.textContent = verdict ? say(verdict.problem, verdict.values) : "";
    this.root.classList.toggle("invalid", verdict !== null);
    if (verdict) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  expand(open) {
    if (this.input.getAttribute("role") === "combobox") {
      this.input.setAttribute("aria-expanded", String(open));
    }
  }

  fullHint() {
    return [this.option.required ? say("option.is_required") : "", this.description, this.bounds()]
      .filter(Boolean)
      .join(" · ");
  }

  bounds() {
    const { min_value: least, max_value: most } = this.option;
    if (least != null && most != null) return say("option.between", { least, most });
    if (least != null) return say("option.least", { least });
    return most != null ? say("option.most", { most }) : "";
  }

  textInput(tell) {
    const combobox = this.list !== "none";
    const words = isFreeText(this.option); // may be long: shown in full
    return h(words ? "textarea" : "input", {
      id: freshId("option"),
      type: words ? null : "text",
      rows: words ? 1 : null,
      class: words ? "pill-input pill-words" : "pill-input",
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      enterkeyhint: "send",
      inputmode: INPUT_MODES[this.option.type] ?? null,
      role: combobox ? "combobox" : null,
      "aria-autocomplete": combobox ? "list" : null,
      "aria-expanded": combobox ? false : null,
      "aria-required": this.option.required ? true : null,
      "aria-describedby": `${this.hintId} ${this.problemId}`,
      on: {
        input: (event) => this.typed(event, tell),
        compositionend: (event) => this.typed(event, tell),
      },
    });
  }

  typed(event, tell) {
    // An option is one line, even if several were pasted.
    const line = this.input.value.replace(/\s*\n\s*/g, " ");
    if (line !== this.input.value) this.input.value = line;
    this.fit();
    this.complain(null);
    // Leave letters alone that an input method is still composing.
    if (!event.isComposing) tell.onChange(this);
  }

  // The pill is as wide as its content, within limits.
  fit() {
    const length = [...this.input.value].reduce((sum, sign) => sum + (sign > "\u2e7f" ? 2 : 1), 0);
    this.input.style.setProperty("--width", `${Math.min(WIDEST_CH, Math.max(6, length + 2))}ch`);
  }

  filePicker(tell) {
    return new FilePicker({
      label: this.name,
      describedBy: `${this.hintId} ${this.problemId}`,
      onChange: () => {
        this.complain(null);
        tell.onChange(this);
      },
    });
  }

  removeButton(tell) {
    return h(
      "button",
      {
        type: "button",
        class: "pill-remove",
        "aria-label": say("option.remove", { name: this.name }),
        tabindex: "-1", // Backspace in the empty input does the same
        on: { click: () => tell.onRemove(this) },
      },
      icon("close"),
    );
  }
}
