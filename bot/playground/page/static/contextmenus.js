/** Context menus of messages and members: the page's own actions and the bot's commands. */

import { Refusal, act } from "./actions.js";
import { announce, notice } from "./announce.js";
import { contextCommands } from "./commands.js";
import { moderates, nameOf, plainMessage } from "./lookups.js";
import { openMenu } from "./menu.js";
import { FLAG, findChannel, removeMessage, state } from "./state.js";
import { locale, say } from "./words.js";

const USER_COMMAND = 2;
const MESSAGE_COMMAND = 3;

const dismissed = new Set();

/**
 * @param {import("./types.js").Message} message
 * @param {Parameters<typeof openMenu>[0]} anchor
 * @param {{reply: (message: import("./types.js").Message) => void}} can
 */
export function openMessageMenu(message, anchor, can) {
  const ephemeral = ((message.flags ?? 0) & FLAG.EPHEMERAL) !== 0;
  const entries = [];
  if (!ephemeral && findChannel(message.channel_id)?.channel.can_send !== false) {
    entries.push({ label: say("menu.reply"), pick: () => can.reply(message) });
  }
  entries.push({ label: say("menu.copy_text"), pick: () => copy(plainMessage(message)) });
  if (!message.local) entries.push({ label: say("menu.copy_id"), pick: () => copy(message.id) });
  if (!ephemeral) entries.push(...apps(MESSAGE_COMMAND, message.id));
  if (ephemeral) {
    entries.push({ label: say("dismiss"), pick: () => dismiss(message) });
  } else if (message.author.id === state.viewer || moderates()) {
    entries.push({ label: say("menu.delete"), danger: true, pick: () => remove(message) });
  }
  openMenu(anchor, say("menu.message"), entries);
}

/**
 * @param {import("./types.js").User} user
 * @param {Parameters<typeof openMenu>[0]} anchor
 * @param {{mention: (user: import("./types.js").User) => void}} can
 */
export function openMemberMenu(user, anchor, can) {
  openMenu(anchor, say("menu.member", { name: nameOf(user) }), [
    { label: say("menu.mention"), pick: () => can.mention(user) },
    { label: say("menu.copy_id"), pick: () => copy(user.id) },
    ...apps(USER_COMMAND, user.id),
  ]);
}

/** Hides an ephemeral message; nobody else has ever seen it. */
export function dismiss(message) {
  dismissed.add(message.id);
  removeMessage(message.channel_id, message.id);
}

/** A dismissed message stays hidden, even if the server sends it again. */
export function isDismissed(id) {
  return dismissed.has(id);
}

function apps(type, targetId) {
  const items = contextCommands(state.commands, type, locale()).map(({ command, name }) => ({
    label: name,
    pick: () =>
      attempt("context", {
        channel_id: state.channelId,
        command_id: command.id,
        target_id: targetId,
      }),
  }));
  return items.length > 0 ? [{ title: say("menu.apps"), items }] : [];
}

function remove(message) {
  return attempt("delete", { channel_id: message.channel_id, message_id: message.id });
}

async function attempt(kind, body) {
  try {
    await act(kind, body);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    notice(error.message);
  }
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    announce(say("copied"));
  } catch {
    notice(say("copy.failed"));
  }
}
