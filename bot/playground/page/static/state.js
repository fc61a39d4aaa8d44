/**
 * The state of the page, and the only place where it changes: frames from the server go through
 * `receive`, and views listen to their topic. Nothing here touches the document.
 *
 * Topics: state (everything is new), messages, channels, channel (another one is open), people,
 * commands, bot, interaction, modal, requests, faults, vitals, connection, words.
 */

const REQUESTS_KEPT = 300;
const MESSAGES_KEPT = 1000;
const VITALS_KEPT = 300;
const SETTLED_KEPT = 100;

export const FLAG = { EPHEMERAL: 64, LOADING: 128, V2: 32768, SUPPRESS_EMBEDS: 4 };

const listeners = new Map();

function empty() {
  return {
    ready: false,
    viewer: null,
    people: [],
    bot: { user: null, state: "starting", detail: "" },
    guilds: [],
    commands: [],
    known: {}, // what a model with few words knows, by language
    /** @type {Record<string, string[]>|null} by language */ examples: null,
    /** @type {Map<string, import("./types.js").Message[]>} */ messages: new Map(),
    /** @type {import("./types.js").RequestRow[]} */ requests: [],
    faults: [],
    vitals: [],
    guildId: null,
    channelId: null,
    unread: new Map(), // channel id → how many messages
    pressed: new Map(), // "message id/custom id" → true, until the bot responds
    notes: new Map(), // message id → what went wrong with its last component
    chosen: new Map(), // "message id/custom id" → values, until the bot changes the message
    settled: new Map(), // interaction id → its last state
  };
}

export const state = { ...empty(), connection: { status: "connecting", retryAt: 0 } };

/** @param {string} topic @param {(detail: any) => void} listener @returns {() => void} stops it */
export function on(topic, listener) {
  if (!listeners.has(topic)) listeners.set(topic, new Set());
  listeners.get(topic).add(listener);
  return () => listeners.get(topic).delete(listener);
}

/** Notifies the listeners of `topic`. An error in one listener does not affect the others. */
export function emit(topic, detail) {
  for (const listener of [...(listeners.get(topic) ?? [])]) {
    try {
      listener(detail);
    } catch (error) {
      console.error(error);
    }
  }
}

/** Handles one frame from the socket. An unknown type comes from a newer server and is ignored. */
export function receive(frame) {
  RECEIVERS[frame.type]?.(frame);
}

const RECEIVERS = {
  state: takeAll,
  message_create: ({ message }) => put(message, true),
  message_update: ({ message }) => put(message, false),
  message_delete: ({ channel_id, id }) => removeMessage(channel_id, id),
  channel_update: takeChannel,
  commands: ({ commands }) => set("commands", commands),
  bot: ({ bot }) => set("bot", bot),
  interaction: ({ interaction }) => takeInteraction(interaction),
  modal: (frame) => emit("modal", frame),
  request: ({ request }) => {
    state.requests.push(request);
    if (state.requests.length > REQUESTS_KEPT) state.requests.shift();
    emit("requests");
  },
  faults: ({ faults }) => set("faults", faults),
  vitals: ({ vitals }) => {
    state.vitals.push(vitals);
    if (state.vitals.length > VITALS_KEPT) state.vitals.shift();
    emit("vitals");
  },
};

function set(topic, value) {
  state[topic] = value;
  emit(topic);
}

function takeAll(frame) {
  const before = state.channelId;
  const vitals = state.vitals;
  Object.assign(state, empty(), {
    ready: true,
    viewer: frame.viewer,
    people: frame.people,
    bot: frame.bot,
    guilds: frame.guilds,
    commands: frame.commands,
    known: frame.known ?? {},
    examples: frame.examples ?? null,
    messages: new Map(Object.entries(frame.messages)),
    requests: [...frame.requests],
    faults: frame.faults,
    vitals: [...vitals, ...(frame.vitals?.at_ms ? [frame.vitals] : [])].slice(-VITALS_KEPT),
  });
  open(before && findChannel(before) ? before : firstChannel());
  emit("state");
  for (const interaction of frame.interactions ?? []) takeInteraction(interaction);
}

function firstChannel() {
  const rank = (channel) => (channel.can_send === false ? 1e6 : 0) + (channel.position ?? 0);
  const texts = (state.guilds[0]?.channels ?? []).filter((channel) => channel.type === 0);
  return texts.sort((one, other) => rank(one) - rank(other))[0]?.id ?? null;
}

/**
 * @typedef {import("./types.js").Channel} Channel
 * @typedef {import("./types.js").Guild} Guild
 * @param {string} id
 * @returns {{channel: Channel, guild: Guild}|null}
 */
export function findChannel(id) {
  for (const guild of state.guilds) {
    const channel = guild.channels.find((candidate) => candidate.id === id);
    if (channel) return { channel, guild };
  }
  return null;
}

function open(channelId) {
  state.channelId = channelId;
  state.guildId = findChannel(channelId)?.guild.id ?? state.guilds[0]?.id ?? null;
  state.unread.delete(channelId);
}

