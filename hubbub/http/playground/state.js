/** The state of the page, and the pure function that changes it: no network, no elements, no clock. */

import { COUNTED, initialInbox, reduceInbox } from "./inbox-state.js";

export const initial = {
  me: null, epoch: null, open: null, rooms: {}, users: {}, presence: {}, queue: [],
  link: { status: "connecting", note: "Connecting…" }, editing: null, replyTo: null, panel: null,
  inbox: initialInbox,
};

/** A count as text. */
export const counted = (count) => (count >= COUNTED ? "999+" : String(count));

/** The state after `action`; the same object if nothing changed. */
export function reduce(state, action) {
  return steps[action.type](state, action);
}

/** A store: `get`, `dispatch`, and `watch` for a listener that is called once after a burst of changes. */
export function createStore(state) {
  const watchers = new Set();
  let due = false;
  const tell = () => { due = false; for (const watcher of [...watchers]) watcher(state); };
  return {
    get: () => state,
    watch(watcher) { watchers.add(watcher); return () => watchers.delete(watcher); },
    dispatch(action) {
      const next = reduce(state, action);
      if (next === state) return;
      state = next;
      if (!due) queueMicrotask(tell);
      due = true;
    },
  };
}

/** `{ room_id: last seq }`, which a client sends when it reconnects. */
export const cursors = (state) =>
  Object.fromEntries(Object.values(state.rooms).slice(0, 500).map((room) => [room.id, room.cursor]));

/** The rooms with entries that this page has not received. */
export const behind = (state) =>
  Object.values(state.rooms).filter((room) => room.last_seq > room.cursor || Object.keys(room.held).length);

const steps = {
  /** `ready`: state of another epoch is dropped; known rooms keep their log and cursor. */
  ready(state, { ready }) {
    const rooms = ready.epoch === state.epoch ? state.rooms : {};
    return steps.rooms({ ...state, me: ready.user, epoch: ready.epoch, rooms }, ready);
  },
  rooms(state, { rooms }) {
    const next = { ...state.rooms };
    for (const room of rooms) {
      if (room.my) next[room.id] = { ...(next[room.id] ?? empty(room.last_seq)), ...room };
      else delete next[room.id];
    }
    return { ...state, rooms: next, users: meet(state.users, [state.me]) };
  },
  gone(state, { id }) {
    const { [id]: left, ...rooms } = state.rooms;
    return left ? { ...state, rooms, open: state.open === id ? null : state.open } : state;
  },
  entry: (state, { event, payload }) => take(state, event, payload),
  synced(state, { id, part }) {
    if (part.gone) return steps.gone(state, { id });
    if (part.reset) return put(state, id, { ...empty(part.last_seq), last_seq: part.last_seq });
    if (part.error || !state.rooms[id]) return state;
    for (const { event, payload } of part.entries) state = take(state, event, payload);
    if (!part.complete) return state;
    const cursor = Math.max(state.rooms[id]?.cursor ?? 0, part.last_seq);
    return release(put(state, id, { cursor, last_seq: part.last_seq }), id);
  },
  /**
   * Read messages, except those that an entry changed since `asked`, the cursor when they were asked for. With
   * `replace` they take the place of the log, which shows one piece of the history without a hole.
   */
  history(state, { id, messages, asked, page, replace }) {
    const room = state.rooms[id];
    if (!room) return state;
    const newer = new Set(room.log.filter((item) => item.as > asked).map((item) => item.seq));
    const seqs = new Set(messages.map((message) => message.seq));
    const end = messages.at(-1)?.seq ?? 0;
    const stays = ({ seq }) => (newer.has(seq) && seqs.has(seq)) || (!page.hasNewer && seq > end);
    const kept = replace ? room.log.filter(stays) : room.log;
    const log = messages.filter((message) => !newer.has(message.seq)).reduce(upsert, kept);
    return { ...put(state, id, { log, ...page }), users: meet(state.users, messages.map((m) => m.sender)) };
  },
  /** The message of an ack: displayed at once, before its entry arrives. */
  stored(state, { message, client_id }) {
    const queue = state.queue.filter((item) => item.client_id !== client_id);
    const room = state.rooms[message.room_id];
    if (!room) return { ...state, queue };
    const known = room.hasNewer || room.log.some((item) => item.seq === message.seq);
    return put({ ...state, queue }, room.id, { log: known ? room.log : upsert(room.log, message) });
  },
  members(state, { id, members }) {
    const roles = Object.fromEntries(members.map((m) => [m.user.id, m.role]));
    const presence = Object.fromEntries(members.filter((m) => m.status).map((m) => [m.user.id, m.status]));
    return { ...put(state, id, { roles: { ...state.rooms[id]?.roles, ...roles } }),
      users: meet(state.users, members.map((m) => m.user)), presence: { ...state.presence, ...presence } };
  },
  presence: (state, { presences }) =>
    ({ ...state, presence: { ...state.presence, ...Object.fromEntries(presences.map((p) => [p.user_id, p.status])) } }),
  typing(state, { room_id, user_id, typing }) {
    const { [user_id]: _, ...others } = state.rooms[room_id]?.typing ?? {};
    return put(state, room_id, { typing: typing ? { ...others, [user_id]: true } : others });
  },
  /** A read mark. The user's own, set on another device, changes the counts. */
  read(state, { room_id, user_id, seq, unread, mentions }) {
    const room = state.rooms[room_id];
    if (!room) return state;
    if (user_id !== state.me.id) return put(state, room_id, { reads: { ...room.reads, [user_id]: seq } });
    return steps.my(state, { id: room_id, my: { last_read_seq: seq, unread, mentions } });
  },
  my: (state, { id, my }) => put(state, id, { my: { ...state.rooms[id]?.my, ...my } }),
  open(state, { id }) {
    const my = state.rooms[id].my;
    return put({ ...state, open: id, drawer: false, editing: null, replyTo: null }, id,
      { divider: my.unread ? my.last_read_seq : null, keepUnread: false, jump: null });
  },
  room: (state, { id, patch }) => put(state, id, patch),
  queue: (state, { item }) => ({ ...state, queue: [...state.queue, item] }),
  queued: (state, { client_id, patch }) =>
    ({ ...state, queue: state.queue.map((item) => (item.client_id === client_id ? { ...item, ...patch } : item)) }),
  unqueue: (state, { client_id }) => ({ ...state, queue: state.queue.filter((item) => item.client_id !== client_id) }),
  inbox(state, { type: _, ...action }) {
    const inbox = reduceInbox(state.inbox, action);
    return inbox === state.inbox ? state : { ...state, inbox };
  },
  link: (state, { status, note, action }) => ({ ...state, link: { status, note, action } }),
  page: (state, { patch }) => ({ ...state, ...patch }),
};

