/** Files that a user chooses or drops: uploaded at once, with a preview. */

import { Refusal, upload } from "./actions.js";
import { freshId, h } from "./dom.js";
import { icon, iconButton } from "./icons.js";
import { isImage } from "./lookups.js";
import { fileSize } from "./time.js";
import { say } from "./words.js";

/**
 * @typedef {{file: File, id: string|null, error: string, preview: string|null,
 *   stop: AbortController}} Slot
 */

export class FilePicker {
  /**
   * @param {{label: string, most?: number, describedBy?: string, onChange?: () => void}} options
   */
  constructor({ label, most = 1, describedBy, onChange = () => {} }) {
    this.most = most;
    this.onChange = onChange;
    /** @type {Slot[]} */ this.slots = [];
    this.input = h("input", {
      id: freshId("file"),
      type: "file",
      class: "visually-hidden",
      multiple: most > 1,
      "aria-label": label,
      "aria-describedby": describedBy,
      on: {
        change: () => {
          this.take(this.input.files);
          this.input.value = ""; // the same file can be chosen again
        },
      },
    });
    this.list = h("ul", { class: "files" });
    this.element = h(
      "div",
      {
        class: "file-picker",
        on: { dragover: (event) => this.over(event), drop: (event) => this.dropped(event) },
      },
      this.input,
      h(
        "label",
        { for: this.input.id, class: "bot-button secondary" },
        icon("file"),
        say("file.choose"),
      ),
      this.list,
    );
  }

  get uploading() {
    return this.slots.some((slot) => slot.id === null && slot.error === "");
  }

  get failed() {
    return this.slots.find((slot) => slot.error !== "")?.error ?? "";
  }

  /** The ids of the uploaded files. */
  get ids() {
    return this.slots.flatMap((slot) => (slot.id === null ? [] : [slot.id]));
  }

  /** Adds files up to the limit; beyond it, the oldest is replaced. */
  take(files) {
    for (const file of files) {
      while (this.slots.length >= this.most) this.drop(this.slots[0]);
      const preview = isImage(file.type) ? URL.createObjectURL(file) : null;
      const slot = { file, id: null, error: "", preview, stop: new AbortController() };
      this.slots.push(slot);
      this.send(slot);
    }
    this.show();
  }

  async send(slot) {
    try {
      const answer = await upload(slot.file, slot.stop.signal);
      slot.id = answer.id;
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof Refusal)) throw error;
      slot.error = error.message;
    }
    this.show();
  }

  /** Removes a file, even during its upload. */
  drop(slot) {
    slot.stop.abort();
    if (slot.preview) URL.revokeObjectURL(slot.preview);
    this.slots = this.slots.filter((other) => other !== slot);
  }

  clear() {
    for (const slot of [...this.slots]) this.drop(slot);
  }

  show() {
    this.list.replaceChildren(...this.slots.map((slot) => this.row(slot)));
    this.onChange();
  }

  row(slot) {
    const remove = () => {
      this.drop(slot);
      this.show();
      this.input.focus();
    };
    const status =
      slot.error || (slot.id === null ? say("file.uploading") : fileSize(slot.file.size));
    return h(
      "li",
      {},
      slot.preview && h("img", { src: slot.preview, alt: "", class: "file-preview" }),
      h("span", { class: "file-name" }, slot.file.name),
      h("span", { class: slot.error ? "failure" : "muted small", role: "status" }, status),
      iconButton("close", say("file.remove", { name: slot.file.name }), remove),
    );
  }

  over(event) {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  }

  dropped(event) {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    event.stopPropagation();
    this.take(event.dataTransfer.files);
  }
}
