/** What a request of the bot does, in words; Discord's names of it stay beside them. */

import { nameOf, user } from "./lookups.js";
import { findChannel } from "./state.js";
import { say } from "./words.js";

const CHANNEL = String.raw`/channels/(?<channel>\d+)`;
const HOOK = String.raw`/webhooks/\d+/[^/]+`;
const COMMANDS = String.raw`/applications/\d+(?:/guilds/\d+)?/commands`;

// The first that fits. The names of groups are those of the values that a text may use.
const WORDS = [
  ["POST", `/interactions/\\d+/[^/]+/callback`, "did.answer"],
  ["POST", HOOK, "did.follow_up"],
  ["GET", `${HOOK}/messages/[^/]+`, "did.read_answer"],
  ["PATCH", `${HOOK}/messages/[^/]+`, "did.edit_answer"],
  ["DELETE", `${HOOK}/messages/[^/]+`, "did.delete_answer"],
  ["GET", `${CHANNEL}/messages`, "did.read_messages"],
  ["POST", `${CHANNEL}/messages`, "did.post"],
  ["GET", `${CHANNEL}/messages/\\d+`, "did.read_message"],
  ["PATCH", `${CHANNEL}/messages/\\d+`, "did.edit"],
  ["DELETE", `${CHANNEL}/messages/\\d+`, "did.delete"],
  ["POST", `${CHANNEL}/messages/\\d+/threads`, "did.thread"],
  ["POST", `${CHANNEL}/typing`, "did.typing"],
  ["GET", `${CHANNEL}/thread-members/(?<person>\\d+)`, "did.read_person"],
  ["GET", CHANNEL, "did.read_channel"],
  ["PATCH", CHANNEL, "did.change_channel"],
  ["POST", "/users/@me/channels", "did.direct"],
  ["GET", "/users/@me", "did.read_self"],
  ["GET", "/users/@me/guilds", "did.read_servers"],
  ["GET", "/users/(?<person>\\d+)", "did.read_person"],
  ["GET", "/guilds/\\d+/members/(?<person>\\d+)", "did.read_person"],
  ["GET", "/guilds/\\d+(?:/channels|/roles)?", "did.read_server"],
  ["GET", "/(?:oauth2/)?applications/@me", "did.read_application"],
  ["GET", "/gateway(?:/bot)?", "did.find_gateway"],
  ["GET", `${COMMANDS}(?:/\\d+)?`, "did.read_commands"],
  ["PUT", COMMANDS, "did.register"],
  ["POST", COMMANDS, "did.register"],
  ["PATCH", `${COMMANDS}/\\d+`, "did.change_command"],
  ["DELETE", `${COMMANDS}/\\d+`, "did.remove_command"],
  ["GATEWAY", "IDENTIFY", "did.identify"],
  ["GATEWAY", "RESUME", "did.resume"],
  ["GATEWAY", "REQUEST_GUILD_MEMBERS", "did.read_members"],
  ["GATEWAY", "close (?<code>\\d+)", "did.closed"],
  ["GATEWAY", "INTERACTION .*", "did.late"],
].map(([method, path, key]) => ({ method, pattern: new RegExp(`^${path}$`), key }));

/** @param {import("./types.js").RequestRow} row @returns {string} */
export function requestInWords(row) {
  for (const { method, pattern, key } of WORDS) {
    const found = method === row.method && pattern.exec(row.path);
    if (found) return say(key, values(found.groups ?? {}, row));
  }
  return say("did.something");
}

function values({ channel, person, code }, row) {
  return {
    channel: channel && placeInWords(findChannel(channel)?.channel),
    person: person && nameOf(user(person)),
    code,
    command: row.about ? `/${row.about}` : say("did.component"),
  };
}

function placeInWords(channel) {
  if (!channel) return say("did.hidden_channel");
  return channel.type === 1 ? say("did.private_channel") : `#${channel.name}`;
}
