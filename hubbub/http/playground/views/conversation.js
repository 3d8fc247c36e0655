/** The open room: heading, connection state, log, typing users and composer. */

import { titleOf } from "../chat.js";
import { arrowKeys, AUTO, dayOf, h, icon, iconButton, keyed } from "../dom.js";
import { counted } from "../state.js";
import { createComposer } from "./composer.js";
import { createBell } from "./inbox.js";
import { drawMessage, drawPending, show } from "./message.js";
import { createReading } from "./reading.js";

const TOGETHER_MS = 5 * 60_000;

export function createConversation(context) {
  const { store, chat, connection } = context;
  const page = (patch) => store.dispatch({ type: "page", patch });
  const panel = (name) => page({ panel: store.get().panel === name ? null : name });
  const title = h("h1", AUTO);
  const topic = h("p.topic", AUTO);
  const buttons = {
    members: iconButton("people", "Members", () => panel("members")),
    search: iconButton("search", "Search", () => panel("search")),
  };
  const older = h("button.older", { type: "button", onclick: () => more() }, "Earlier messages");
  const list = h("ol.log", { "aria-label": "Messages" });
  const empty = h("p.empty");
  const scroller = h("div.scroller", { onscroll: scrolled }, older, empty, list);
  const down = h("button.down", { type: "button", onclick: () => newest() }, icon("down"), h("span", {}, "Newest"));
  const count = h("span");
  const bar = h("div.unread-bar", { hidden: true }, count,
    h("button", { type: "button", onclick: () => chat.readAll(store.get().open) }, "Mark as read"));
  const typing = h("p.typing", { "aria-live": "off" });
  const composer = createComposer(context);
  const bell = createBell(context);
  const strip = createStrip(connection);
  const element = h("main.conversation", {},
    h("header.heading", {},
      iconButton("menu", "Rooms", () => page({ drawer: true }), { class: "icon-button menu" }),
      h("div.title", {}, title, topic), buttons.search, buttons.members, bell.element),
    strip.element, h("div.log-frame", {}, scroller, bar, down), typing, composer.element);
  element.append(h("button.shade", {
    type: "button", "aria-label": "Close the list of rooms", onclick: () => page({ drawer: false }),
  }));
  arrowKeys(list, "li.message");
  const reading = createReading(context, scroller);
  let shown = { open: null, first: null, jump: null };
  let loading = false;
  let stuck = true;   // at the newest message, also when the height changes

  const atBottom = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
  const bottom = () => { scroller.scrollTop = scroller.scrollHeight; };
  const room = (state) => state.rooms[state.open];

  const newestShown = () => atBottom() && !room(store.get())?.hasNewer;

  /** Load another page of the log, at its beginning or its end. */
  async function more(which = "older") {
    const now = room(store.get());
    if (loading || !now?.[which === "older" ? "hasMore" : "hasNewer"] || !connection.isLive()) return;
    loading = true;
    await chat[which](now.id);
    loading = false;
  }

  async function newest() {
    const now = room(store.get());
    if (now?.hasNewer) await chat.latest(now.id);
    bottom();
  }

  function scrolled() {
    if (scroller.scrollTop < 120) more();
    else if (atBottom()) more("newer");
    stuck = down.hidden = newestShown();
    seen();
  }

  function seen() {
    reading.look();
    const now = room(store.get());
    bar.hidden = !now?.my.unread || !(now.hasNewer || reading.skipped());
    if (!bar.hidden) count.textContent = `${counted(now.my.unread)} unread`;
  }

  /** Scroll to the target: a message, the first unread one, or the newest. */
  function jump({ seq }, log) {
    const message = seq && log.find((item) => item.seq === seq);
    const divider = list.querySelector("li.divider");
    if (message?.id) show(message.id);
    else if (divider) {
      divider.scrollIntoView({ block: "start" });
      scroller.scrollTop -= 32;
    } else bottom();
  }
  document.addEventListener("visibilitychange", seen);
  new ResizeObserver(() => { if (stuck) bottom(); }).observe(scroller);

  function draw(state, now) {
    const stay = shown.open === state.open && !stuck;
    const height = scroller.scrollHeight;
    const items = lines(state, now);
    const first = items.find((item) => item.message)?.message.seq ?? null;
    const shared = { ...context, state, room: now };
    keyed(list, items, (item) => item.key, (item) => deps(state, now, item), (item) => drawLine(shared, item));
    if (list.children.length && !list.querySelector("li.message[tabindex='0']"))
      list.querySelector("li.message:last-of-type")?.setAttribute("tabindex", "0");
    reading.observe(list, now.jump ?? state.open);
    if (now.jump && now.jump !== shown.jump) jump(now.jump, now.log);
    else if (!stay && !now.hasNewer && document.visibilityState === "visible") bottom();
    else if (stay && first < shown.first) scroller.scrollTop += scroller.scrollHeight - height;
    shown = { open: state.open, first, jump: now.jump };
    stuck = down.hidden = newestShown();
  }

  return {
    element,
    render(state) {
      const now = room(state);
      strip.render(state);
      composer.render(state);
      bell.render(state);
      title.textContent = now ? titleOf(state, now) : "hubbub";
      topic.textContent = now ? headline(now) : "";
      for (const [name, button] of Object.entries(buttons)) {
        button.setAttribute("aria-pressed", state.panel === name);
        button.hidden = !now;
      }
      older.hidden = !now?.hasMore;
      const quiet = now?.loaded && !now.log.length && !list.children.length;
      empty.textContent = !now ? "Choose a room." : quiet ? "Nothing here yet. Say hello." : "";
      typing.textContent = now ? whoTypes(state, now) : "";
      if (now) draw(state, now);
      else list.replaceChildren();
      if (!now) list.kept = new Map();
      seen();
    },
  };
}

