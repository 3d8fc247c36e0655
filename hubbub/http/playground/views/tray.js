/** The files of the composer: chosen, pasted or dropped, uploaded at once, and sent with the next message. */

import { announce, AUTO, h, icon, iconButton, toast } from "../dom.js";
import { sizeOf } from "./attachments.js";

const MAX_FILES = 10;   // of a message

/** `changed` is called when the files of the open room change, or become ready to be sent. */
export function createTray({ api, changed }) {
  const rooms = new Map();   // room id → files
  let open = null;
  const list = h("ul.tray", { "aria-label": "Files to send", hidden: true });
  const files = () => rooms.get(open) ?? [];

  function draw() {
    list.replaceChildren(...files().map((item) => item.element));
    list.hidden = !files().length;
    changed();
  }

  function add(chosen) {
    const free = MAX_FILES - files().length;
    if (chosen.length > free) toast(`A message can have at most ${MAX_FILES} files.`);
    const added = [...chosen].slice(0, free).map((each) => createItem(each, open));
    rooms.set(open, [...files(), ...added]);
    draw();
    for (const item of added) item.start();
  }

  function remove(item) {
    item.stop();
    rooms.set(item.room, rooms.get(item.room).filter((each) => each !== item));
    draw();
    document.getElementById("composer").focus();
  }

  function createItem(source, room) {
    const state = h("small");
    const progress = h("progress", { max: 1, value: 0, "aria-label": `Upload of ${source.name}` });
    const again = h("button", { type: "button", hidden: true, onclick: repeat }, "Try again");
    const preview = source.type.startsWith("image/") ? URL.createObjectURL(source) : null;
    const sign = preview ? h("img", { src: preview, alt: "", onerror: () => image.replaceChildren(icon("image")) }) : icon("file");
    const image = h("span.sign", {}, sign);
    const item = {
      room, upload: null, request: null,
      element: h("li", {}, image, h("span.grow", {}, h("span.name", AUTO, source.name), state, progress), again,
        iconButton("close", `Remove ${source.name}`, () => remove(item))),
      async start() {
        show("", 0);
        try {
          item.upload = await api.upload(source, (part) => show("", part), (request) => { item.request = request; });
          show(sizeOf(item.upload.size), 1);
          announce(`${source.name} is uploaded.`);
        } catch (refusal) {
          if (refusal.code === "aborted") return;
          show(refusal.message, null);
          announce(`${source.name} was not uploaded: ${refusal.message}`);
        }
        changed();
      },
      stop() {
        item.request?.abort();
        if (preview) URL.revokeObjectURL(preview);
      },
    };
    function repeat() {
      item.start();
      document.getElementById("composer").focus();  // the button disappears
    }
    /** `part` of the file is sent, from 0 to 1; null after an error. */
    function show(text, part) {
      state.textContent = text || (part === 1 ? "being checked…" : `${Math.round((part ?? 0) * 100)} % of ${sizeOf(source.size)}`);
      progress.hidden = part === null || Boolean(item.upload);
      progress.value = part ?? 0;
      again.hidden = part !== null;
      item.element.toggleAttribute("data-problem", part === null);
    }
    return item;
  }

  return {
    element: list,
    add,
    open(room) {
      if (open === room) return;
      open = room;
      draw();
    },
    /** Whether there are files, and whether all of them are uploaded. */
    status: () => ({ any: files().length > 0, ready: files().every((item) => item.upload) }),
    /** Take the uploads out, to send them. */
    take() {
      const taken = files();
      for (const item of taken) item.stop();
      rooms.delete(open);
      draw();
      return taken.map(({ upload }) => ({ id: upload.id, name: upload.name }));
    },
  };
}
