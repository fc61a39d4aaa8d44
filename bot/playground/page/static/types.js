/**
 * Types shared by the modules, for readers and editors; nothing here runs.
 *
 * Data from Discord's API keeps Discord's names and structure. Snowflakes are strings.
 *
 * @typedef {{id: string, username: string, global_name?: string|null, bot?: boolean,
 *   accent_color?: number|null}} User
 * @typedef {{user: User, nick?: string|null, roles: string[],
 *   level: "member"|"moderator"|"admin"|"bot"}} Member
 * @typedef {{id: string, type: number, name: string, topic?: string|null, parent_id?: string|null,
 *   position?: number, can_send?: boolean, archived?: boolean}} Channel
 * @typedef {{id: string, name: string, color: number, position: number}} Role
 * @typedef {{id: string, name: string, roles: Role[], members: Member[], channels: Channel[]}} Guild
 *
 * @typedef {Object} Message
 * @property {string} id
 * @property {string} channel_id
 * @property {User} author
 * @property {string} content
 * @property {string} timestamp
 * @property {string|null} [edited_timestamp]
 * @property {number} [flags]
 * @property {number} [type]
 * @property {Attachment[]} [attachments]
 * @property {any[]} [embeds]
 * @property {Component[]} [components]
 * @property {User[]} [mentions]
 * @property {Message|null} [referenced_message]
 * @property {{id: string, type: number, user: User, name?: string}|null} [interaction_metadata]
 * @property {"pending"|"failed"} [local] a line that only this page has
 *
 * @typedef {{id: string, filename: string, description?: string|null, content_type?: string,
 *   size: number, url: string, width?: number|null, height?: number|null, flags?: number}} Attachment
 *
 * A component of any type; the other keys depend on `type`.
 * @typedef {{type: number, custom_id?: string, components?: Component[]} & Record<string, any>} Component
 *
 * @typedef {{name: string, value: string|number, name_localizations?: Record<string, string>}} Choice
 *
 * @typedef {Object} Option
 * @property {number} type
 * @property {string} name
 * @property {string} description
 * @property {Record<string, string>|null} [name_localizations]
 * @property {Record<string, string>|null} [description_localizations]
 * @property {boolean} [required]
 * @property {Choice[]} [choices]
 * @property {boolean} [autocomplete]
 * @property {number} [min_value]
 * @property {number} [max_value]
 * @property {number} [min_length]
 * @property {number} [max_length]
 * @property {number[]} [channel_types]
 * @property {Option[]} [options]
 *
 * @typedef {{id: string, type?: number, name: string, description?: string, options?: Option[],
 *   name_localizations?: Record<string, string>|null,
 *   description_localizations?: Record<string, string>|null}} Command
 *
 * A command as users choose it: each subcommand is an entry.
 * @typedef {{command: Command, path: string[], words: string[], rawWords: string[],
 *   description: string, options: Option[]}} Entry
 *
 * @typedef {{id: string, channel_id: string, user_id: string, kind: string, name: string,
 *   message_id: string|null, custom_id: string|null,
 *   state: "sent"|"thinking"|"answered"|"failed", message: string}} Interaction
 *
 * @typedef {{id: string, at_ms: number, method: string, path: string, status: number, ms: number,
 *   bytes: number, problems: string[], refusal: string, about: string}} RequestRow
 */

export {};
