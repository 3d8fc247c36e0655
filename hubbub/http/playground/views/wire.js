/** Live view of the events on the socket, for authors of clients. Collapsed until it is opened. */

import { h } from "../dom.js";

const KEPT = 200;
const ARROWS = { out: "↑", in: "↓", ack: "↵" };

export function createWire() {
  const list = h("ol.frames", { tabindex: 0, "aria-label": "Events, newest last" });
  const count = h("span.count", {}, "0");
  const clear = h("button", { type: "button", onclick: () => list.replaceChildren() }, "Clear");
  const element = h("details.wire", {}, h("summary", {}, "Wire ", count), h("div.wire-body", {}, list, clear));
  let total = 0;

  return {
    element,
    /** `way` is "in", "out" or "ack"; `ms` is the time until the ack. */
    add(way, event, payload, ms) {
      const bad = payload?.ok === false || event === "connect_error";
      const text = JSON.stringify(payload, (key, value) => (key === "token" ? "…" : value)) ?? "";
      const row = h("details.frame", { "data-way": way, ...(bad && { "data-bad": true }) },
        h("summary", {}, h("span.way", { "aria-label": way }, ARROWS[way]), h("b", {}, event),
          ms !== undefined && h("span.ms", {}, `${Math.round(ms)} ms`), h("code", {}, text.slice(0, 160))));
      row.addEventListener("toggle", () => {
        if (row.open && row.children.length < 2) row.append(h("pre", {}, JSON.stringify(JSON.parse(text), null, 2)));
      });
      const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
      list.append(h("li", {}, row));
      if (list.children.length > KEPT) list.firstChild.remove();
      if (atEnd) list.scrollTop = list.scrollHeight;
      count.textContent = String(total += 1);
    },
  };
}
