/** The part of the state that the inbox of notifications is, and the pure function that changes it. */

/** `items`: the loaded notifications, newest first; `cursor`: the seq up to which none is missing. */
export const initialInbox = { epoch: null, cursor: 0, unread: 0, items: [], loaded: false, hasMore: false };

/** The largest count: it means as many or more. */
export const COUNTED = 1000;
/** Items that stay loaded when others arrive. */
const KEPT = 500;

/** The inbox after `change`; the same object if nothing changed. */
export const reduceInbox = (inbox, { change, ...given }) => changes[change](inbox, given);

/** The unread count after `fresh` more of them. */
export const increased = (unread, fresh) => Math.min(unread + fresh, COUNTED);

const changes = {
  /** `ready`: the inbox of another epoch is dropped. */
  ready(inbox, { ready }) {
    const known = inbox.epoch === ready.epoch ? inbox : { ...initialInbox, epoch: ready.epoch, cursor: ready.last_seq };
    return { ...known, unread: ready.unread };
  },
  /** An entry from the socket. After a gap, the cursor stays before it until `synced`. */
  entry(inbox, { payload: { seq, notification, unread } }) {
    if (seq <= inbox.cursor) return inbox;
    return { ...added(inbox, [notification]), unread, cursor: seq === inbox.cursor + 1 ? seq : inbox.cursor };
  },
  /** The seqs of removed notifications are missing, so that the end of the log sets the cursor. */
  synced(inbox, { part }) {
    const items = part.entries.map(({ payload }) => payload.notification);
    const reached = part.complete ? part.last_seq : items.at(-1)?.seq ?? 0;
    return { ...added(inbox, items), unread: part.unread, cursor: Math.max(inbox.cursor, reached) };
  },
  /** A page: with `older`, what follows the last item, else the newest, which takes the place of the items. */
  page(inbox, { page, older }) {
    const { notifications, unread, has_more } = page;
    const end = notifications[0]?.seq ?? inbox.cursor;
    const kept = older ? inbox.items : inbox.items.filter(({ seq }) => seq > end);
    const known = new Map(inbox.items.map((item) => [item.id, item]));
    // What was read while the page was on its way stays read.
    const loaded = notifications.map((item) => ({ ...item, read_at: item.read_at ?? known.get(item.id)?.read_at ?? null }));
    return { ...inbox, items: merged(kept, loaded), unread, hasMore: has_more, loaded: true };
  },
  /** Read here or on another device: `ids`, or all up to `up_to_seq`. */
  read(inbox, { ids = [], up_to_seq = 0, unread, at }) {
    const isRead = (item) => !item.read_at && (item.seq <= up_to_seq || ids.includes(item.id));
    return { ...inbox, unread, items: inbox.items.map((item) => (isRead(item) ? { ...item, read_at: at } : item)) };
  },
};

function added(inbox, items) {
  const all = merged(inbox.items, items);
  return all.length > KEPT ? { ...inbox, items: all.slice(0, KEPT), hasMore: true } : { ...inbox, items: all };
}

/** Both lists, newest first, each notification once; `items` wins. */
function merged(before, items) {
  const seqs = new Set(items.map(({ seq }) => seq));
  return [...before.filter(({ seq }) => !seqs.has(seq)), ...items].sort((a, b) => b.seq - a.seq);
}
