/** The operations of the page, in terms of the protocol's events. Views call nothing else. */

import { place } from "./address.js";
import { announce, toast } from "./dom.js";

const TYPING_EVERY_MS = 2500;
const TYPING_FADES_MS = 7000;
const READ_EVERY_MS = 300;

export function createChat(store, connection) {
  const { get, dispatch } = store;
  const { ask } = connection;
  const fading = new Map();
  const doubtful = new Map();   // room id → seqs of messages to read again
  const reading = new Map();    // room id → the seq to read up to
  const leaving = new Set();
  let typed = 0;

  /** Call an event. Displays the error and returns null if it is rejected. */
  async function attempt(event, payload) {
    try {
      return await ask(event, payload);
    } catch (refusal) {
      toast(refusal.fields?.length ? refusal.fields.map((f) => `${f.field}: ${f.message}`).join(" ") : refusal.message);
      return null;
    }
  }

  async function page(id, query, replace = false) {
    const asked = get().rooms[id]?.cursor;
    const answer = await attempt("message:history", { room_id: id, limit: 50, ...query });
    if (answer) dispatch({ type: "history", id, messages: answer.messages, asked, replace, page: ends(query, answer, id, asked) });
    return answer;
  }

  /** Whether the log has entries beyond a page. Entries received meanwhile may be after the end of the page. */
  function ends({ before_seq, after_seq, around_seq, limit }, { has_more, has_before, has_after }, id, asked) {
    if (limit) return {};
    if (around_seq !== undefined) return { loaded: true, hasMore: has_before, hasNewer: has_after };
    if (after_seq !== undefined) return { hasNewer: has_more || get().rooms[id]?.cursor !== asked };
    return { loaded: true, hasMore: has_more, ...(before_seq === undefined && { hasNewer: false }) };
  }

  /** Load the message `seq` into the log of a room, else the first unread one, else the newest. */
  async function load(id, seq) {
    const { my, log, loaded, hasMore, hasNewer } = get().rooms[id];
    const first = seq ?? (my.unread ? my.last_read_seq + 1 : null);
    const within = loaded && (!hasMore || log[0]?.seq <= first) && (!hasNewer || log.at(-1)?.seq >= first);
    if (first === null ? !loaded || hasNewer : !within)
      await page(id, first === null ? {} : { around_seq: first }, true);
    dispatch({ type: "room", id, patch: { jump: { seq } } });
  }

  async function members(id) {
    let cursor = null;
    do {
      const answer = await attempt("room:members", { room_id: id, limit: 200, ...(cursor && { cursor }) });
      if (!answer) return;
      dispatch({ type: "members", id, members: answer.members });
      cursor = answer.next_cursor;
    } while (cursor && Object.keys(get().rooms[id]?.roles ?? {}).length < 1000);
  }

  function enter(room) {
    dispatch({ type: "rooms", rooms: [room] });
    chat.open(room.id);
  }

  /** A message from history may already count this reaction: read it again. */
  function onEntry(event, payload, isLive) {
    const room = get().rooms[payload.room_id];
    if (event.startsWith("reaction:")) {
      const message = room?.log.find((item) => item.id === payload.message_id);
      if (message && !message.exact) doubt(room.id, message.seq);
    }
    if (event === "message:new" && isLive && payload.actor_id !== get().me.id && get().open === payload.room_id)
      announce(`${payload.message.sender.display_name}: ${summaryOf(payload.message)}`);
  }

  function doubt(id, seq) {
    const seqs = doubtful.get(id) ?? new Set();
    if (!seqs.size) setTimeout(() => {
      doubtful.delete(id);
      for (const each of seqs) page(id, { after_seq: each - 1, limit: 1 });
    }, 300);
    doubtful.set(id, seqs.add(seq));
  }

  /** A direct room has no name. Its title is the name of the other user. */
  async function onReady(first) {
    const state = get();
    for (const room of Object.values(state.rooms)) {
      if (room.kind === "direct" && !Object.keys(room.roles).length) await members(room.id);
    }
    const people = Object.keys(get().users).slice(0, 200);
    const known = first ? null : await attempt("presence:get", { user_ids: people });
    if (known) dispatch({ type: "presence", presences: known.presences });
    const wanted = place();
    const general = state.rooms[wanted.room] ?? Object.values(state.rooms).sort((a, b) => b.last_seq - a.last_seq)[0];
    if (wanted.room && first && general?.id !== wanted.room) toast("You are not a member of that room.");
    if (first && !state.open && general) chat.open(general.id, general.id === wanted.room ? wanted.seq : null);
    else if (state.open) refresh(state.open);
  }

  async function refresh(id) {
    if (get().rooms[id]?.loaded === false) await load(id, null);
    await members(id);
  }

  connection.on("typing", (hint) => {
    const key = hint.room_id + hint.user_id;
    clearTimeout(fading.get(key));
    const fade = () => dispatch({ type: "typing", ...hint, typing: false });
    if (hint.typing) fading.set(key, setTimeout(fade, TYPING_FADES_MS));
    dispatch({ type: "typing", ...hint });
  });
  connection.on("presence", (hint) => dispatch({ type: "presence", presences: [hint] }));
  connection.on("read", (hint) => dispatch({ type: "read", ...hint }));
  connection.on("room:gone", ({ room_id }) => {
    const room = get().rooms[room_id];
    dispatch({ type: "gone", id: room_id });
    if (room && !leaving.delete(room_id)) toast(`You are no longer in ${titleOf(get(), room)}.`);
  });
  connection.on("room:added", async ({ room }) => {
    dispatch({ type: "rooms", rooms: [room] });
    if (room.kind === "direct") await members(room.id);
  });
  connection.on("error", ({ event, error }) => toast(`${event}: ${error.message}`));

  async function sendRead(id) {
    const seq = reading.get(id);
    const { my, keepUnread } = get().rooms[id] ?? {};
    const answer = my && !keepUnread && seq > my.last_read_seq
      ? await ask("room:read", { room_id: id, seq }).catch(() => null) : null;
    if (answer) dispatch({ type: "my", id, my: answer });
    const next = reading.get(id);
    reading.delete(id);
    if (answer && next > seq) chat.read(id, next);
  }

  const chat = {
    onEntry,
    onReady,
    members,
    /** Open a room at the message `seq`, or at the first unread one. */
    async open(id, seq = null) {
      if (!get().rooms[id]) return;
      dispatch({ type: "open", id });
      if (!connection.isLive()) return;
      await load(id, seq);
      await members(id);
    },
    older: (id) => page(id, { before_seq: get().rooms[id].log.find((item) => item.id)?.seq ?? 1 }),
    newer: (id) => page(id, { after_seq: get().rooms[id].log.findLast((item) => item.id)?.seq ?? 0 }),
    /** Replace older messages by the newest ones. */
    latest: (id) => page(id, {}, true),
    /** `attachments` are uploads of the user: `{ id, name }` each. */
    send(room_id, body, attachments = []) {
      const { replyTo } = get();
      const item = { client_id: newId(), room_id, body, reply_to: replyTo?.id ?? null, attachments, at: new Date().toISOString() };
      dispatch({ type: "queue", item });
      dispatch({ type: "page", patch: { replyTo: null } });
      dispatch({ type: "room", id: room_id, patch: { divider: null } });
      if (get().rooms[room_id].hasNewer && connection.isLive()) chat.latest(room_id);
      typed = 0;
      connection.flush();
    },
    again(client_id) {
      dispatch({ type: "queued", client_id, patch: { problem: null } });
      connection.flush();
    },
    edit: (message_id, body) => attempt("message:edit", { message_id, body }),
    remove: (message_id) => attempt("message:delete", { message_id }),
    react: (message_id, emoji, on) => attempt(on ? "reaction:add" : "reaction:remove", { message_id, emoji }),
    /** Advance the read mark to `seq`: one request at a time, and at most one in READ_EVERY_MS. */
    read(id, seq) {
      const room = get().rooms[id];
      if (!room?.my.unread || room.keepUnread || seq <= room.my.last_read_seq || !connection.isLive()) return;
      const waits = reading.has(id);
      reading.set(id, Math.max(seq, reading.get(id) ?? 0));
      if (!waits) setTimeout(sendRead, READ_EVERY_MS, id);
    },
    readAll(id) {
      dispatch({ type: "room", id, patch: { keepUnread: false, divider: null } });
      chat.read(id, get().rooms[id].last_seq);
    },
    async markUnread(id, seq) {
      dispatch({ type: "room", id, patch: { keepUnread: true, divider: seq - 1 } });
      const my = await attempt("room:mark_unread", { room_id: id, seq });
      if (my) dispatch({ type: "my", id, my });
    },
    typing(id, on) {
      const now = Date.now();
      if (!connection.isLive() || (on ? now - typed < TYPING_EVERY_MS : !typed)) return;
      typed = on ? now : 0;
      ask(on ? "typing:start" : "typing:stop", { room_id: id }, 1).catch(() => {});
    },
    async status(status) {
      if (await attempt("presence:set", { status }))
        dispatch({ type: "presence", presences: [{ user_id: get().me.id, status }] });
    },
    async create(payload) {
      const answer = await attempt("room:create", payload);
      if (answer) enter(answer.room);
      return answer;
    },
    direct: (user_id) => chat.create({ kind: "direct", member_ids: [user_id] }),
    async join(room_id) {
      const answer = await attempt("room:join", { room_id });
      if (answer) enter(answer.room);
      return answer;
    },
    async leave(room_id) {
      leaving.add(room_id);
      if (await attempt("room:leave", { room_id })) dispatch({ type: "gone", id: room_id });
      else leaving.delete(room_id);
    },
    update: (room_id, patch) => attempt("room:update", { room_id, ...patch }),
    invite: (room_id, user_id) => attempt("room:invite", { room_id, user_id }),
    expel: (room_id, user_id) => attempt("room:remove", { room_id, user_id }),
    role: (room_id, user_id, role) => attempt("room:set_role", { room_id, user_id, role }),
    async mute(id, muted) {
      if (await attempt("room:mute", { room_id: id, muted })) dispatch({ type: "my", id, my: { muted } });
    },
    browse: (query) => attempt("room:browse", { limit: 50, ...(query && { query }) }),
    search: (query, room_id, cursor) =>
      attempt("message:search", { query, limit: 20, ...(room_id && { room_id }), ...(cursor && { cursor }) }),
  };
  return chat;
}

/** A message in one line: its text, else the names of its attachments. */
export const summaryOf = ({ body, attachments }) => body || (attachments ?? []).map(({ name }) => name).join(", ");

/** A UUID; `crypto.randomUUID` is missing where the page is not served from localhost or over TLS. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The title of a room on the page. */
export function titleOf(state, room) {
  if (room.kind !== "direct") return room.name ?? "Unnamed room";
  return state.users[otherOf(state, room)]?.display_name ?? "Direct message";
}

export const otherOf = (state, room) => Object.keys(room.roles).find((id) => id !== state.me.id);
