/** The composer: Enter sends, Shift+Enter breaks the line, Up in an empty box edits the last message. */

import { summaryOf, titleOf } from "../chat.js";
import { AUTO, h, icon, iconButton, isolated } from "../dom.js";
import { createTray } from "./tray.js";

const KEPT = "hubbub:drafts";

/** Remove the drafts, at logout. */
export const forgetDrafts = () => sessionStorage.removeItem(KEPT);

export function createComposer({ store, chat, api }) {
  const drafts = new Map(Object.entries(JSON.parse(sessionStorage.getItem(KEPT) ?? "{}")));
  let open = null;
  const box = h("textarea", {
    ...AUTO, id: "composer", rows: 1, maxlength: 8000, autocomplete: "off",
    oninput: typed, onkeydown: key, onpaste: paste, onblur: () => open && chat.typing(open, false),
  });
  const replyText = h("span.grow");
  const reply = h("div.replying", { hidden: true }, icon("reply"), replyText,
    iconButton("close", "Do not reply", () => store.dispatch({ type: "page", patch: { replyTo: null } })));
  const button = h("button.primary.send", { "aria-label": "Send" }, icon("send"));
  const chooser = h("input", { type: "file", multiple: true, hidden: true, onchange: choose });
  const clip = iconButton("clip", "Attach files", () => chooser.click());
  const tray = createTray({ api, changed: () => { button.disabled = tray?.status().any && !tray.status().ready; } });
  const element = h("form.composer", { onsubmit: send }, reply, tray.element, h("div.box", {}, clip, chooser, box, button));

  function choose() {
    tray.add(chooser.files);
    chooser.value = "";
    box.focus();
  }

  function paste(event) {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    tray.add(event.clipboardData.files);
  }

  /** Files can be dropped anywhere on the page. */
  function dropped(event) {
    if (!event.dataTransfer?.types.includes("Files") || !element.isConnected || !open) return;
    event.preventDefault();
    element.classList.toggle("dropping", event.type === "dragover");
    if (event.type === "drop") tray.add(event.dataTransfer.files);
  }
  for (const kind of ["dragover", "dragleave", "drop"]) document.addEventListener(kind, dropped);

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
    const { any, ready } = tray.status();
    if (!open || !ready || !(body || any)) return;
    box.value = "";
    drafts.delete(open);
    keep();
    chat.send(open, body, tray.take());
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
        tray.open(open);
        box.value = drafts.get(open) ?? "";
        if (!matchMedia("(pointer: coarse)").matches && !document.querySelector("dialog[open]")) box.focus();
      }
      box.placeholder = `Write to ${titleOf(state, room)}`;
      box.setAttribute("aria-label", box.placeholder);
      reply.hidden = !state.replyTo;
      const to = state.replyTo;
      replyText.replaceChildren(...(to
        ? ["Replying to ", isolated(to.sender.display_name), ": ", isolated(summaryOf(to))] : []));
    },
  };
}
