/** Handles the use of a message's components. */

import { Refusal, act } from "./actions.js";
import { announce } from "./announce.js";
import { markPressed, noteAt, state } from "./state.js";
import { say } from "./words.js";

/**
 * Sends a press to the bot. A second press before the response is ignored.
 *
 * @param {import("./types.js").Message} message
 * @param {import("./types.js").Component} component
 * @param {string[]} [values] of a select
 */
export async function use(message, component, values) {
  const { id, channel_id: channelId } = message;
  const key = `${id}/${component.custom_id}`;
  if (state.pressed.has(key)) return;
  if (values) state.chosen.set(key, values);
  markPressed(channelId, id, component.custom_id, true);
  try {
    await act("component", {
      channel_id: channelId,
      message_id: id,
      custom_id: component.custom_id,
      component_type: component.type,
      ...(values && { values }),
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    markPressed(channelId, id, component.custom_id, false);
    noteAt(channelId, id, error.message);
  }
}

/** The sentence for a note stored with a message. */
export function noteText(note) {
  return note === "failed" ? say("interaction.failed") : note;
}

/** The component with this id anywhere in the message, or null. */
export function findComponent(list, customId) {
  for (const component of list ?? []) {
    if (component.custom_id === customId) return component;
    const inner = [...(component.components ?? []), component.accessory].filter(Boolean);
    const found = findComponent(inner, customId);
    if (found) return found;
  }
  return null;
}

/** Announces that a press failed, for those who do not see the note. */
export function announceFailure(interaction) {
  if (interaction.state !== "failed" || interaction.user_id !== state.viewer) return;
  announce(
    interaction.kind === "component" ? say("interaction.failed") : say("interaction.silent"),
  );
}
