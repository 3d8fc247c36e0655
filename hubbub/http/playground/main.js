/** Assembles the page: the login, then the chat. Renders once after each burst of changes. */

import { createAddress } from "./address.js";
import { createApi } from "./api.js";
import { createChat } from "./chat.js";
import { createConnection } from "./connection.js";
import { createPresses, h, toast } from "./dom.js";
import { createInbox } from "./inbox.js";
import { counted, createStore, initial } from "./state.js";
import { forgetDrafts } from "./views/composer.js";
import { createConversation } from "./views/conversation.js";
import { createPanel } from "./views/panel.js";
import { createSidebar } from "./views/sidebar.js";
import { createLogin } from "./views/login.js";
import { createWire } from "./views/wire.js";

const root = document.getElementById("app");
const api = createApi();
const whileNotPressed = createPresses();

async function start() {
  applyTheme(localStorage.getItem("hubbub:theme"));
  const back = await api.loginResult().catch((refusal) => refusal);
  if (api.user()) await enter();
  else signedOut(back);
}

function signedOut(back = null) {
  document.title = "hubbub playground";
  const form = createLogin(api, enter, back);
  root.replaceChildren(form);
  form.querySelector("input:not([type=hidden])").focus();
}

async function enter() {
  if (!(await api.claim())) {
    api.forget();
    return signedOut();
  }
  const store = createStore(initial);
  const wire = createWire();
  const hooks = {};
  const connection = createConnection({ api, store, wire, onEnd,
    onReady: (first) => hooks.chat.onReady(first), onEntry: (...args) => hooks.chat.onEntry(...args) });
  const chat = hooks.chat = createChat(store, connection);
  const address = createAddress({ store, chat });
  const inbox = createInbox(store, connection);
  const context = { store, chat, inbox, connection, api, theme: nextTheme, logOut };
  const views = [createSidebar(context), createConversation(context), createPanel(context)];
  const app = h("div.app", {}, views.map((view) => view.element), wire.element);
  root.replaceChildren(app);

  function render(state) {
    for (const view of views) view.render(state);
    app.toggleAttribute("data-panel", Boolean(state.panel));
    app.toggleAttribute("data-drawer", Boolean(state.drawer));
    const unread = Object.values(state.rooms).reduce((sum, room) => sum + (room.my.muted ? 0 : room.my.unread), 0);
    const notified = state.inbox.unread;
    const counts = [unread && counted(unread), notified && `🔔 ${counted(notified)}`].filter(Boolean).join(", ");
    document.title = counts ? `(${counts}) hubbub playground` : "hubbub playground";
  }

  function onEnd(why) {
    connection.end();
    address.end();
    api.forget();
    forgetDrafts();
    toast(why);
    signedOut();
  }

  function logOut() {
    connection.end();
    address.end();
    api.logout();
    forgetDrafts();
    history.replaceState(null, "", location.pathname);
    signedOut();
  }

  document.onkeydown = (event) => {
    const { panel, drawer, editing, replyTo } = store.get();
    if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
    if (editing || replyTo) store.dispatch({ type: "page", patch: { editing: null, replyTo: null } });
    else if (drawer) store.dispatch({ type: "page", patch: { drawer: false } });
    else if (panel) store.dispatch({ type: "page", patch: { panel: null } });
  };
  store.watch(() => whileNotPressed(() => render(store.get())));
  render(store.get());
  connection.start();
}

function applyTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

function nextTheme() {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  localStorage.setItem("hubbub:theme", dark ? "light" : "dark");
  applyTheme(dark ? "light" : "dark");
}

start();
