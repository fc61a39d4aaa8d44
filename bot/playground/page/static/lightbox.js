/** A picture alone and large, with its alt text, a way to keep it, and its neighbours. */

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { say } from "./words.js";

/** @param {HTMLElement} figure of a message, as media.js builds it */
export function openPicture(figure) {
  const around = [...(figure.closest(".gallery")?.querySelectorAll(".picture") ?? [figure])];
  // Films play where they are, and what is covered stays covered.
  const figures = around.filter(
    (one) => one.querySelector(".enlarge") && !one.querySelector("[inert]"),
  );
  let at = Math.max(0, figures.indexOf(figure));
  const items = figures.map((one) => ({ url: one.dataset.url, alt: one.dataset.alt ?? "" }));

  const image = h("img", { alt: "" });
  const caption = h("p", { class: "lightbox-alt", id: "lightbox-alt", tabindex: "0" });
  const keep = h("a", { class: "bot-button secondary" }, icon("download"), say("media.download"));
  const original = h(
    "a",
    { class: "bot-button secondary", target: "_blank", rel: "noopener" },
    icon("open"),
    say("media.original"),
  );
  const place = h("span", { class: "muted", role: "status" });
  const show = (index) => {
    at = (index + items.length) % items.length;
    const { url, alt } = items[at];
    image.src = url;
    image.alt = alt || say("media.no_alt");
    caption.textContent = alt || say("media.no_alt");
    keep.href = url;
    keep.download = fileName(url);
    original.href = url;
    place.textContent = items.length > 1 ? `${at + 1} / ${items.length}` : "";
  };
  const step = (name, label, by) =>
    items.length > 1 &&
    h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": label,
        on: { click: () => show(at + by) },
      },
      icon(name),
    );

  const dialog = h(
    "dialog",
    { class: "lightbox", "aria-label": say("media.dialog"), "aria-describedby": "lightbox-alt" },
    h(
      "div",
      { class: "lightbox-bar" },
      step("left", say("media.previous"), -1),
      step("right", say("media.next"), 1),
      place,
      keep,
      original,
      h(
        "button",
        {
          type: "button",
          class: "icon-button",
          "aria-label": say("close"),
          on: { click: () => dialog.close() },
        },
        icon("close"),
      ),
    ),
    h(
      "div",
      {
        class: "lightbox-stage",
        on: { click: ({ target }) => target !== image && dialog.close() },
      },
      image,
    ),
    caption,
  );
  dialog.addEventListener("keydown", ({ key }) => {
    if (key === "ArrowLeft") show(at - 1);
    if (key === "ArrowRight") show(at + 1);
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  show(at);
  dialog.showModal();
}

function fileName(url) {
  const name = new URL(url, window.location.href).pathname.split("/").at(-1) || "picture";
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
