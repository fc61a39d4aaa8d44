/** Chinese translations of the server's known sentences; others are shown as received. */

/** @type {Record<string, string>} */
export const SAID = {
  "This interaction failed": "此交互失败",
  "The application did not respond": "该应用未响应",
  "Loading options failed.": "选项加载失败。",
  "There is no such user here.": "这里没有这个人。",
  "The page sent an invalid request. Reload it.": "页面发送的内容有误，请重新加载。",
  "The upload contains no file.": "没有收到文件。",
  "Files are limited to 10 MiB.": "文件不能超过 10 MiB。",
  "That component is no longer on the message.": "消息上已经没有它了。",
  "That component is disabled.": "它已被停用。",
  "That form is no longer open.": "这个表单已经关闭。",
  "That is a different form.": "这是另一个表单。",
  "You can't post in this channel.": "你不能在这个频道发言。",
  "Write something first.": "请先输入内容。",
  "You can only delete your own messages.": "你只能删除自己的消息。",
  "Dismiss this message instead.": "请改为关闭这条消息。",
  "That channel does not exist.": "没有这个频道。",
  "You can't see that channel.": "你看不到那个频道。",
  "That message no longer exists.": "那条消息已经不在了。",
  "That command has changed. Choose it again.": "这个命令已过期，请重新选择。",
  "You can't use that command here.": "你不能在这里使用这个命令。",
  "That file is no longer available. Choose it again.": "文件已经不在了，请重新选择。",
  "That user is not here.": "这个人不在这里。",
  "That role does not exist here.": "没有这个身份组。",
  "That channel does not exist here.": "没有这个频道。",
};