const empty = (cursor) =>
  ({ cursor, log: [], held: {}, loaded: false, hasMore: false, hasNewer: false, jump: null, roles: {}, typing: {}, reads: {}, divider: null });

function put(state, id, patch) {
  const room = state.rooms[id];
  return room ? { ...state, rooms: { ...state.rooms, [id]: { ...room, ...patch } } } : state;
}

function meet(users, people) {
  const fresh = people.filter((person) => person && users[person.id] !== person);
  return fresh.length ? { ...users, ...Object.fromEntries(fresh.map((person) => [person.id, person])) } : users;
}

/** Put by `seq`, in place of one that is there; what is broadcast does not say which reactions are one's own. */
function upsert(log, item) {
  let at = log.length;
  while (at > 0 && log[at - 1].seq >= item.seq) at -= 1;
  const was = log[at]?.seq === item.seq ? log[at] : null;
  const mine = new Set((was?.reactions ?? []).filter((r) => r.mine).map((r) => r.emoji));
  const reactions = item.reactions?.map((r) => ({ ...r, mine: r.mine ?? mine.has(r.emoji) }));
  return [...log.slice(0, at), reactions ? { ...item, reactions } : item, ...log.slice(was ? at + 1 : at)];
}

/** An entry is applied if it is the next one, dropped if it was seen, and held if something before it is missing. */
function take(state, event, payload) {
  const room = state.rooms[payload.room_id];
  if (!room || payload.seq <= room.cursor) return state;
  if (payload.seq > room.cursor + 1)
    return put(state, room.id, { held: { ...room.held, [payload.seq]: { event, payload } } });
  const fresh = payload.seq > room.last_seq;  // else `ready` has counted it
  const moved = put(state, room.id, { cursor: payload.seq, last_seq: Math.max(room.last_seq, payload.seq) });
  return release((entries[event] ?? ((same) => same))(moved, moved.rooms[room.id], payload, fresh), room.id);
}

