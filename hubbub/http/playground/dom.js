/** Creates and updates elements. Data is only set as text, so that no text of a user becomes markup. */

/** h("button.primary", { onclick }, "Send"): an element, its attributes or listeners, its children. */
export function h(name, props = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (typeof value === "boolean") element.toggleAttribute(key, value);
    else if (value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** For an element that holds text of users: its direction follows the text. */
export const AUTO = { dir: "auto" };

/** A name inside a sentence: its direction changes nothing around it. */
export const isolated = (text) => h("bdi", {}, text);

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/playground/icons.svg#${name}`);
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** A button with an icon and a label. */
export function iconButton(name, label, onclick, props = {}) {
  return h("button.icon-button", { type: "button", "aria-label": label, title: label, onclick, ...props }, icon(name));
}

/** The picture of a user, else the initials in a color of their own; with a presence dot if `status` is given. */
export function avatar(user, status) {
  const name = user?.display_name || user?.username || "?";
  const letters = name.split(/\s+/).map((word) => [...word][0]).slice(0, 2).join("").toUpperCase();
  const circle = h("span.avatar", { "aria-hidden": "true" }, h("span.letters", {}, letters));
  const hue = [...(user?.id ?? "")].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 360, 7);
  circle.style.setProperty("--hue", hue);
  if (user?.avatar_url) {
    const image = h("img.face", { src: smallest(user.avatar_url), alt: "", loading: "lazy", onerror: failed });
    /** A small picture has no thumbnail. */
    function failed() {
      if (image.getAttribute("src") === user.avatar_url) image.remove();
      else image.setAttribute("src", user.avatar_url);
    }
    circle.append(image);
  }
  if (status) circle.append(dot(status));
  return circle;
}

/** The smallest thumbnail of an avatar that hubbub stores; every other URL as it is. */
const smallest = (url) => url.replace(/^(.*\/uploads\/[0-9a-f-]{36}\/)[^/]+$/, (_, folder) => `${folder}64.webp`);

export const dot = (status) => h("span.dot", { "data-status": status });

/** Fill `parent` with `items` in order; only those whose `deps` changed are built again. They keep focus and questions. */
export function keyed(parent, items, key, deps, build) {
  const before = parent.kept ?? new Map();
  parent.kept = new Map(items.map((item) => {
    const was = before.get(key(item));
    const now = deps(item);
    if (was?.deps.length === now.length && now.every((dep, i) => Object.is(dep, was.deps[i]))) return [key(item), was];
    const element = build(item);
    if (was) replace(was.element, element);
    return [key(item), { element, deps: now }];
  }));
  const wanted = [...parent.kept.values()].map((kept) => kept.element);
  const stay = new Set(wanted);
  for (const child of [...parent.children]) if (!stay.has(child)) child.remove();
  wanted.forEach((element, i) => {
    if (parent.children[i] !== element) parent.insertBefore(element, parent.children[i] ?? null);
  });
}

function replace(old, element) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const same = ({ dataset: { mark } }) => mark && element.querySelector(`[data-mark="${mark}"]`);
  const opened = [...old.querySelectorAll("[data-open]")];
  old.replaceWith(element);
  for (const each of opened) same(each)?.reopen();
  if (focused) (same(focused) || element).focus();
}

const CLICK_FOLLOWS_MS = 50;      // after the pointer was released
const LONGEST_PRESS_MS = 2000;    // then changes are displayed all the same

/**
 * Return a function that defers drawing while a control is pressed: a control that is replaced or moved between press
 * and release receives no click. Called once for the page; `draw` of the last call is the one that is deferred.
 */
export function createPresses() {
  let deferred = null;
  let pressed = false;
  let end;
  const release = () => {
    const draw = deferred;
    pressed = false;
    deferred = null;
    draw?.();
  };
  const releaseIn = (ms) => { clearTimeout(end); end = setTimeout(release, ms); };
  const press = ({ target, key = " " }) => {
    if (key !== " " || !target.closest?.("button, a, label")) return;
    pressed = true;
    releaseIn(LONGEST_PRESS_MS);
  };
  for (const type of ["pointerdown", "keydown"]) addEventListener(type, press, true);
  for (const type of ["pointerup", "pointercancel", "keyup"])
    addEventListener(type, () => { if (pressed) releaseIn(CLICK_FOLLOWS_MS); }, true);
  addEventListener("click", () => { if (pressed) queueMicrotask(release); });
  return (draw) => {
    if (pressed) deferred = draw;
    else draw();
  };
}

/** Up and Down (Home, End) move the focus among the children of `list` that match `selector`: one tab stop in all. */
export function arrowKeys(list, selector) {
  list.addEventListener("keydown", (event) => {
    const all = [...list.querySelectorAll(selector)];
    const at = all.indexOf(document.activeElement);
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    all[Math.max(0, Math.min(to, all.length - 1))].focus();
  });
  list.addEventListener("focusin", (event) => {
    const chosen = event.target.closest(selector);
    if (chosen) for (const each of list.querySelectorAll(selector)) each.tabIndex = each === chosen ? 0 : -1;
  });
}

/** A button that asks once more before it does something that cannot be undone. Drawn again, it still asks. */
export function twice(button, question, act) {
  const label = button.getAttribute("aria-label") ?? button.textContent;
  const rest = [...button.childNodes];
  button.dataset.mark ??= question;
  button.reopen = () => {
    button.classList.add("sure");
    button.dataset.open = "";
    button.replaceChildren(question);
    button.setAttribute("aria-label", question);
    setTimeout(() => {
      button.classList.remove("sure");
      delete button.dataset.open;
      button.replaceChildren(...rest);
      button.setAttribute("aria-label", label);
    }, 3000);
  };
  button.addEventListener("click", () => (button.classList.contains("sure") ? act() : button.reopen()));
  return button;
}

export function toast(text) {
  const note = h("div.toast", AUTO, text);
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), 6000);
}

/** Announce a text to screen readers. */
export const announce = (text) => { document.getElementById("live").textContent = text; };

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
export const timeOf = (at) => clock.format(new Date(at));
export const whenOf = (at) => moment.format(new Date(at));
export const dayOf = (at) => calendar.format(new Date(at));
