/** The bell with the number of unread notifications, and the list of notifications in the side panel. */

import { arrowKeys, AUTO, avatar, h, icon, iconButton, keyed, toast, whenOf } from "../dom.js";
import { counted } from "../state.js";

/** The button: `aria-expanded` says whether the list is displayed. */
export function createBell({ store, inbox }) {
  const badge = h("span.badge", { "aria-hidden": "true", hidden: true });
  const element = iconButton("bell", "Notifications", toggle, { class: "icon-button bell", "aria-controls": "panel" });
  element.append(badge);

  function toggle() {
    const opens = store.get().panel !== "inbox";
    if (opens) inbox.refresh();
    store.dispatch({ type: "page", patch: { panel: opens ? "inbox" : null } });
  }

  return {
    element,
    render({ panel, inbox: { unread } }) {
      const label = unread ? `Notifications, ${counted(unread)} unread` : "Notifications";
      element.setAttribute("aria-label", label);
      element.title = label;
      element.setAttribute("aria-expanded", String(panel === "inbox"));
      badge.hidden = !unread;
      badge.textContent = unread ? counted(unread) : "";
    },
  };
}

export function createInboxView({ store, chat, inbox }) {
  const all = h("button", { type: "button", onclick: readAll }, "Mark all as read");
  const list = h("ul.notifications", { "aria-label": "Notifications" });
  const empty = h("p.empty");
  const more = h("button.older", { type: "button", onclick: () => inbox.more() }, "Earlier notifications");
  const element = h("div.panel-body", {}, h("div.tools", {}, h("div", {}, all)), empty, list, more);
  arrowKeys(list, "button.notification");
  let shown = false;

  const first = () => list.querySelector("button.notification[tabindex='0']");

  async function readAll() {
    await inbox.readAll();
    if (document.activeElement === all || document.activeElement === document.body) first()?.focus();
  }

  /** Read a notification, and open the message or the room that it is about. */
  function open({ id, read_at, data }) {
    if (!read_at) inbox.read(id);
    if (!data.room_id) return;
    if (!store.get().rooms[data.room_id]) return toast("You are not a member of that room.");
    store.dispatch({ type: "page", patch: { panel: null } });
    chat.open(data.room_id, data.seq ?? null);
  }

  function row(item) {
    const { id, kind, title, body, actor, data, read_at, created_at: at } = item;
    const url = /^https?:\/\//.test(data.url ?? "") ? data.url : null;
    const unread = !read_at;
    // Both have one mark, so that the focus moves to the first when the second disappears.
    return h("li", { "data-unread": unread, "data-kind": kind },
      h("button.notification", { type: "button", tabindex: -1, "data-mark": "open", onclick: () => open(item) },
        actor ? avatar(actor) : h("span.avatar", { "aria-hidden": "true" }, icon("bell")),
        h("span.grow", {}, unread && h("span.hidden", {}, "Unread: "), h("strong", AUTO, title), body && h("span.text", AUTO, body),
          h("small", {}, h("time", { datetime: at }, whenOf(at))))),
      unread && iconButton("check", "Mark as read", () => inbox.read(id), { "data-mark": "open" }),
      url && h("a", { ...AUTO, href: url, target: "_blank", rel: "noopener noreferrer", onclick: () => unread && inbox.read(id) }, url));
  }

  return {
    element,
    render({ inbox: { items, unread, loaded, hasMore } }) {
      keyed(list, items, (item) => item.id, (item) => [item.read_at, item.title, item.body], row);
      if (!first()) list.querySelector("button.notification")?.setAttribute("tabindex", "0");
      all.disabled = !unread;
      more.hidden = !hasMore;
      empty.textContent = items.length ? "" : loaded ? "No notifications yet." : "Loading…";
      if (!shown) all.disabled ? first()?.focus() : all.focus();
      shown = true;
    },
    hide() { shown = false; },
  };
}