function release(state, id) {
  const room = state.rooms[id];
  if (!room) return state;
  const held = Object.fromEntries(Object.entries(room.held).filter(([seq]) => Number(seq) > room.cursor));
  const next = held[room.cursor + 1];
  if (Object.keys(held).length !== Object.keys(room.held).length) state = put(state, id, { held });
  return next ? take(state, next.event, next.payload) : state;
}

const entries = {
  "message:new"(state, room, { message, seq }, fresh) {
    const { sender } = message;
    const typing = steps.typing(state, { room_id: room.id, user_id: sender.id, typing: false }).rooms[room.id].typing;
    const my = { ...room.my };
    if (sender.id === state.me.id) Object.assign(my, { last_read_seq: seq, unread: 0, mentions: 0 });
    else if (fresh) {
      my.unread = Math.min(my.unread + 1, COUNTED);
      if (message.mentions.includes(state.me.id)) my.mentions = Math.min(my.mentions + 1, COUNTED);
    }
    const queue = state.queue.filter((item) => sender.id !== state.me.id || item.client_id !== message.client_id);
    return put({ ...state, queue, users: meet(state.users, [sender]) }, room.id,
      { log: room.hasNewer ? room.log : upsert(room.log, { ...message, exact: true, as: seq }), typing, my });
  },
  "message:updated": (state, room, { message }) => change(state, room, message.id, () => ({ ...message, exact: true })),
  "message:deleted": (state, room, { message_id, at }) =>
    change(state, room, message_id, (old) => ({ ...old, body: "", deleted_at: at, reactions: [], mentions: [], attachments: [] })),
  "reaction:added": (state, room, payload) => react(state, room, payload, 1),
  "reaction:removed": (state, room, payload) => react(state, room, payload, -1),
  "member:joined"(state, room, payload) {
    const { user, role } = payload;
    const patch = { roles: { ...room.roles, [user.id]: role }, member_count: room.member_count + 1 };
    return note({ ...state, users: meet(state.users, [user]) }, room, payload, `${user.display_name} joined`, patch);
  },
  "member:left"(state, room, payload) {
    if (payload.user.id === state.me.id) return state;  // `room:gone` comes next
    const { [payload.user.id]: _, ...roles } = room.roles;
    const patch = { roles, member_count: room.member_count - 1 };
    return note(state, room, payload, `${payload.user.display_name} left`, patch);
  },
  "member:role"(state, room, payload) {
    const { user_id, role } = payload;
    const my = user_id === state.me.id ? { ...room.my, role } : room.my;
    const name = state.users[user_id]?.display_name ?? "A user";
    return note(state, room, payload, `${name} is ${role} now`, { my, roles: { ...room.roles, [user_id]: role } });
  },
  "room:updated"(state, room, payload) {
    const { name, topic, member_count } = payload.room;
    const text = `The room is now “${name ?? "unnamed"}”: ${topic || "no topic"}`;
    return note(state, room, payload, text, { name, topic, member_count });
  },
};

const note = (state, room, { seq, at }, text, patch) =>
  put(state, room.id, { ...patch, log: room.hasNewer ? room.log : upsert(room.log, { seq, at, note: text }) });

function change(state, room, id, make) {
  const old = room.log.find((item) => item.id === id);
  return old ? put(state, room.id, { log: upsert(room.log, { ...make(old), as: room.cursor }) }) : state;
}

function react(state, room, { message_id, emoji, user_id }, by) {
  return change(state, room, message_id, (old) => {
    const own = user_id === state.me.id;
    const was = old.reactions.find((r) => r.emoji === emoji) ?? { emoji, count: 0, mine: false };
    if (own && was.mine === by > 0) return old;  // history knew it already
    const now = { ...was, count: was.count + by, mine: own ? by > 0 : was.mine };
    const others = old.reactions.map((r) => (r.emoji === emoji ? now : r));
    const all = others.includes(now) ? others : [...others, now];
    return { ...old, reactions: all.filter((r) => r.count > 0) };
  });
}
