/** The open room, and a message in it, in the URL of the page. */

import { toast } from "./dom.js";

export const addressOf = (id, seq = null) => `#room=${id}${seq ? `&message=${seq}` : ""}`;

/** The room and the message of the URL; null if it has none. */
export function place() {
  const given = new URLSearchParams(location.hash.slice(1));
  return { room: given.get("room"), seq: Number(given.get("message")) || null };
}

/** Synchronizes the URL and the open room: opening a room adds to the tab's history, Back goes to the last one. */
export function createAddress({ store, chat }) {
  let shown = null;

  function follow() {
    const { room, seq } = place();
    if (!room) return;
    if (store.get().rooms[room]) chat.open(room, seq);
    else toast("You are not a member of that room.");
  }

  const unwatch = store.watch(({ open }) => {
    if (open === shown) return;
    if (open && place().room !== open) {
      if (shown) history.pushState(null, "", addressOf(open));
      else history.replaceState(null, "", addressOf(open));
    } else if (!open) history.replaceState(null, "", location.pathname);
    shown = open;
  });
  addEventListener("popstate", follow);

  return {
    end() {
      unwatch();
      removeEventListener("popstate", follow);
    },
  };
}