function headline(room) {
  const people = `${room.member_count} ${room.member_count === 1 ? "member" : "members"}`;
  return room.kind === "direct" ? "Direct message" : [people, room.topic].filter(Boolean).join(" · ");
}

function whoTypes(state, room) {
  const names = Object.keys(room.typing).map((id) => state.users[id]?.display_name ?? "A user");
  if (!names.length || state.link.status !== "online") return "";
  if (names.length > 2) return "Several users are typing…";
  return `${names.join(" and ")} ${names.length === 1 ? "is" : "are"} typing…`;
}

/** The log with days, the divider of unread messages, and queued messages. */
function lines(state, room) {
  const items = [];
  const queue = state.queue.filter((item) => item.room_id === room.id);
  let before = null;
  let marked = room.divider === null;
  for (const message of room.log) {
    const at = message.created_at ?? message.at;
    if (!before || dayOf(before.at) !== dayOf(at)) items.push({ key: `day ${dayOf(at)}`, day: dayOf(at) });
    if (!marked && message.sender && message.seq > room.divider && message.sender.id !== state.me.id) {
      marked = true;
      items.push({ key: "new", divider: true });
      before = null;
    }
    const sender = message.sender?.id;
    const soon = before && new Date(at) - new Date(before.at) < TOGETHER_MS;
    const joined = Boolean(soon && sender && before.sender === sender && !message.reply_to);
    items.push({ key: sender === state.me.id ? message.client_id : message.id ?? message.seq, message, joined });
    before = { at, sender };
  }
  return [...items, ...queue.map((item) => ({ key: item.client_id, pending: item }))];
}

/** The values that an item displays. It is built again only if one of them changed. */
function deps(state, room, { message, pending, joined, day }) {
  if (!message) return [day, pending, state.link.status === "online"];
  if (message.note) return [message];
  if (state.editing === message.id) return ["editing"];
  const reply = message.reply_to && room.log.find((item) => item.id === message.reply_to);
  const names = message.mentions.map((id) => state.users[id]?.username).join();
  return [message, joined, reply, room.my.role, readers(state, room, message), names, state.link.status === "online"];
}

function drawLine(shared, { message, pending, joined, day, divider }) {
  if (day) return h("li.day", {}, h("span", {}, day));
  if (divider) return h("li.divider", {}, h("span", {}, "New"));
  if (pending) return drawPending(shared, pending);
  if (message.note) return h("li.note", {}, message.note);
  return drawMessage(shared, message, joined, readers(shared.state, shared.room, message));
}

/** "Seen by …" below the user's last message. */
function readers(state, room, message) {
  if (message.sender.id !== state.me.id || message !== room.log.findLast((item) => item.sender)) return "";
  const people = Object.entries(room.reads).filter(([, seq]) => seq >= message.seq);
  const names = people.slice(0, 3).map(([id]) => state.users[id]?.display_name ?? "a user");
  if (!names.length || room.kind === "direct") return names.length ? "Seen" : "";
  return `Seen by ${names.join(", ")}${people.length > 3 ? ` and ${people.length - 3} more` : ""}`;
}

/** The strip with the state of the connection, and the button that drops it. */
function createStrip(connection) {
  const text = h("span.grow", { role: "status" });
  const act = () => (button.dataset.act === "drop" ? connection.drop() : connection.reconnect());
  const button = h("button", { type: "button", onclick: act });
  const element = h("div.strip", {}, h("span.lamp", { "aria-hidden": "true" }), text, button);
  return {
    element,
    render({ link, queue }) {
      const waiting = queue.filter((item) => !item.problem).length;
      const count = `${waiting} ${waiting === 1 ? "message" : "messages"}`;
      const queued = link.status !== "online" && waiting ? `, ${count} queued` : "";
      element.dataset.status = link.status;
      if (text.textContent !== link.note + queued) text.textContent = link.note + queued;
      button.dataset.act = link.action ? "reconnect" : "drop";
      button.textContent = link.action ?? "Drop connection";
    },
  };
}
