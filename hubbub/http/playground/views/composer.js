/** The composer: Enter sends, Shift+Enter breaks the line, Up in an empty box edits the last message. */

import { titleOf } from "../chat.js";
import { AUTO, h, icon, iconButton, isolated } from "../dom.js";

const KEPT = "hubbub:drafts";

/** Remove the drafts, at logout. */
export const forgetDrafts = () => sessionStorage.removeItem(KEPT);

export function createComposer({ store, chat }) {
  const drafts = new Map(Object.entries(JSON.parse(sessionStorage.getItem(KEPT) ?? "{}")));
  let open = null;
  const box = h("textarea", {
    ...AUTO, id: "composer", rows: 1, maxlength: 8000, autocomplete: "off",
    oninput: typed, onkeydown: key, onblur: () => open && chat.typing(open, false),
  });
  const replyText = h("span.grow");
  const reply = h("div.replying", { hidden: true }, icon("reply"), replyText,
    iconButton("close", "Do not reply", () => store.dispatch({ type: "page", patch: { replyTo: null } })));
  const button = h("button.primary.send", { "aria-label": "Send" }, icon("send"));
  const element = h("form.composer", { onsubmit: send }, reply, h("div.box", {}, box, button));

  function typed() {
    if (box.value) drafts.set(open, box.value);
    else drafts.delete(open);
    keep();
    chat.typing(open, box.value.trim() !== "");
  }

  const keep = () => sessionStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(drafts)));

  function send(event) {
    event?.preventDefault();
    const body = box.value.trim();
    if (!body || !open) return;
    box.value = "";
    drafts.delete(open);
    keep();
    chat.send(open, body);
    box.focus();
  }

  function key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && !box.value) {
      const { rooms, me } = store.get();
      const last = rooms[open]?.log.findLast((item) => item.sender?.id === me.id && !item.deleted_at);
      if (!last) return;
      event.preventDefault();
      store.dispatch({ type: "page", patch: { editing: last.id } });
    }
  }

  return {
    element,
    render(state) {
      const room = state.rooms[state.open];
      element.hidden = !room;
      if (!room) { open = null; return; }
      if (open !== room.id) {
        open = room.id;
        box.value = drafts.get(open) ?? "";
        if (!matchMedia("(pointer: coarse)").matches && !document.querySelector("dialog[open]")) box.focus();
      }
      box.placeholder = `Write to ${titleOf(state, room)}`;
      box.setAttribute("aria-label", box.placeholder);
      reply.hidden = !state.replyTo;
      const to = state.replyTo;
      replyText.replaceChildren(...(to
        ? ["Replying to ", isolated(to.sender.display_name), ": ", isolated(to.body)] : []));
    },
  };
}
