/** A command being filled in: its options as pills in the composer, checked, then sent. */

import { Refusal, act } from "./actions.js";
import { announce } from "./announce.js";
import { commandLine, localised } from "./commands.js";
import { h } from "./dom.js";
import { Field } from "./fields.js";
import { iconButton } from "./icons.js";
import { openMenu } from "./menu.js";
import { TYPE } from "./options.js";
import { Suggestions } from "./suggestions.js";
import { Tail } from "./tail.js";
import { optionMarks } from "./typed.js";
import { locale, say } from "./words.js";

/** @typedef {import("./types.js").Option} Option */

export class OptionForm {
  /**
   * @param {import("./types.js").Entry} entry
   * @param {string} channelId
   * @param {{sent: () => void, left: () => void, failed: (sentence: string) => void}} tell
   */
  constructor(entry, channelId, tell) {
    this.entry = entry;
    this.channelId = channelId;
    this.tell = tell;
    /** @type {Field[]} */ this.fields = [];
    this.declined = new Set(); // removed options are not added again by typing
    this.sending = false;
    this.suggestions = new Suggestions({
      pick: (field, item) => this.pick(field, item),
      ask: (field) => this.ask(field),
      enter: (field) => this.enter(field),
    });
    this.tail = new Tail({ hidden: () => this.hidden, typed: () => this.changed(this.tail) });
    this.more = h("button", {
      type: "button",
      class: "pill-more",
      "aria-haspopup": "menu",
      "aria-expanded": false,
      on: { click: () => this.offerMore() },
    });
    const leave = iconButton("close", say("form.leave"), () => this.leave());
    this.root = h(
      "div",
      {
        class: "pills",
        role: "group",
        "aria-label": commandLine(entry),
        on: {
          keydown: (event) => this.keyed(event),
          focusin: ({ target }) => this.focused(target),
          focusout: ({ relatedTarget }) => this.blurred(relatedTarget),
        },
      },
      h("span", { class: "pills-command" }, commandLine(entry)),
      this.tail.input,
      this.more,
      leave,
    );
    for (const option of entry.options) if (option.required) this.add(option);
    this.countMore();
  }

  /** Fills in options, adding those not shown. @param {Map<string, string>} values */
  fill(values) {
    for (const [name, text] of values) {
      const option = this.entry.options.find((candidate) => candidate.name === name);
      if (!option) continue;
      const field = this.fieldOf(option) ?? this.add(option);
      field.text = text;
      const named = field.named(text.trim());
      if (named) field.pick(named);
    }
  }

  /** Focuses the first empty required option, else the last one. @returns {boolean} was there one? */
  focus() {
    const empty = this.fields.find((one) => one.option.required && one.isEmpty);
    const field = empty ?? this.fields.at(-1) ?? (this.hidden.length > 0 ? this.tail : null);
    field?.input.focus();
    return field !== null;
  }

  /** @param {Option} option @returns {Field} */
  add(option) {
    const field = new Field(option, {
      onChange: (changed) => this.changed(changed),
      onRemove: (removed) => this.remove(removed),
    });
    this.fields.push(field);
    this.root.insertBefore(field.root, this.tail.input);
    this.countMore();
    return field;
  }

  remove(field) {
    const at = this.fields.indexOf(field);
    if (field.option.required || at < 0) return;
    field.files?.clear();
    this.declined.add(field.option.name);
    this.fields.splice(at, 1);
    this.countMore();
    // Before it is removed: otherwise the focus falls to the page.
    (this.fields[Math.max(0, at - 1)] ?? this.tail).input.focus();
    field.root.remove();
  }

  fieldOf(option) {
    return this.fields.find((field) => field.option === option);
  }

  get hidden() {
    return this.entry.options.filter((option) => !this.fieldOf(option));
  }

  countMore() {
    const n = this.hidden.length;
    this.more.hidden = n === 0;
    this.tail.input.hidden = n === 0;
    this.more.textContent = say("form.more", { n });
  }

  offerMore() {
    this.suggestions.stop();
    const items = this.hidden.map((option) => ({
      label: localised(option, "name", locale()),
      hint: localised(option, "description", locale()),
      pick: () => this.add(option).input.focus(),
    }));
    openMenu(this.more, say("form.options"), items);
  }

  changed(field) {
    if (field.files) return;
    this.spread(field);
    if (this.suggestions.field === field) this.suggestions.update();
  }

  // "a red house seed: 5" typed into the prompt is for two options.
  spread(field) {
    let text = field.text.trimStart(); // the space after "seed:"
    const [own] = field === this.tail ? [] : optionMarks(text, [field.option], locale());
    if (own?.start === 0) text = text.slice(own.end);
    const open = this.hidden.filter((option) => !this.declined.has(option.name));
    const empty = this.fields.filter((other) => other !== field && other.isEmpty);
    const marks = optionMarks(text, [...open, ...empty.map((other) => other.option)], locale());
    if (text === field.text && marks.length === 0) return;
    field.text = marks.length === 0 ? text : text.slice(0, marks[0].start).trimEnd();
    const values = marks.map((mark, index) => {
      const value = text.slice(mark.end, marks[index + 1]?.start ?? text.length).trim();
      return [mark.option.name, value];
    });
    this.fill(new Map(values));
    if (marks.length > 0) this.fieldOf(marks.at(-1).option).input.focus();
  }

