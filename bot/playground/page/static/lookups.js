/** Finds the names behind ids, as the viewer sees them. */

import { plainText } from "./markdown.js";
import { findChannel, messagesOf, state } from "./state.js";
import { stamp } from "./time.js";
import { say } from "./words.js";

/** The server that is open. */
export function guild() {
  return state.guilds.find((candidate) => candidate.id === state.guildId) ?? null;
}

/** @returns {import("./types.js").Member|null} on the open server */
export function member(userId) {
  return guild()?.members.find((candidate) => candidate.user.id === userId) ?? null;
}

/** A user by id: a member, a viewer, the bot, or anyone a message mentions. */
export function user(userId) {
  const known =
    member(userId)?.user ??
    state.people.find((person) => person.user.id === userId)?.user ??
    (state.bot.user?.id === userId ? state.bot.user : null);
  if (known) return known;
  for (const message of messagesOf(state.channelId)) {
    if (message.author.id === userId) return message.author;
    const mentioned = message.mentions?.find((candidate) => candidate.id === userId);
    if (mentioned) return mentioned;
  }
  return null;
}

/** The user's display name here. @param {import("./types.js").User|null} someone */
export function nameOf(someone) {
  if (!someone) return say("unknown.user");
  return member(someone.id)?.nick || someone.global_name || someone.username;
}

/** @returns {import("./types.js").Role|null} */
export function role(roleId) {
  return guild()?.roles.find((candidate) => candidate.id === roleId) ?? null;
}

/** The colour of a member's highest coloured role as CSS, or null. */
export function roleColour(userId) {
  const worn = (member(userId)?.roles ?? []).map(role).filter((found) => found?.color);
  const highest = worn.sort((one, other) => other.position - one.position)[0];
  return highest ? colour(highest.color) : null;
}

/** @param {number} value 0xRRGGBB */
export function colour(value) {
  return `#${(value >>> 0).toString(16).padStart(6, "0").slice(-6)}`;
}

/** The name of a channel, or null for one the viewer cannot see. */
export function channelName(channelId) {
  return findChannel(channelId)?.channel.name ?? null;
}

/** Whether the viewer may delete other users' messages. */
export function moderates() {
  return ["moderator", "admin"].includes(levelOf(state.viewer));
}

/** @returns {string} member, moderator, admin or bot */
export function levelOf(userId) {
  const person = state.people.find((candidate) => candidate.user.id === userId);
  return member(userId)?.level ?? person?.level ?? "member";
}

/** A message's text as one plain line, for screen readers and references. */
export function plainMessage(message) {
  const texts = [message.content, ...embedTexts(message), ...componentTexts(message.components)];
  const plain = texts.filter(Boolean).map((text) => plainText(text, nameInText));
  return plain.join(" ").replace(/\s+/g, " ").trim();
}

/** The number of pictures in a message. */
export function pictureCount(message) {
  const inComponents = (list = []) =>
    list.reduce((sum, part) => sum + (part.items?.length ?? 0) + inComponents(part.components), 0);
  const attached = (message.attachments ?? []).filter((file) => isImage(file.content_type));
  const v2 = ((message.flags ?? 0) & 32768) !== 0;
  return inComponents(message.components) + (v2 ? 0 : attached.length);
}

/** @param {string|undefined} contentType */
export function isImage(contentType) {
  return /^image\//.test(contentType ?? "");
}

function embedTexts(message) {
  return (message.embeds ?? []).flatMap((embed) => [
    embed.title,
    embed.description,
    ...(embed.fields ?? []).flatMap((field) => [field.name, field.value]),
  ]);
}

function componentTexts(components = []) {
  return components.flatMap((part) =>
    part.type === 10 ? [part.content] : componentTexts(part.components),
  );
}

/** A mention, time or emoji as plain text. @param {import("./inline.js").Inline} node */
export function nameInText(node) {
  switch (node.kind) {
    case "user":
      return `@${nameOf(user(node.id))}`;
    case "role":
      // The role @everyone has the @ in its name.
      return `@${(role(node.id)?.name ?? say("unknown.role")).replace(/^@/, "")}`;
    case "channel":
      return `#${channelName(node.id) ?? say("unknown.channel")}`;
    case "command":
      return `/${node.name}`;
    case "time":
      return stamp(node.seconds * 1000, node.style);
    default:
      return `:${node.name}:`;
  }
}
