/** The list of commands that opens when a message begins with "/". */

import { commandLine, matching } from "./commands.js";
import { Listbox } from "./listbox.js";
import { hideShelf, shelfStatus, showShelf } from "./shelf.js";
import { state } from "./state.js";
import { say } from "./words.js";

export class Picker {
  /**
   * @param {HTMLTextAreaElement} field keeps the focus while choosing
   * @param {(entry: import("./types.js").Entry) => void} onPick
   */
  constructor(field, onPick) {
    this.field = field;
    this.onPick = onPick;
    /** @type {Listbox|null} */ this.list = null;
    this.folded = null; // the text at which the reader closed the list with Escape
  }

  get isOpen() {
    return this.list !== null;
  }

  /** Updates the list while typing. @param {string} text @param {import("./types.js").Entry[]} all */
  follow(text, all) {
    if (!text.startsWith("/") || text.includes("\n") || text === this.folded) {
      this.close();
      return;
    }
    this.folded = null;
    if (!this.list) {
      this.list = new Listbox({
        label: say("picker.label"),
        onPick: (item) => this.pick(item.value),
      });
    }
    const found = matching(all, text.slice(1));
    this.list.show(
      found.map((entry) => ({
        value: entry,
        name: commandLine(entry),
        hint: entry.description,
      })),
    );
    const list = found.length > 0 ? this.list.element : null;
    showShelf({ title: say("picker.label"), hint: say("picker.hint"), list });
    if (list) this.list.attach(this.field);
    else this.letGo();
    shelfStatus(found.length > 0 ? say("picker.count", { n: found.length }) : nothing(all));
  }

  pick(entry) {
    this.close();
    this.onPick(entry);
  }

  /** @returns {boolean} whether the key was for the list */
  key(event) {
    if (!this.list) return false;
    if (this.list.key(event)) return true;
    if (event.key === "Escape") {
      event.preventDefault();
      this.folded = this.field.value;
      this.close();
      return true;
    }
    if (event.key !== "Enter" && event.key !== "Tab") return false;
    if (event.shiftKey || event.repeat || this.list.items.length === 0) return false;
    event.preventDefault();
    return this.list.pickActive();
  }

  close() {
    if (!this.list) return;
    this.letGo();
    this.list = null;
    hideShelf();
  }

  // The field must not refer to a list that is not on the page.
  letGo() {
    this.list.attach(null);
    this.field.removeAttribute("aria-controls");
  }
}

function nothing(all) {
  if (all.length > 0) return say("picker.none");
  return state.bot.state === "online" ? say("picker.empty") : say("picker.offline");
}
