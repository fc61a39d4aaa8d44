/** Classic embeds, with all their parts. */

import { h } from "./dom.js";
import { safeUrl } from "./inline.js";
import { colour } from "./lookups.js";
import { mediaUrl, picture } from "./media.js";
import { line, prose } from "./prose.js";
import { messageTime } from "./time.js";
import { say } from "./words.js";

/** @param {any} embed as Discord's API describes it */
export function embedView(embed) {
  const border = embed.color == null ? null : { "border-inline-start-color": colour(embed.color) };
  return h(
    "section",
    { class: "embed", style: border ?? {}, "aria-label": say("embed") },
    h(
      "div",
      { class: "embed-words" },
      embed.provider?.name && h("p", { class: "muted small" }, embed.provider.name),
      embed.author &&
        nameLine(
          "embed-author",
          embed.author.icon_url,
          linked(embed.author.name, embed.author.url),
        ),
      embed.title && h("p", { class: "embed-title" }, linked(embed.title, embed.url)),
      embed.description && h("div", { class: "prose" }, prose(embed.description)),
      embed.fields?.length > 0 && h("dl", { class: "embed-fields" }, embed.fields.map(field)),
    ),
    embed.thumbnail && h("div", { class: "embed-thumbnail" }, shown(embed.thumbnail, embed)),
    embed.image && h("div", { class: "embed-image" }, shown(embed.image, embed)),
    embed.video?.url && !embed.image && h("p", {}, linked(say("embed.video"), embed.video.url)),
    footer(embed),
  );
}

function field({ name, value, inline }) {
  return h(
    "div",
    { class: inline ? "inline" : null },
    h("dt", {}, line(name)),
    h("dd", { class: "prose" }, prose(value)),
  );
}

function footer(embed) {
  if (!embed.footer && !embed.timestamp) return null;
  const ms = embed.timestamp ? Date.parse(embed.timestamp) : NaN;
  const when = Number.isNaN(ms) ? "" : messageTime(ms);
  const text = [embed.footer?.text, when].filter(Boolean).join(" • ");
  return nameLine("embed-footer", embed.footer?.icon_url, text);
}

function nameLine(name, iconUrl, words) {
  const address = iconUrl ? mediaUrl(iconUrl) : null;
  return h(
    "p",
    { class: name },
    address && h("img", { src: address, alt: "", class: "tiny" }),
    words,
  );
}

function shown(media, embed) {
  return picture({ ...media, alt: media.description ?? embed.title ?? "" }, true);
}

function linked(text, address) {
  const url = address ? safeUrl(address) : null;
  const words = line(text);
  return url
    ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, words)
    : words;
}
