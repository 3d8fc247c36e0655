/** The user, the user's rooms, and buttons for more of them. */

import { otherOf, titleOf } from "../chat.js";
import { arrowKeys, AUTO, avatar, h, icon, iconButton, keyed } from "../dom.js";
import { counted } from "../state.js";
import { askRoom, browseRooms, chooseUser } from "./dialogs.js";

const STATUSES = [["online", "Online"], ["away", "Away"], ["busy", "Busy"]];

export function createSidebar({ store, chat, theme, logOut }) {
  const rooms = h("ul.rooms", { "aria-label": "Rooms" });
  const direct = h("ul.rooms", { "aria-label": "Direct messages" });
  const me = h("div.me");
  const name = h("strong", AUTO);
  const status = h("select", { "aria-label": "Your status", onchange: () => chat.status(status.value) },
    STATUSES.map(([value, label]) => h("option", { value }, label)));
  const nav = h("nav.room-lists", { "aria-label": "Conversations" },
    section("Rooms", rooms, iconButton("compass", "Browse rooms", () => browseRooms(store, chat)),
      iconButton("plus", "New room", () => askRoom(chat))),
    section("Direct messages", direct, iconButton("plus", "New direct message",
      () => chooseUser(store, chat, "Write to", (user) => chat.direct(user.id)))));
  const element = h("aside.sidebar", { "aria-label": "Rooms and users" },
    h("div.brand", {},
      h("img", { src: "/playground/icon.svg", alt: "", width: 24, height: 24 }), h("span", {}, "hubbub"),
      iconButton("theme", "Switch between light and dark", theme)),
    nav, h("div.self", {}, me, h("div.who", {}, name, status), iconButton("leave", "Log out", logOut)));
  arrowKeys(nav, "button.room");
  let drawer = false;

  function row(state, room) {
    const { unread, mentions, muted } = room.my;
    const other = otherOf(state, room);
    const sign = room.kind === "direct" ? avatar(state.users[other] ?? room, state.presence[other] ?? "offline")
      : icon(room.kind === "private" ? "lock" : "hash");
    const counts = [unread && `${counted(unread)} unread`, mentions && `${counted(mentions)} mentioning you`,
      muted && "muted"];
    return h("li", {}, h("button.room", {
      type: "button", "data-mark": room.id, tabindex: state.open === room.id ? 0 : -1,
      "aria-label": [titleOf(state, room), ...counts].filter(Boolean).join(", "),
      ...(state.open === room.id && { "aria-current": "true" }), ...(unread && !muted && { "data-unread": true }),
      onclick: () => { store.dispatch({ type: "page", patch: { drawer: false } }); chat.open(room.id); },
    }, sign, h("span.name", AUTO, titleOf(state, room)), muted && icon("bell-off"),
    mentions > 0 && h("span.badge.mention", {}, `@${counted(mentions)}`), unread > 0 && h("span.badge", {}, counted(unread))));
  }

  function list(state, parent, shown) {
    const titled = shown.sort((a, b) => titleOf(state, a).localeCompare(titleOf(state, b)));
    keyed(parent, titled, (room) => room.id, (room) => [room.my, titleOf(state, room), state.open === room.id,
      state.presence[otherOf(state, room)]], (room) => row(state, room));
  }

  return {
    element,
    render(state) {
      const all = Object.values(state.rooms);
      list(state, rooms, all.filter((room) => room.kind !== "direct"));
      list(state, direct, all.filter((room) => room.kind === "direct"));
      if (!state.open) nav.querySelector("button.room")?.setAttribute("tabindex", "0");
      const own = state.presence[state.me?.id] ?? "online";
      keyed(me, state.me ? [state.me] : [], (user) => user.id, (user) => [user, own, state.link.status],
        (user) => avatar(user, state.link.status === "online" ? own : "offline"));
      name.textContent = state.me?.display_name ?? "";
      status.value = own === "offline" ? "online" : own;
      status.disabled = state.link.status !== "online";
      if (state.drawer && !drawer) queueMicrotask(() => nav.querySelector("button.room[tabindex='0']")?.focus());
      drawer = state.drawer;
    },
  };
}

const section = (title, list, ...buttons) => h("section", {}, h("header", {}, h("h2", {}, title), buttons), list);
