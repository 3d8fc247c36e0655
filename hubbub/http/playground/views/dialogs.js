/** The dialogs: a new room, public rooms, choosing a user. Esc closes each of them. */

import { AUTO, avatar, h, iconButton, isolated } from "../dom.js";

function dialog(title, ...content) {
  const element = h("dialog", { "aria-label": title, onclose: () => element.remove() },
    h("header", {}, h("h2", {}, title), iconButton("close", "Close", () => element.close())), content);
  element.addEventListener("click", (event) => { if (event.target === element) element.close(); });
  document.body.append(element);
  element.showModal();
  return element;
}

/** Close a dialog that opened a room, and focus the composer. */
function toBox(open) {
  open.close();
  document.getElementById("composer").focus();
}

const finder = (label, oninput) =>
  h("input", { ...AUTO, type: "search", "aria-label": label, placeholder: label, oninput, autofocus: true });
const field = (label, input) => h("label.field", {}, h("span", {}, label), input);

/** Create a room, or change name and topic of `room`. */
export function askRoom(chat, room = null) {
  const name = h("input", { ...AUTO, value: room?.name ?? "", maxlength: 80, required: true, autofocus: true });
  const topic = h("input", { ...AUTO, value: room?.topic ?? "", maxlength: 250 });
  const kind = h("select", {}, h("option", { value: "public" }, "Public: every user may join"),
    h("option", { value: "private" }, "Private: by invitation"));
  const form = h("form", { onsubmit: save }, !room && field("Kind", kind), field("Name", name), field("Topic", topic),
    h("button.primary", {}, room ? "Save" : "Create room"));
  const open = dialog(room ? "Change the room" : "New room", form);

  async function save(event) {
    event.preventDefault();
    const given = { name: name.value.trim(), topic: topic.value.trim() };
    if (await (room ? chat.update(room.id, given) : chat.create({ kind: kind.value, ...given }))) toBox(open);
  }
}

/** Public rooms, by words of their names. */
export function browseRooms(store, chat) {
  const list = h("ul.choices");
  const query = finder("Find a room", () => show());
  const open = dialog("Public rooms", query, list);

  async function show() {
    const asked = query.value.trim();
    const found = await chat.browse(asked);
    if (!found || asked !== query.value.trim()) return;
    list.replaceChildren(...found.rooms.map(row));
    if (!found.rooms.length) list.append(h("li.empty", {}, "No room found."));
  }

  function row(room) {
    const inside = Boolean(store.get().rooms[room.id]);
    const label = inside ? "Open" : "Join";
    const people = `${room.member_count} ${room.member_count === 1 ? "member" : "members"}`;
    const act = async () => {
      if (inside) chat.open(room.id);
      if (inside || (await chat.join(room.id))) toBox(open);
    };
    return h("li", {},
      h("span.grow", {}, h("strong", AUTO, room.name),
        h("small", {}, people, room.topic && [" · ", isolated(room.topic)])),
      h("button", { type: "button", onclick: act, "aria-label": `${label} ${room.name}` }, label));
  }
  show();
}

/** Choose one of the users who share a room with the user. */
export async function chooseUser(store, chat, title, choose, leaveOut = []) {
  const list = h("ul.choices");
  const query = finder("Find a user", show);
  const open = dialog(title, query, list);

  function show() {
    const { users, me, presence } = store.get();
    const words = query.value.trim().toLowerCase();
    const found = Object.values(users).filter((user) => user.id !== me.id && !leaveOut.includes(user.id)
      && `${user.display_name} ${user.username}`.toLowerCase().includes(words));
    list.replaceChildren(...found.slice(0, 50).map((user) => h("li", {},
      h("button.person", { type: "button", onclick: () => { open.close(); choose(user); } },
        avatar(user, presence[user.id] ?? "offline"),
        h("strong", AUTO, user.display_name), h("small", {}, `@${user.username}`)))));
    if (!found.length) list.append(h("li.empty", {}, "No user found who shares a room with you."));
  }
  show();
  const unknown = Object.values(store.get().rooms).filter((room) => !Object.keys(room.roles).length).slice(0, 5);
  for (const room of unknown) await chat.members(room.id);
  show();
}
