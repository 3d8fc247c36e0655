/** How far the open room is read: up to the first message that was not in view. */

/** `observe` after each drawing; `look` when something moved; `skipped` says whether a gap stays unread. */
export function createReading({ store, chat }, scroller) {
  const seen = new Set();     // seqs of messages whose end was in view since the room was opened
  const inView = new Set();   // elements
  let known = new WeakSet();
  let opened = null;
  let gap = false;
  const observer = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting } of changes) {
      if (isIntersecting) inView.add(target);
      else inView.delete(target);
    }
    look();
  }, { root: scroller, threshold: [0, 0.5, 1] });

  function look() {
    if (document.visibilityState !== "visible" || !scroller.isConnected) return;
    const edge = scroller.getBoundingClientRect().bottom + 1;
    for (const element of inView) {
      if (!element.isConnected) inView.delete(element);
      else if (element.getBoundingClientRect().bottom <= edge) seen.add(Number(element.dataset.seq));
    }
    mark();
  }

  /** Others' messages are read in their order: one that was never in view keeps all after it unread. */
  function mark() {
    const { rooms, open, me } = store.get();
    const room = rooms[open];
    gap = false;
    if (!room?.loaded || !room.my.unread) return;
    const { last_read_seq } = room.my;
    const messages = room.log.filter((item) => item.sender);
    if (room.hasMore && !(messages[0]?.seq <= last_read_seq)) {
      gap = true;
      return;
    }
    let upTo = last_read_seq;
    for (const { seq, sender, deleted_at } of messages) {
      if (seq <= last_read_seq) continue;
      if (sender.id !== me.id && !deleted_at && !seen.has(seq)) break;
      upTo = seq;
    }
    gap = [...seen].some((seq) => seq > upTo);
    if (upTo > last_read_seq) chat.read(open, upTo);
  }

  return {
    look,
    skipped: () => gap,
    observe(list, key) {
      if (key !== opened) {
        opened = key;
        seen.clear();
        inView.clear();
        observer.disconnect();
        known = new WeakSet();
      }
      for (const element of list.querySelectorAll("li.message[data-seq]")) {
        if (known.has(element)) continue;
        known.add(element);
        observer.observe(element);
      }
    },
  };
}
