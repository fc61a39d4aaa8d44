/** Users, roles and channels as choices. */

import { guild, levelOf, nameOf } from "./lookups.js";
import { say } from "./words.js";

/** The kinds of entities for an option or select of this type (Discord's numbers differ). */
export const OPTION_KINDS = { 6: ["user"], 7: ["channel"], 8: ["role"], 9: ["user", "role"] };
export const SELECT_KINDS = { 5: ["user"], 6: ["role"], 7: ["user", "role"], 8: ["channel"] };

/**
 * @param {string[]} kinds @param {number[]} [channelTypes] only these types of channel
 * @returns {{value: string, name: string, hint: string, kind: string}[]}
 */
export function entities(kinds, channelTypes) {
  const here = guild();
  if (!here) return [];
  const found = [];
  if (kinds.includes("user")) {
    for (const { user } of here.members) {
      found.push({
        value: user.id,
        name: nameOf(user),
        hint: say(`level.${levelOf(user.id)}`),
        kind: "user",
      });
    }
  }
  if (kinds.includes("role")) {
    for (const role of here.roles) {
      found.push({
        value: role.id,
        name: `@${role.name.replace(/^@/, "")}`,
        hint: say("role"),
        kind: "role",
      });
    }
  }
  if (kinds.includes("channel")) {
    const fits = (channel) => (channelTypes?.length ? channelTypes.includes(channel.type) : true);
    for (const channel of here.channels.filter(fits)) {
      found.push({ value: channel.id, name: `#${channel.name}`, hint: "", kind: "channel" });
    }
  }
  return found;
}

/** The entities that match a text by name, mention or id; all of them for an empty text. */
export function matchingEntities(list, text) {
  const typed = text.trim().toLowerCase();
  if (!typed) return list;
  const id = /^<?[@#]?[!&]?(\d{5,})>?$/.exec(typed)?.[1];
  if (id) return list.filter((entity) => entity.value === id);
  const bare = typed.replace(/^[@#]/, "");
  const name = (entity) => entity.name.toLowerCase().replace(/^[@#]/, "");
  const found = list.filter((entity) => name(entity).includes(bare));
  return found.sort((one, other) => name(one).indexOf(bare) - name(other).indexOf(bare));
}

/** The entity that a text names exactly, or null. */
export function namedEntity(list, text) {
  const bare = text.trim().toLowerCase().replace(/^[@#]/, "");
  const found = matchingEntities(list, text);
  const exact = found.filter((entity) => entity.name.toLowerCase().replace(/^[@#]/, "") === bare);
  if (exact.length === 1) return exact[0];
  return /\d{5,}/.test(text) && found.length === 1 ? found[0] : null;
}
