/** A message's text as elements: code, links, and the users it mentions. */

import { pieces } from "../code.js";
import { h } from "../dom.js";

const PARTS = /(https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)])|(?<![\p{Script=Latin}\p{N}@\uff20\ufe6b])[@\uff20\ufe6b]([\p{L}\p{N}_.\-\uff3f\uff0e\uff0d]+)(?![@\uff20\ufe6b])/gu;

/** `names`: usernames of those the message mentions; `own`: one's own username. */
export function textNodes(body, names, own) {
  return pieces(body).flatMap(({ text, code }) => {
    if (code) return [h(code === "block" ? "pre" : "code", {}, text)];
    return linked(text, names, own);
  });
}

function linked(text, names, own) {
  const nodes = [];
  let end = 0;
  for (const { 0: all, 1: url, 2: at, index } of text.matchAll(PARTS)) {
    const name = url ? "" : mentioned(at, names);
    if (!url && !name) continue;
    const length = url ? all.length : name.length + 1;
    if (index > end) nodes.push(text.slice(end, index));
    if (url) nodes.push(h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, url));
    else nodes.push(h("span.mention", name === own ? { "data-own": true } : {}, all.slice(0, length)));
    end = index + length;
  }
  return [...nodes, text.slice(end)];
}

/** The longest of the names with which a text begins that is not the beginning of a longer word. */
function mentioned(text, names) {
  const given = text.normalize("NFKC").toLowerCase();
  const fits = names.filter((name) => given.startsWith(name) && !/^[a-z0-9]/.test(given.slice(name.length)));
  return fits.sort((one, other) => other.length - one.length)[0];
}
