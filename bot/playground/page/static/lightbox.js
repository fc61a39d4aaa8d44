/** A single large picture with its alt text, a download link, and its neighbours. */

import { h } from "./dom.js";
import { icon, iconButton } from "./icons.js";
import { say } from "./words.js";

/** @param {HTMLElement} figure of a message, as media.js builds it */
export function openPicture(figure) {
  const around = [...(figure.closest(".gallery")?.querySelectorAll(".picture") ?? [figure])];
  // Videos play in place, and spoilers stay hidden.
  const figures = around.filter(
    (one) => one.querySelector(".enlarge") && !one.querySelector("[inert]"),
  );
  const items = figures.map((one) => ({ url: one.dataset.url, alt: one.dataset.alt ?? "" }));
  new Lightbox(items, Math.max(0, figures.indexOf(figure))).open();
}

class Lightbox {
  /** @param {{url: string, alt: string}[]} items @param {number} at which one is shown first */
  constructor(items, at) {
    this.items = items;
    this.at = at;
    this.image = h("img", { alt: "" });
    // A long alt text scrolls, so it must be reachable by keyboard.
    this.caption = h("p", { class: "lightbox-alt", id: "lightbox-alt", tabindex: "0" });
    this.place = h("span", { class: "muted", role: "status" });
    const kind = "bot-button secondary";
    this.keep = h("a", { class: kind }, icon("download"), say("media.download"));
    const elsewhere = { class: kind, target: "_blank", rel: "noopener" };
    this.original = h("a", elsewhere, icon("open"), say("media.original"));
  }

  open() {
    const stage = h("div", { class: "lightbox-stage" }, this.image);
    const dialog = h(
      "dialog",
      { class: "lightbox", "aria-label": say("media.dialog"), "aria-describedby": "lightbox-alt" },
      this.bar(() => dialog.close()),
      stage,
      this.caption,
    );
    stage.addEventListener("click", ({ target }) => target === stage && dialog.close());
    dialog.addEventListener("keydown", ({ key }) => {
      if (key === "ArrowLeft") this.step(-1);
      if (key === "ArrowRight") this.step(1);
    });
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    this.step(0);
    dialog.showModal();
  }

  bar(close) {
    const many = this.items.length > 1;
    return h(
      "div",
      { class: "lightbox-bar" },
      many && iconButton("left", say("media.previous"), () => this.step(-1)),
      many && iconButton("right", say("media.next"), () => this.step(1)),
      this.place,
      this.keep,
      this.original,
      iconButton("close", say("close"), close),
    );
  }

  /** Shows the picture this many places away, wrapping around. */
  step(by) {
    const count = this.items.length;
    this.at = (this.at + by + count) % count;
    const { url, alt } = this.items[this.at];
    this.image.src = url;
    this.image.alt = alt || say("media.no_alt");
    this.caption.textContent = this.image.alt;
    this.keep.href = url;
    this.keep.download = fileName(url);
    this.original.href = url;
    this.place.textContent = count > 1 ? `${this.at + 1} / ${count}` : "";
  }
}

function fileName(url) {
  const name = new URL(url, window.location.href).pathname.split("/").at(-1) || "picture";
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
