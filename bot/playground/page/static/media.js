/** Images, videos and files: single, in galleries, and behind spoilers. */

import { fragment, h } from "./dom.js";
import { icon } from "./icons.js";
import { isImage } from "./lookups.js";
import { fileSize } from "./time.js";
import { say } from "./words.js";

const WIDEST = 480;
const HIGHEST = 420;

/**
 * @typedef {{url: string, alt: string, width?: number|null, height?: number|null,
 *   spoiler?: boolean, contentType?: string}} Media
 */

/**
 * Returns the address, with local ones rewritten to the page's own origin, the only one that the
 * page's policy allows. Only http(s) addresses are returned.
 */
export function mediaUrl(address) {
  try {
    const url = new URL(address, window.location.href);
    const loopback = ["127.0.0.1", "localhost", "[::1]"];
    if (loopback.includes(url.hostname) && url.port === window.location.port) {
      return window.location.origin + url.pathname + url.search;
    }
    return ["http:", "https:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** One to ten pictures as one grid. @param {Media[]} items */
export function gallery(items) {
  const single = items.length === 1;
  return h(
    "div",
    { class: single ? "gallery single" : "gallery", data: { count: Math.min(items.length, 10) } },
    items.map((item) => picture(item, single)),
  );
}

/**
 * A picture that opens enlarged when pressed. Its key is its address: as long as that stays, an edit
 * of the message keeps the element and nothing is loaded again.
 *
 * @param {Media} item @param {boolean} fitted shown with its own aspect ratio
 */
export function picture(item, fitted) {
  const url = mediaUrl(item.url);
  if (!url) return h("p", { class: "missing" }, say("media.unsafe"));
  const film = /^video\//.test(item.contentType ?? "");
  const seen = film ? video(url, item) : image(url, item, fitted);
  return h(
    "figure",
    {
      class: item.spoiler ? "picture covered" : "picture",
      data: { key: url, spoiler: item.spoiler ? url : null, alt: item.alt, url },
    },
    item.spoiler ? h("div", { class: "under", inert: true }, seen) : seen,
    item.spoiler && cover(),
  );
}

/** The cover of a spoiler until it is pressed. */
export function cover() {
  const name = say("spoiler.show");
  const data = { act: "reveal" };
  return h("button", { type: "button", class: "cover", "aria-label": name, data }, say("spoiler"));
}

function image(url, item, fitted) {
  const { width, height } = fitted ? scaled(item.width, item.height) : item;
  const style = fitted && width ? { width: `${width}px` } : {};
  const alt = item.alt || say("media.no_alt");
  return fragment(
    h("img", { src: url, alt, width, height, style, decoding: "async", draggable: "false" }),
    h("button", {
      type: "button",
      class: "enlarge",
      "aria-haspopup": "dialog",
      "aria-label": say("media.enlarge", { alt }),
      data: { act: "enlarge" },
    }),
  );
}

function video(url, item) {
  return h("video", {
    src: url,
    controls: true,
    preload: "metadata",
    "aria-label": item.alt || null,
  });
}

// Its size is reserved before it is loaded, so nothing jumps.
function scaled(width, height) {
  if (!width || !height) return {};
  const factor = Math.min(1, WIDEST / width, HIGHEST / height);
  return { width: Math.round(width * factor), height: Math.round(height * factor) };
}

/** The attachments of a message that no component shows: images as images, others as files. */
export function attachments(list) {
  const seen = list.filter((file) => isImage(file.content_type));
  const others = list.filter((file) => !isImage(file.content_type));
  const items = seen.map((file) => ({
    url: file.url,
    alt: file.description ?? "",
    width: file.width,
    height: file.height,
    spoiler: hidden(file),
  }));
  return fragment(items.length > 0 && gallery(items), others.map(fileCard));
}

function hidden(file) {
  return file.filename.startsWith("SPOILER_") || ((file.flags ?? 0) & 8) !== 0;
}

/** A file with its name and size. */
export function fileCard(file) {
  const url = mediaUrl(file.url);
  return h(
    "div",
    { class: "file", data: { key: file.url } },
    icon("file"),
    h(
      "div",
      {},
      h("a", { href: url, download: file.filename, rel: "noopener" }, file.filename),
      file.size ? h("span", { class: "muted" }, fileSize(file.size)) : null,
      file.description ? h("span", { class: "muted" }, file.description) : null,
    ),
  );
}
