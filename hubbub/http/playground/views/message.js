/** One message: sender, time, body, reactions and buttons. */

import { addressOf } from "../address.js";
import { summaryOf } from "../chat.js";
import { AUTO, avatar, h, icon, iconButton, timeOf, twice } from "../dom.js";
import { drawAttachments } from "./attachments.js";
import { textNodes } from "./text.js";

const EMOJI = ["👍", "❤️", "😂", "🎉", "👀", "✅"];

export function drawMessage(shared, message, joined, seenBy) {
  const { state, room, store } = shared;
  const own = message.sender.id === state.me.id;
  const keys = (event) => {
    if (event.key !== "e" || !own || event.target !== event.currentTarget) return;
    event.preventDefault();
    edit(store, message);
  };
  return h("li.message", {
    id: `m-${message.id}`, tabindex: -1, onkeydown: keys, "data-seq": message.seq,
    "data-own": own, "data-joined": joined, "data-named": message.mentions.includes(state.me.id),
  },
  joined ? h("span.gutter", { "aria-hidden": "true" }, when(message)) : avatar(message.sender),
  h("div.content", {},
    h("header", joined ? { class: "hidden" } : {}, h("strong", AUTO, message.sender.display_name),
      when(message)),
    message.reply_to && quote(shared, message), drawBody(shared, message), drawAttachments(shared, message), reactions(shared, message),
    seenBy && h("small.seen", {}, seenBy)),
  !message.deleted_at && actions(shared, message, own || room.my.role !== "member", own));
}

/** The time of a message, as a link to its URL. */
const when = ({ room_id, seq, created_at: at }) =>
  h("a.when", { href: addressOf(room_id, seq), tabindex: -1, title: new Date(at).toLocaleString() },
    h("time", { datetime: at }, timeOf(at)));

function drawBody(shared, message) {
  const { state } = shared;
  if (message.deleted_at) return h("p.body.deleted", {}, "This message was deleted.");
  if (state.editing === message.id) return editor(shared, message);
  if (!message.body && message.attachments?.length) return message.edited_at && h("small.edited", {}, "(edited)");
  const names = message.mentions.map((id) => state.users[id]?.username.toLowerCase());
  return h("p.body", AUTO, textNodes(message.body, names, state.me.username.toLowerCase()),
    message.edited_at && h("small.edited", {}, " (edited)"));
}

/** A message of the user that the server has not stored yet. */
export function drawPending({ chat, store, state }, item) {
  const how = item.problem ? "not sent" : state.link.status === "online" ? "sending…" : "queued";
  const discard = () => store.dispatch({ type: "unqueue", client_id: item.client_id });
  return h("li.message.pending", { "data-own": true, "data-problem": Boolean(item.problem) },
    avatar(state.me),
    h("div.content", {},
      h("header", {}, h("strong", AUTO, state.me.display_name), h("time", {}, how)),
      item.body && h("p.body", AUTO, textNodes(item.body, [], "")),
      item.attachments?.length && h("p.sent-files", {}, icon("clip"), h("span", AUTO, item.attachments.map((each) => each.name).join(", "))),
      item.problem && h("p.problem", {}, item.problem, " ",
        h("button", { type: "button", onclick: () => chat.again(item.client_id) }, "Try again"), " ",
        h("button", { type: "button", onclick: discard }, "Discard"))));
}

const edit = (store, message) => store.dispatch({ type: "page", patch: { editing: message.id } });

function quote({ room }, message) {
  const target = room.log.find((item) => item.id === message.reply_to);
  const quoted = target && !target.deleted_at;
  const text = quoted ? `${target.sender.display_name}: ${summaryOf(target)}`
    : target ? "A deleted message" : "An earlier message";
  const words = quoted ? [h("bdi", {}, target.sender.display_name), ": ", h("bdi", {}, summaryOf(target))] : text;
  return h("button.quote", {
    type: "button", "aria-label": `In reply to ${text}`, "data-mark": "quote", onclick: () => target && show(target.id),
  }, icon("reply"), h("span", {}, words));
}

/** Scroll to a message of the log and highlight it. */
export function show(id) {
  const element = document.getElementById(`m-${id}`);
  element?.scrollIntoView({ block: "center" });
  element?.focus();
  element?.classList.add("found");
  setTimeout(() => element?.classList.remove("found"), 2500);
}

function reactions({ chat, state }, message) {
  if (!message.reactions.length) return null;
  const one = ({ emoji, count, mine }) => h("button.reaction", {
    type: "button", "data-mark": `r ${emoji}`, "aria-label": `${emoji} ${count}`, "aria-pressed": String(Boolean(mine)),
    disabled: state.link.status !== "online", onclick: () => chat.react(message.id, emoji, !mine),
  }, emoji, h("span", {}, String(count)));
  return h("div.reactions", { role: "group", "aria-label": "Reactions" }, message.reactions.map(one));
}

function actions({ chat, store, room }, message, mayDelete, own) {
  const mine = (emoji) => message.reactions.some((each) => each.emoji === emoji && each.mine);
  const pick = (emoji) => {
    choices.toggle(false);
    chat.react(message.id, emoji, !mine(emoji));
  };
  const choices = h("span.emoji", { hidden: true, "data-mark": "emoji" }, EMOJI.map((emoji) =>
    h("button", { type: "button", "aria-label": `React with ${emoji}`, "data-mark": `e ${emoji}`, onclick: () => pick(emoji) }, emoji)));
  choices.toggle = (shown) => {
    choices.hidden = !shown;
    choices.toggleAttribute("data-open", shown);
  };
  choices.reopen = () => choices.toggle(true);
  const open = () => {
    choices.toggle(choices.hidden);
    choices.querySelector("button").focus();
  };
  const reply = () => {
    store.dispatch({ type: "page", patch: { replyTo: message } });
    document.getElementById("composer").focus();
  };
  const button = (name, label, act) => iconButton(name, label, act, { "data-mark": name });
  return h("div.actions", { role: "group", "aria-label": "What to do with this message" }, choices,
    button("smile", "React", open),
    button("reply", "Reply", reply),
    own && button("edit", "Edit", () => edit(store, message)),
    !own && button("eye", "Mark unread from here", () => chat.markUnread(room.id, message.seq)),
    mayDelete && twice(button("trash", "Delete", () => {}), "Delete?", () => chat.remove(message.id)));
}

function editor({ chat, store }, message) {
  const box = h("textarea", { ...AUTO, "aria-label": "Edit the message", maxlength: 8000, rows: 2, onkeydown: key });
  box.value = message.body;
  queueMicrotask(() => box.focus());

  function close() {
    store.dispatch({ type: "page", patch: { editing: null } });
    document.getElementById("composer").focus();
  }
  async function save() {
    const body = box.value.trim();
    if (body && body !== message.body && !(await chat.edit(message.id, body))) return;
    close();
  }
  function key(event) {
    event.stopPropagation();
    if (event.key === "Escape") close();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    save();
  }
  return h("div.editor", {}, box, h("div", {},
    h("button.primary", { type: "button", onclick: save }, "Save"),
    h("button", { type: "button", onclick: close }, "Cancel"),
    h("small", {}, "Enter saves, Esc cancels")));
}
