/** A message's text as elements: code, links, and the people it names. */

import { h } from "../dom.js";

const PARTS = /```([\s\S]+?)```|`([^`\n]+)`|(https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)])|@([\p{L}\p{N}_.-]+)/gu;

/** `names`: usernames of those the message mentions; `own`: one's own username. */
export function textNodes(body, names, own) {
  const nodes = [];
  let end = 0;
  for (const match of body.matchAll(PARTS)) {
    const [all, block, code, url, at] = match;
    let name = at?.toLowerCase();
    while (name && !names.includes(name) && /[.-]$/.test(name)) name = name.slice(0, -1);  // the end of a sentence
    if (at && !names.includes(name)) continue;
    if (match.index > end) nodes.push(body.slice(end, match.index));
    if (block) nodes.push(h("pre", {}, block.replace(/^\n/, "")));
    else if (code) nodes.push(h("code", {}, code));
    else if (url) nodes.push(h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, url));
    else nodes.push(h("span.mention", name === own ? { "data-own": true } : {}, all.slice(0, name.length + 1)));
    end = match.index + (at ? name.length + 1 : all.length);
  }
  return [...nodes, body.slice(end)];
}
