/** Where one is, in the address of the page: the open room, and a message to show in it. */

import { toast } from "./dom.js";

export const addressOf = (id, seq = null) => `#room=${id}${seq ? `&message=${seq}` : ""}`;

/** The room and the message that the address names; null where it names none. */
export function place() {
  const given = new URLSearchParams(location.hash.slice(1));
  return { room: given.get("room"), seq: Number(given.get("message")) || null };
}

/** Keeps the address and the open room in step: opening a room adds to the history of the tab, Back returns. */
export function createAddress({ store, chat }) {
  let shown = null;

  function follow() {
    const { room, seq } = place();
    if (!room) return;
    if (store.get().rooms[room]) chat.open(room, seq);
    else toast("That room is not one of yours.");
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
