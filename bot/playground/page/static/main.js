/**
 * The entry point: connects the parts of index.html and opens the connection to the server.
 *
 * Roles and accessible names by which tests and assistive technology find things (English / 中文):
 *
 *   navigation "Servers and channels" / "服务器与频道"; in it a button per channel, named after it
 *     (current: aria-current="page"; a locked or unread one adds it in brackets)
 *   complementary "Members" / "成员"; in it a button per member
 *   main; heading level 1 = the open channel
 *   log "Messages" / "消息"; article "NAME, TIME" per message (its id in data-id; ephemeral ones add
 *     ", Only you can see this"); img = the alt text; button "Enlarge: ALT" / "放大：ALT"; the bot's
 *     buttons by their label, selects as combobox by their placeholder (then a combobox "Search" and
 *     a listbox); button "Dismiss message" / "关闭消息"; button "More actions for the message from NAME" →
 *     menu "Message actions" with menuitems "Reply", "Copy text", "Copy ID",
 *     "Delete message", and the bot's message commands
 *   button "Jump to present" (or "N new messages – jump to present")
 *   form "Write a message or a command" / "输入消息或命令": textbox "Message" / "消息",
 *     buttons "Commands" / "命令" and "Send" / "发送"
 *   listbox "Commands" / "命令" while the message begins with "/"; options "/admin quota set …"
 *   a command being filled in: group "/imagine"; in it a textbox or combobox per option, named after
 *     it (attachments: the file input); listbox "Choices for NAME"; combobox "More options" / button
 *     "+N more" for the options not shown; button "Leave the command". The textbox "Message" is
 *     hidden meanwhile: after fill("/imagine a red house") press Enter on the keyboard, not on it.
 *   dialog named by its title = the bot's modal; its fields by their labels; "Submit", "Cancel"
 *   dialog "Picture" / "图片" = a single picture; link "Download" / "下载", button "Close" / "关闭"
 *   button "You are NAME LEVEL Change user, language or colours" → menuitemradios
 *     "NAME, LEVEL" (Member, Moderator, Admin), "English", "中文", "Same as system", "Light", "Dark"
 *   buttons "Channels", "Members", "Behind the scenes" (aria-expanded) open and close the lists
 *   complementary "Behind the scenes" / "幕后": tabs "Requests" / "请求", "Vitals" / "状态",
 *     "Faults" / "故障"; checkbox "With problems only"; img "Memory over time (MiB) …"; faults are
 *     buttons (once) or switches (toggles) by their label
 *   Texts that only appear at times: "Connecting …", "Connection lost. …" with a button "Try now",
 *     "This interaction failed", "The application did not respond"
 *
 * /?viewer=ID&locale=zh-CN opens the page as this user in this language.
 */

import {
  focusComposer,
  fillExample,
  fillSurprise,
  mention,
  replyWith,
  setUpComposer,
  startCommand,
} from "./composer.js";
import { setUpChannels } from "./channels.js";
import { setUpDrawer } from "./drawer.js";
import { setUpFoot } from "./foot.js";
import { icon } from "./icons.js";
import { setUpMessages } from "./messages.js";
import { setUpModals } from "./modal.js";
import { watchPanels } from "./overlay.js";
import { closeOverlaid, setUpPanels } from "./panels.js";
import { setUpPeople } from "./people.js";
import { keepTimesFresh } from "./time.js";
import { setUpTopbar } from "./topbar.js";
import { setUpWho } from "./who.js";

// index.html refers to icons by name, so that each is defined only once.
for (const place of document.querySelectorAll("[data-icon]"))
  place.append(icon(place.dataset.icon));

watchPanels();
setUpPanels();
setUpTopbar();
setUpChannels(closeOverlaid);
setUpPeople({
  mention: (user) => {
    closeOverlaid();
    mention(user);
  },
});
setUpMessages({
  start: startCommand,
  example: fillExample,
  surprise: fillSurprise,
  reply: replyWith,
  leave: focusComposer,
});
setUpComposer();
setUpModals();
setUpDrawer();
setUpFoot();
keepTimesFresh();
setUpWho();
