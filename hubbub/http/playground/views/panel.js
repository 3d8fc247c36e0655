/** The side panel: members of the room, search, or notifications. */

import { summaryOf, titleOf } from "../chat.js";
import { AUTO, avatar, h, iconButton, isolated, keyed, twice, whenOf } from "../dom.js";
import { askRoom, chooseUser } from "./dialogs.js";
import { createInboxView } from "./inbox.js";

const ORDER = ["online", "busy", "away", "offline"];
const TITLES = { members: "Members", search: "Search", inbox: "Notifications" };
const ROLES = ["owner", "moderator", "member"];

export function createPanel(context) {
  const { store } = context;
  const title = h("h2");
  const close = iconButton("close", "Close", () => store.dispatch({ type: "page", patch: { panel: null } }));
  const views = { members: createMembers(context), search: createSearch(context), inbox: createInboxView(context) };
  const element = h("aside.panel", { id: "panel", "aria-label": "Side panel" },
    h("header", {}, title, close), Object.values(views).map((view) => view.element));
  let shown = null;
  return {
    element,
    render(state) {
      const room = state.rooms[state.open];
      const name = room || state.panel === "inbox" ? state.panel : null;
      const left = shown === "inbox" && name !== "inbox";
      if (left) views.inbox.hide();
      if (left && element.contains(document.activeElement)) document.querySelector(".bell").focus();
      shown = name;
      element.hidden = !name;
      for (const [key, view] of Object.entries(views)) view.element.hidden = key !== name;
      if (!name) return;
      title.textContent = TITLES[name];
      views[name].render(state, room);
    },
  };
}

function createMembers({ store, chat }) {
  const list = h("ul.members");
  const tools = h("div.tools");
  const element = h("div.panel-body", {}, tools, list);

  function row(state, room, user) {
    const role = room.roles[user.id];
    const status = state.presence[user.id] ?? "offline";
    const others = user.id !== state.me.id && room.kind !== "direct";
    const leads = others && room.my.role !== "member" && role !== "owner";
    const button = (name, label, act) => iconButton(name, `${label} ${user.display_name}`, act, { "data-mark": label });
    const expel = () => chat.expel(room.id, user.id);
    return h("li", {}, avatar(user, status),
      h("span.grow", {}, h("strong", AUTO, user.display_name), h("small", {}, `@${user.username} · ${status}`)),
      others && room.my.role === "owner" ? roleChoice(room, user, role) : role !== "member" && h("span.role", {}, role),
      others && button("send", "Write to", () => chat.direct(user.id)),
      leads && twice(button("trash", "Remove", () => {}), "Remove?", expel));
  }

  function roleChoice(room, user, role) {
    const change = async () => { if (!(await chat.role(room.id, user.id, choose.value))) choose.value = role; };
    const choose = h("select", { "aria-label": `Role of ${user.display_name}`, "data-mark": "role", onchange: change },
      ROLES.map((each) => h("option", { value: each, selected: each === role }, each)));
    return choose;
  }

  function drawTools(room) {
    const tool = (label, act) => h("button", { type: "button", onclick: act }, label);
    const shared = room.kind !== "direct";
    const leads = shared && room.my.role !== "member";
    const invite = () => chooseUser(store, chat, `Invite to ${room.name ?? "the room"}`,
      (user) => chat.invite(room.id, user.id), Object.keys(room.roles));
    return h("div", {},
      leads && tool("Invite", invite),
      leads && tool("Name and topic", () => askRoom(chat, room)),
      tool(room.my.muted ? "Unmute" : "Mute", () => chat.mute(room.id, !room.my.muted)),
      shared && twice(tool("Leave", () => {}), "Really leave?", () => chat.leave(room.id)));
  }

  return {
    element,
    render(state, room) {
      const statusOf = (user) => ORDER.indexOf(state.presence[user.id] ?? "offline");
      const people = Object.keys(room.roles).map((id) => state.users[id]).filter(Boolean)
        .sort((a, b) => statusOf(a) - statusOf(b) || a.display_name.localeCompare(b.display_name));
      const { role, muted } = room.my;
      keyed(tools, [room], () => room.id, () => [role, muted, room.name, room.topic, people.length], drawTools);
      keyed(list, people, (user) => room.id + user.id,
        (user) => [user, room.roles[user.id], role, statusOf(user)], (user) => row(state, room, user));
    },
  };
}

function createSearch({ store, chat }) {
  const query = h("input", { ...AUTO, type: "search", "aria-label": "Words to search for", placeholder: "Words to search for" });
  const here = h("input", { type: "checkbox" });
  const list = h("ul.results", { "aria-label": "Found" });
  const more = h("button.older", { type: "button", hidden: true, onclick: () => find(more.cursor) }, "More");
  const form = h("form", { onsubmit: (event) => { event.preventDefault(); find(); } },
    query, h("label.check", {}, here, " only in this room"));
  const element = h("div.panel-body", {}, form, list, more);

  async function find(cursor) {
    if (!query.value.trim()) return;
    const answer = await chat.search(query.value.trim(), here.checked ? store.get().open : null, cursor);
    if (!answer) return;
    if (!cursor) list.replaceChildren();
    list.append(...answer.messages.filter((message) => store.get().rooms[message.room_id]).map(row));
    if (!list.children.length) list.append(h("li.empty", {}, "Nothing found."));
    more.cursor = answer.next_cursor;
    more.hidden = !answer.next_cursor;
  }

  function row(message) {
    const state = store.get();
    const room = state.rooms[message.room_id];
    const act = () => chat.open(room.id, message.seq);
    const where = [isolated(message.sender.display_name), " · ", isolated(titleOf(state, room)), " · ",
      whenOf(message.created_at)];
    return h("li", {}, h("button.result", { type: "button", onclick: act },
      h("small", {}, where), h("span", AUTO, summaryOf(message))));
  }

  return {
    element,
    render() {
      if (element.dataset.shown) return;
      element.dataset.shown = "yes";
      query.focus();
      const look = () => { if (!element.hidden) query.focus(); };
      new MutationObserver(look).observe(element, { attributeFilter: ["hidden"] });
    },
  };
}