/** Opens a channel the viewer can see; anything else is ignored. */
export function openChannel(channelId) {
  if (channelId === state.channelId || !findChannel(channelId)) return;
  open(channelId);
  emit("channel");
}

/** The messages of a channel, oldest first, including the page's own lines. */
export function messagesOf(channelId) {
  return state.messages.get(channelId) ?? [];
}

/** @returns {import("./types.js").Message|undefined} */
export function findMessage(channelId, id) {
  return messagesOf(channelId).find((message) => message.id === id);
}

function put(message, isNew) {
  const list = messagesOf(message.channel_id);
  const at = list.findIndex((known) => known.id === message.id);
  const previous = list[at];
  if (at >= 0) list[at] = message;
  else list.push(message);
  if (list.length > MESSAGES_KEPT) list.shift();
  state.messages.set(message.channel_id, list);
  forgetChosen(message.id);
  const answered = message.interaction_metadata?.id;
  if (answered) dropLine(message.channel_id, answered);
  if (isNew && at < 0 && message.channel_id !== state.channelId) {
    state.unread.set(message.channel_id, (state.unread.get(message.channel_id) ?? 0) + 1);
    emit("channels");
  }
  emit("messages", { channelId: message.channel_id, message, previous: previous ?? null, isNew });
}

/** Removes a message because it was deleted or dismissed. */
export function removeMessage(channelId, id) {
  const list = messagesOf(channelId);
  const kept = list.filter((message) => message.id !== id);
  if (kept.length === list.length) return;
  state.messages.set(channelId, kept);
  state.notes.delete(id);
  emit("messages", { channelId, message: null, previous: null, isNew: false });
}

function takeChannel({ guild_id, channel }) {
  const guild = state.guilds.find((candidate) => candidate.id === guild_id);
  if (!guild) return;
  const at = guild.channels.findIndex((known) => known.id === channel.id);
  if (at >= 0) guild.channels[at] = channel;
  else guild.channels.push(channel);
  emit("channels");
}

function forgetChosen(messageId) {
  for (const key of state.chosen.keys()) {
    if (key.startsWith(`${messageId}/`)) state.chosen.delete(key);
  }
}

/** Marks a component as pressed until the bot responds. */
export function markPressed(channelId, messageId, customId, pressed) {
  const key = `${messageId}/${customId}`;
  if (pressed) {
    state.pressed.set(key, true);
    state.notes.delete(messageId);
  } else {
    state.pressed.delete(key);
  }
  emit("messages", { channelId, message: null, previous: null, isNew: false });
}

/** Attaches an error to a message. */
export function noteAt(channelId, messageId, sentence) {
  state.notes.set(messageId, sentence);
  emit("messages", { channelId, message: null, previous: null, isNew: false });
}

function takeInteraction(interaction) {
  const { id, channel_id: channelId, message_id: messageId, custom_id: customId } = interaction;
  const open = interaction.state === "sent";
  if (!open) {
    state.settled.set(id, interaction);
    if (state.settled.size > SETTLED_KEPT) state.settled.delete(state.settled.keys().next().value);
  }
  if (interaction.kind === "component" && messageId) {
    markPressed(channelId, messageId, customId, open);
    if (interaction.state === "failed") noteAt(channelId, messageId, "failed");
  } else if (interaction.kind === "command" || interaction.kind === "context") {
    showLine(interaction);
  }
  emit("interaction", interaction);
}

// Lines that Discord's client adds: a command is being sent, or got no response.
function showLine(interaction) {
  const channelId = interaction.channel_id;
  const answered = messagesOf(channelId).some(
    (message) => !message.local && message.interaction_metadata?.id === interaction.id,
  );
  const pending = interaction.state === "sent";
  if (answered || !(pending || interaction.state === "failed")) {
    dropLine(channelId, interaction.id);
    return;
  }
  put(
    {
      id: `line-${interaction.id}`,
      local: pending ? "pending" : "failed",
      channel_id: channelId,
      author: state.bot.user ?? { id: "0", username: "zimagine", bot: true },
      content: interaction.message,
      timestamp: new Date().toISOString(),
      flags: FLAG.EPHEMERAL,
      type: interaction.kind === "context" ? 23 : 20,
      line_user: interaction.user_id,
      line_name: interaction.name,
    },
    true,
  );
}

function dropLine(channelId, interactionId) {
  removeMessage(channelId, `line-${interactionId}`);
}

/**
 * Resolves with the interaction once the bot has responded or failed to; with null if the connection
 * was lost in between, so that nobody waits forever.
 */
export function settledInteraction(id) {
  const known = state.settled.get(id);
  if (known) return Promise.resolve(known);
  return new Promise((resolve) => {
    const stops = [
      on("state", () => finish(null)),
      on("interaction", (interaction) => {
        if (interaction.id === id && interaction.state !== "sent") finish(interaction);
      }),
    ];
    function finish(outcome) {
      for (const stop of stops) stop();
      resolve(outcome);
    }
  });
}

/** @param {{status: "connecting"|"open"|"waiting", retryAt?: number}} connection */
export function setConnection(connection) {
  state.connection = { retryAt: 0, ...connection };
  emit("connection");
}
