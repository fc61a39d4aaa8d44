/** Pure: the bot's commands as users search them, by name in their language. */

const CHAT_INPUT = 1;
const SUBCOMMAND = 1;
const GROUP = 2;

/** @typedef {import("./types.js").Entry} Entry */

/** @returns {string} the name or description of a command, option or choice in this language */
export function localised(thing, field, locale) {
  return thing[`${field}_localizations`]?.[locale] || thing[field] || "";
}

/**
 * Every command that can be typed, with an entry for each subcommand, by name.
 *
 * @param {import("./types.js").Command[]} commands
 * @returns {Entry[]}
 */
export function entries(commands, locale) {
  const found = commands
    .filter((command) => (command.type ?? CHAT_INPUT) === CHAT_INPUT)
    .flatMap((command) => leaves(command, command, [], locale));
  return found.sort((one, other) => commandLine(one).localeCompare(commandLine(other)));
}

function leaves(command, node, above, locale) {
  const nodes = [...above, node];
  const inner = (node.options ?? []).filter(({ type }) => type === SUBCOMMAND || type === GROUP);
  // A command may have the same type number as a subcommand, so only its options tell.
  if (inner.length > 0) return inner.flatMap((child) => leaves(command, child, nodes, locale));
  return [
    {
      command,
      path: nodes.slice(1).map((part) => part.name),
      words: nodes.map((part) => localised(part, "name", locale)),
      rawWords: nodes.map((part) => part.name),
      description: localised(node, "description", locale),
      options: node.options ?? [],
    },
  ];
}

/** "/admin quota set" @param {Entry} entry */
export function commandLine(entry) {
  return `/${entry.words.join(" ")}`;
}

/** The entries that match the typed letters, best match first. @param {Entry[]} all */
export function matching(all, typed) {
  const query = typed.toLowerCase().trim().replace(/\s+/g, " ");
  const rank = (entry) => {
    const names = [entry.words.join(" "), entry.rawWords.join(" ")].map((name) =>
      name.toLowerCase(),
    );
    if (names.some((name) => name.startsWith(query))) return 0;
    if (names.some((name) => name.split(" ").some((word) => word.startsWith(query)))) return 1;
    if (names.some((name) => name.includes(query))) return 2;
    return entry.description.toLowerCase().includes(query) ? 3 : -1;
  };
  return all
    .map((entry) => ({ entry, rank: rank(entry) }))
    .filter((found) => found.rank >= 0)
    .sort((one, other) => one.rank - other.rank)
    .map((found) => found.entry);
}

/** The context menu commands of users (type 2) or messages (type 3). */
export function contextCommands(commands, type, locale) {
  return commands
    .filter((command) => command.type === type)
    .map((command) => ({ command, name: localised(command, "name", locale) }));
}

/**
 * The entry with this name in any language, as in </admin quota set:…> and </历史:…>, or null.
 *
 * A mention has the name in the language of its message, which need not be that of its reader.
 */
export function namedEntry(all, name) {
  const wanted = name.toLowerCase();
  const named = (entry) => entry.rawWords.join(" ").toLowerCase() === wanted;
  const translated = ({ command, path }) =>
    path.length === 0 && Object.values(command.name_localizations ?? {}).includes(wanted);
  return all.find(named) ?? all.find(translated) ?? null;
}
