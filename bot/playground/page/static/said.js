/** Sentences of the server that are known word for word, in Chinese; others stay as they came. */

/** @type {Record<string, string>} */
export const SAID = {
  "This interaction failed": "此交互失败",
  "The application did not respond": "该应用未响应",
  "Loading options failed.": "选项加载失败。",
  "There is no such person here.": "这里没有这个人。",
  "The page sent something odd: reload it.": "页面发送的内容有误，请重新加载。",
  "There is no file in the upload.": "没有收到文件。",
  "A file has at most 10 MiB.": "文件不能超过 10 MiB。",
  "That is not on the message any more.": "消息上已经没有它了。",
  "That is switched off.": "它已被停用。",
  "That form is not open any more.": "这个表单已经关闭。",
  "That is another form.": "这是另一个表单。",
  "You may not write in this channel.": "你不能在这个频道发言。",
  "Write something first.": "请先输入内容。",
  "You may only delete messages of your own.": "你只能删除自己的消息。",
  "Dismiss this message instead.": "请改为关闭这条消息。",
  "There is no such channel.": "没有这个频道。",
  "You do not see that channel.": "你看不到那个频道。",
  "That message is gone.": "那条消息已经不在了。",
  "That command is out of date: choose it again.": "这个命令已过期，请重新选择。",
  "You may not use that command here.": "你不能在这里使用这个命令。",
  "That file is not here any more: choose it again.": "文件已经不在了，请重新选择。",
  "That person is not here.": "这个人不在这里。",
  "That role is not here.": "没有这个身份组。",
  "That channel is not here.": "没有这个频道。",
};
