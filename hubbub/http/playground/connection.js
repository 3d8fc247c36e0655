/** The sockets on /chat and /notifications: connecting, catching up with `sync`, disconnecting, and the queue of unsent messages. */

import { Refusal } from "./api.js";
import { behind, cursors } from "./state.js";

const ENTRIES = ["message:new", "message:updated", "message:deleted", "reaction:added", "reaction:removed",
  "member:joined", "member:left", "member:role", "room:updated"];
const KEPT = "hubbub:queue";
const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const passing = ({ code }) => ["offline", "no_answer", "unavailable", "rate_limited"].includes(code);
const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`;

/** `onReady` runs after each catch-up, `onEntry` after each entry, `onEnd(why)` when a new login is needed. */
export function createConnection({ api, store, wire, onReady, onEntry, onEnd }) {
  const { get, dispatch } = store;
  const socket = io("/chat", { autoConnect: false, forceNew: true, auth: introduce });
  // On the same transport. It connects when /chat is ready, so that /chat alone decides about logins.
  const inbox = socket.io.socket("/notifications", {
    auth: async (hand) => hand({ token: await api.token().catch(() => "") }),
  });
  let live = false;      // caught up: the queue may be sent
  let dropped = false;   // by the button
  let closing = null;    // the closing event of the server
  let sending = false;
  let ended = false;
  let renewal = -5000;   // when the last token was requested
  let renewing = null;

  const named = (on, event) => (on === inbox ? `/notifications ${event}` : event);
  const link = (status, note, action) => dispatch({ type: "link", status, note, action });

  async function introduce(hand) {
    const { epoch } = get();
    const token = await api.token().catch((refusal) => (passing(refusal) ? "" : stop(refusal.message)));
    hand({ token, ...(epoch && { epoch, cursors: cursors(get()) }) });
  }

  /** Emit and wait for the ack. Retries after `retry_after_ms`. Throws a Refusal. */
  const ask = (event, payload, tries) => request(socket, event, payload, tries);

  async function request(on, event, payload, tries = 4) {
    if (!on.connected) throw new Refusal({ code: "offline", message: "Not connected." });
    const began = performance.now();
    wire.add("out", named(on, event), payload);
    const answer = await on.timeout(15_000).emitWithAck(event, payload)
      .catch(() => { throw new Refusal({ code: "no_answer", message: "The server did not respond." }); });
    wire.add("ack", named(on, event), answer, performance.now() - began);
    if (answer.ok) return answer.data;
    if (answer.error.code !== "rate_limited" || tries <= 1) throw new Refusal(answer.error);
    link(get().link.status, `Rate limited: next attempt in ${Math.ceil(answer.error.retry_after_ms / 100) / 10} s`);
    await wait(answer.error.retry_after_ms);
    if (live) link("online", "Connected");
    return request(on, event, payload, tries - 1);
  }

  async function catchUp() {
    const began = performance.now();
    const failed = new Set();
    let count = 0;
    for (let round = 0; round < 40; round += 1) {
      const rooms = behind(get()).filter((room) => !failed.has(room.id)).slice(0, 500);
      if (!rooms.length) break;
      const seen = Object.fromEntries(rooms.map((room) => [room.id, room.cursor]));
      const answer = await ask("sync", { epoch: get().epoch, rooms: seen, limit: 500 });
      for (const [id, part] of Object.entries(answer.rooms)) {
        if (part.error) failed.add(id);
        count += part.entries?.length ?? 0;
        dispatch({ type: "synced", id, part });
        for (const { event, payload } of part.entries ?? []) onEntry(event, payload, false);
      }
    }
    return { count, ms: Math.round(performance.now() - began) };
  }

  async function begin(ready) {
    const { epoch } = get();
    const renewed = epoch !== null && epoch !== ready.epoch;
    dispatch({ type: "ready", ready });
    link("catching-up", "Catching up…");
    let page = { next_cursor: ready.rooms_complete && !renewed ? null : undefined };
    while (page.next_cursor !== null) {
      page = await ask("room:list", { limit: 200, ...(page.next_cursor && { cursor: page.next_cursor }) });
      dispatch({ type: "rooms", rooms: page.rooms });
    }
    const { count, ms } = await catchUp();
    live = true;
    connectInbox();
    if (renewed) link("online", "The epoch of the server changed: all rooms were loaded again");
    else if (count) link("online", `Caught up: ${plural(count, "entry", "entries")} by sync in ${ms} ms`);
    else if (epoch) link("online", "Reconnected, no entries were missed");
    else link("online", "Connected");
    onReady(epoch === null || renewed);
    flush();
  }

  /** Send what is queued, one at a time and in order; the same `client_id` until it is stored. */
  async function flush() {
    if (sending) return;
    sending = true;
    for (let item; live && (item = get().queue.find((each) => !each.problem));) {
      const { client_id, room_id, body, reply_to, attachments } = item;
      const more = { ...(reply_to && { reply_to }), ...(attachments?.length && { attachments: attachments.map(({ id }) => id) }) };
      try {
        const { message } = await ask("message:send", { client_id, room_id, body, ...more });
        dispatch({ type: "stored", message, client_id });
      } catch (refusal) {
        if (!passing(refusal)) dispatch({ type: "queued", client_id, patch: { problem: refusal.message } });
        else if (socket.connected) await wait(refusal.retry_after_ms ?? 2000);
        else break;
      }
    }
    sending = false;
  }

  function stop(why) {
    ended = true;
    disconnect();
    onEnd(why);
  }

  /** A refused or closed socket that does not reconnect by itself. */
  async function settle({ code, message, retry_after_ms }) {
    if (code === "token_expired" || code === "unauthenticated") {
      link("offline", "The access token expired: renewing it…");
      try {
        await api.refresh();
        socket.connect();
      } catch (refusal) {
        if (passing(refusal)) later(refusal.retry_after_ms ?? 3000, refusal.message);
        else stop(`${message} Please sign in again.`);
      }
    } else if (code === "session_revoked" || code === "suspended") stop(message);
    else if (retry_after_ms) later(retry_after_ms, message);
    else link("ended", message, "Reconnect");
  }

  async function later(ms, why) {
    link("offline", `${why} Again in ${Math.ceil(ms / 1000)} s`);
    await wait(ms);
    if (!dropped && !ended && !socket.active) socket.connect();
  }

  socket.on("ready", (ready) => begin(ready).catch((refusal) => {
    if (refusal.code !== "offline") link("ended", refusal.message, "Reconnect");
  }));
  socket.on("connect", () => { closing = null; patience(500, 5000, 0.5); });
  socket.on("connect_error", (error) => {
    wire.add("in", "connect_error", error.data ?? error.message);
    if (error.data?.code) settle(error.data);
    else link("offline", socket.active ? "Offline: trying to reconnect" : error.message, "Reconnect");
  });
  socket.on("disconnect", (reason) => {
    wire.add("in", "disconnect", { reason });
    live = false;
    if (ended) return;
    if (dropped) link("dropped", "Offline", "Reconnect");
    else if (reason === "io server disconnect") settle(closing ?? { message: "The server closed the connection." });
    else link("offline", closing ? `${closing.message} Reconnecting` : "Offline: trying to reconnect");
  });
  socket.on("closing", (last) => { closing = last; });
  socket.on("server:draining", ({ reconnect_in_ms }) => patience(reconnect_in_ms, reconnect_in_ms, 0));
  for (const each of [socket, inbox]) {
    each.on("auth:expiring", () => { renewing ??= renew().finally(() => { renewing = null; }); });
    each.onAny((event, payload) => wire.add("in", named(each, event), payload));
  }
  let inboxClosing = null;
  inbox.on("connect", () => { inboxClosing = null; });
  inbox.on("closing", ({ code }) => { inboxClosing = code; });
  inbox.on("connect_error", ({ data }) => resume(data?.code));
  inbox.on("disconnect", () => resume(inboxClosing));

  /** Renew the token of both sockets, which are about to expire at the same time. */
  async function renew() {
    // Tokens that live for less than a minute are always about to expire: not more than one every 5 s.
    const now = performance.now();
    renewal = Math.max(now, renewal + 5000);
    await wait(renewal - now);
    try {
      const token = await api.refresh();
      for (const each of [socket, inbox]) if (each.connected) await request(each, "auth:refresh", { token });
    } catch (refusal) {
      link(get().link.status, `The access token could not be renewed: ${refusal.message}`);
    }
  }

  /** Connect the refused or closed inbox with a new token. Other refusals last until the next `ready` of /chat. */
  async function resume(code) {
    if (!live || (code !== "token_expired" && code !== "unauthenticated")) return;
    await api.refresh().catch(() => {});  // /chat handles what this means
    connectInbox();
  }

  function connectInbox() {
    if (live && !inbox.active) inbox.connect();
  }

  function disconnect() {
    inbox.disconnect();
    socket.disconnect();
  }
  for (const event of ENTRIES) {
    socket.on(event, (payload) => {
      dispatch({ type: "entry", event, payload });
      onEntry(event, payload, true);
      if (live && behind(get()).length) catchUp().catch(() => {});  // a gap: never observed, but cheap to repair
    });
  }

  /** The delays of the stock client before it reconnects. */
  function patience(least, most, jitter) {
    socket.io.reconnectionDelay(least);
    socket.io.reconnectionDelayMax(most);
    socket.io.randomizationFactor(jitter);
  }

  let kept = get().queue;
  const unwatch = store.watch(({ queue }) => {
    if (queue !== kept) sessionStorage.setItem(KEPT, JSON.stringify(kept = queue));
  });
  for (const item of JSON.parse(sessionStorage.getItem(KEPT) ?? "[]")) dispatch({ type: "queue", item });

  return {
    ask,
    flush,
    on: (event, listener) => socket.on(event, listener),
    isLive: () => live,
    start: () => socket.connect(),
    /** Drop the transport, as in a tunnel, and stay offline until `reconnect`. */
    drop() {
      dropped = true;
      socket.io.reconnection(false);
      if (socket.connected) socket.io.engine.close();
      else disconnect();
      link("dropped", "Offline", "Reconnect");
    },
    reconnect() {
      dropped = false;
      socket.io.reconnection(true);
      link("connecting", "Connecting…");
      socket.connect();
    },
    end() { ended = true; unwatch(); sessionStorage.removeItem(KEPT); disconnect(); },
    inbox: {
      ask: (event, payload) => request(inbox, event, payload),
      on: (event, listener) => inbox.on(event, listener),
      /** Whether the inbox is connected. If it was refused, connect it again. */
      connect() { connectInbox(); return inbox.connected; },
    },
  };
}