  pick(field, item) {
    if (field === this.tail) {
      this.tail.text = "";
      this.add(item.value).input.focus();
      return;
    }
    field.pick(item);
    const after = this.fields.slice(this.fields.indexOf(field) + 1);
    const next = after.find((one) => one.isEmpty) ?? this.fields.find((one) => one.isEmpty);
    if (next) next.input.focus();
    else if (this.hidden.length > 0) this.tail.input.focus();
    else this.suggestions.update();
  }

  focused(target) {
    const field = this.at(target);
    field?.root?.scrollIntoView({ block: "nearest" }); // completely, where the box scrolls
    if (field) this.suggestions.open(field);
    else this.suggestions.stop();
  }

  at(target) {
    return [...this.fields, this.tail].find((one) => one.input === target);
  }

  blurred(to) {
    if (!this.root.contains(to)) this.suggestions.stop();
  }

  keyed(event) {
    if (event.isComposing || event.keyCode === 229) return; // an input method has the keys
    const field = this.at(event.target);
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      if (!this.suggestions.fold()) this.leave();
    } else if (!field || this.suggestions.key(event)) {
      return;
    } else if (event.key === "Enter") {
      if (field.files) return; // opens the file chooser, as for any file input
      event.preventDefault();
      if (!event.repeat) this.enter(field);
    } else if (event.key === "Tab" && !event.shiftKey && !field.isEmpty && !field.isPicked) {
      // Tab takes the suggested value; picking moves on to the next option.
      if (this.suggestions.isOpen && this.suggestions.choose()) event.preventDefault();
    } else {
      this.walk(event, field);
    }
  }

  // The caret moves between pills as within one line.
  walk(event, field) {
    const line = [...this.fields, this.tail];
    const at = line.indexOf(field);
    const { selectionStart: start, selectionEnd: end } = field.input;
    const atStart = field.files || (start === 0 && end === 0);
    const atEnd = field.files || (start === field.text.length && end === field.text.length);
    const back = event.key === "ArrowLeft" || (event.key === "Backspace" && field === this.tail);
    if (
      event.key === "Backspace" &&
      field !== this.tail &&
      field.isEmpty &&
      !field.option.required
    ) {
      event.preventDefault();
      this.remove(field);
    } else if (back && atStart && at > 0) {
      event.preventDefault();
      line[at - 1].input.focus();
    } else if (event.key === "ArrowRight" && atEnd && line[at + 1] && !line[at + 1].input.hidden) {
      event.preventDefault();
      line[at + 1].input.focus();
    }
  }

  /** Enter: takes the suggested value, or sends. */
  enter(field) {
    if (!field.isPicked && this.suggestions.choose()) return;
    if (this.tail.isEmpty) this.submit();
    else this.tell.failed(say("form.no_option", { name: this.tail.text.trim() }));
  }

  async ask(field) {
    const others = this.fields.filter((one) => one !== field);
    const options = [...this.values(others), { name: field.option.name, value: field.text }];
    const answer = await act("autocomplete", {
      ...this.address(options),
      focused: field.option.name,
    });
    return answer.choices ?? [];
  }

  values(fields) {
    return fields.flatMap((field) => {
      const verdict = field.check();
      return "value" in verdict ? [{ name: field.option.name, value: verdict.value }] : [];
    });
  }

  address(options) {
    return {
      channel_id: this.channelId,
      command_id: this.entry.command.id,
      path: this.entry.path,
      options,
    };
  }

  /** Sends the command once, if every option is valid. */
  async submit() {
    if (this.sending || !this.holds()) return;
    this.setSending(true);
    try {
      await act("command", this.address(this.values(this.fields)));
      this.tell.sent();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.tell.failed(error.message);
    } finally {
      this.setSending(false);
    }
  }

  // Marks all errors and focuses the first.
  holds() {
    const wrong = [];
    for (const field of this.fields) {
      const verdict = field.check();
      field.complain("problem" in verdict ? verdict : null);
      if ("problem" in verdict) wrong.push(field);
    }
    if (wrong.length === 0) return true;
    wrong[0].input.focus();
    announce(`${wrong[0].name}: ${wrong[0].problem.textContent}`);
    return false;
  }

  setSending(sending) {
    this.sending = sending;
    this.root.setAttribute("aria-busy", String(sending));
  }

  /** Adds dropped files to an attachment option. @returns {boolean} whether there is one */
  takeFiles(files) {
    const option = this.entry.options.find(({ type }) => type === TYPE.ATTACHMENT);
    if (!option) return false;
    (this.fieldOf(option) ?? this.add(option)).files.take(files);
    return true;
  }

  leave() {
    this.tell.left();
  }

  /** Releases everything that would outlive the form's elements. */
  end() {
    this.suggestions.stop();
    for (const field of this.fields) field.files?.clear();
  }
}
