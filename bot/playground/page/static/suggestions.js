/** The list of values for the option that has the focus: fixed, or suggested by the bot. */

import { Refusal } from "./actions.js";
import { localised } from "./commands.js";
import { matchingEntities } from "./entities.js";
import { Listbox } from "./listbox.js";
import { isFreeText } from "./options.js";
import { hideShelf, shelfStatus, showShelf } from "./shelf.js";
import { locale, say } from "./words.js";

const DEBOUNCE_MS = 220;
const MOST = 25;

/** @typedef {import("./fields.js").Field|import("./tail.js").Tail} Field */

export class Suggestions {
  /**
   * @param {{pick: (field: Field, item: any) => void, ask: (field: Field) => Promise<any[]>,
   *   enter: (field: Field) => void}} can `ask` gets the bot's choices for what is typed now
   */
  constructor(can) {
    this.can = can;
    /** @type {Field|null} */ this.field = null;
    /** @type {Listbox|null} */ this.list = null;
    this.order = 0; // of the requests to the bot; only the newest response counts
    this.timer = 0;
    this.waiting = false;
    this.enterWhenReady = false;
  }

  /** Called when the field gets the focus. @param {Field} field */
  open(field) {
    if (this.field === field) return;
    this.stop();
    this.field = field;
    this.list =
      field.list === "none"
        ? null
        : new Listbox({
            label: say("choices.label", { name: field.name }),
            onPick: (item) => this.can.pick(field, item),
          });
    this.list?.attach(field.input);
    // Words that are there already, of an example for instance, are not covered by suggestions.
    if (field.option && isFreeText(field.option) && !field.isEmpty) this.present([]);
    else this.update();
  }

  /** Called when the text changes. */
  update() {
    const { field } = this;
    if (!field) return;
    this.order += 1;
    this.waiting = false;
    this.enterWhenReady = false;
    if (!this.list || field.isPicked) this.present([]);
    else if (field.list === "autocomplete") this.askBot();
    else this.present(fitting(field));
  }

  /** Called when the focus is lost. */
  stop() {
    this.order += 1;
    window.clearTimeout(this.timer);
    this.waiting = false;
    this.enterWhenReady = false;
    this.list?.attach(null);
    this.field?.expand(false);
    this.field = null;
    this.list = null;
    hideShelf();
  }

  get isOpen() {
    return this.list !== null && this.list.items.length > 0;
  }

  /** Closes the list but keeps the text. @returns {boolean} whether there was one */
  fold() {
    const open = this.isOpen || this.waiting;
    this.order += 1;
    this.waiting = false;
    this.enterWhenReady = false;
    this.present([]);
    return open;
  }

  /** Enter or Tab in the field. @returns {boolean} whether the list handled it */
  choose() {
    if (this.waiting) {
      // The response is on its way, and decides what Enter means.
      this.enterWhenReady = true;
      return true;
    }
    if (!this.isOpen) return false;
    const active = this.list.items[this.list.active];
    // A choice that only repeats what is typed changes nothing, so that Enter sends.
    return active?.value !== this.field.text.trim() && this.list.pickActive();
  }

  /** @returns {boolean} whether the key was for the list */
  key(event) {
    if (!this.list) return false;
    if (event.key === "ArrowDown" && !this.isOpen && !this.waiting) {
      event.preventDefault();
      this.field.picked = null;
      this.update();
      return true;
    }
    return this.list.key(event);
  }

  askBot() {
    const { field, order } = this;
    this.waiting = true;
    this.present([], say("choices.loading"));
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.answer(field, order), DEBOUNCE_MS);
  }

  async answer(field, order) {
    let items = [];
    let status = "";
    try {
      const choices = await this.can.ask(field);
      items = choices.slice(0, MOST).map((choice) => ({
        name: localised(choice, "name", locale()),
        value: choice.value,
      }));
      status = items.length === 0 ? say("choices.none") : "";
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      status = say("choices.failed", { error: error.message });
    }
    if (order !== this.order) return;
    this.waiting = false;
    this.present(items, status);
    // If the bot has no suggestions, Enter needs another press.
    const enter = this.enterWhenReady && items.length > 0;
    this.enterWhenReady = false;
    if (enter) this.can.enter(field);
  }

  present(items, status = "") {
    const { field, list } = this;
    if (!field) return;
    list?.show(items, items.length > 0 && field.eager ? 0 : -1);
    const open = items.length > 0;
    field.expand(open);
    const none =
      list && !open && !field.isPicked && !field.isEmpty && field.list !== "autocomplete";
    showShelf({
      title: field.name,
      hint: field.fullHint(),
      list: open ? list.element : null,
      status: status || (none ? say("choices.none") : ""),
    });
    if (open) shelfStatus(say("choices.count", { n: items.length }));
  }
}

// Matches at the start come before matches inside.
function fitting(field) {
  const all = field.items();
  if (field.list === "entities") return matchingEntities(all, field.text).slice(0, MOST);
  const typed = field.text.trim().toLowerCase();
  const at = ({ name }) => name.toLowerCase().indexOf(typed);
  return all
    .filter((item) => at(item) >= 0)
    .sort((one, other) => Math.sign(at(one)) - Math.sign(at(other)));
}
