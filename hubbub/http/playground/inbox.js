/** The inbox on /notifications: what arrives, and the operations of the bell. */

import { announce, toast } from "./dom.js";
import { increased } from "./inbox-state.js";

const PAGE = 20;
const SYNC_LIMIT = 100;
const SYNC_ROUNDS = 40;

export function createInbox(store, { inbox: socket }) {
  const get = () => store.get().inbox;
  const change = (name, given) => store.dispatch({ type: "inbox", change: name, ...given });
  let syncing = null;

  async function load(query = {}) {
    const page = await socket.ask("notification:list", { limit: PAGE, ...query });
    change("page", { page, older: query.before_seq !== undefined });
  }

  /** Request the entries after the cursor. Returns how many of them are unread. Concurrent calls share one. */
  function catchUp() {
    syncing ??= sync().finally(() => { syncing = null; });
    return syncing;
  }

  async function sync() {
    let fresh = 0;
    for (let round = 0; round < SYNC_ROUNDS; round += 1) {
      const part = await socket.ask("sync", { after_seq: get().cursor, limit: SYNC_LIMIT });
      change("synced", { part });
      fresh += part.entries.filter(({ payload }) => !payload.notification.read_at).length;
      if (part.complete) break;
    }
    return fresh;
  }

  /** After a connect: the first page, or what was missed. A count that this does not explain was read elsewhere. */
  async function begin(ready) {
    const before = get();
    change("ready", { ready });
    if (!before.loaded || before.epoch !== ready.epoch) return load();
    const fresh = ready.last_seq > before.cursor ? await catchUp() : 0;
    if (fresh) announce(fresh === 1 ? "A new notification" : `${fresh} new notifications`);
    if (increased(before.unread, fresh) !== get().unread) await load();
  }

  async function attempt(action) {
    try {
      return await action();
    } catch (refusal) {
      toast(refusal.message);
      return null;
    }
  }

  async function read(query) {
    const answer = await attempt(() => socket.ask("notification:read", query));
    const marked = query.id ? { ids: [query.id] } : query;
    if (answer) change("read", { ...marked, unread: answer.unread, at: new Date().toISOString() });
  }

  socket.on("ready", (ready) => begin(ready).catch(() => {}));  // the next connect begins again
  socket.on("notification:new", (payload) => {
    const { cursor } = get();
    change("entry", { payload });
    const isOpen = payload.notification.data.room_id === store.get().open;  // the message itself was announced
    if (payload.seq > cursor && !isOpen) announce(`Notification: ${payload.notification.title}`);
    if (payload.seq > cursor + 1) catchUp().catch(() => {});
  });
  socket.on("notification:read", (hint) => change("read", { ...hint, at: new Date().toISOString() }));

  return {
    /** Load the newest page again, for what hints did not report; connects if the connection was refused. */
    refresh: () => (socket.connect() ? load().catch(() => {}) : null),
    more: () => attempt(() => load({ before_seq: get().items.at(-1).seq })),
    read: (id) => read({ id }),
    /** Mark all that the page has received. Those that arrive meanwhile remain unread. */
    readAll: () => read({ up_to_seq: Math.max(get().cursor, get().items[0]?.seq ?? 0) }),
  };
}
