// Node's stock socket.io-client in the hands of a program on the other end of the pipe: it reads orders from standard
// input and prints what happens, one JSON object a line. It keeps what it hears as any page would: the entries of each
// room by seq, the epoch, and after a reconnect it asks for what it missed.
//
//   {"do": "connect", "url", "client", "options"}   the package of the client, socket.io-client unless given; options
//                                             of `io`; `keep: true` says token, epoch and cursors at each connect
//   {"do": "ask", "id", "event", "payload"}   emits with an ack: {"id", "answer"}
//   {"do": "log", "id"}                       {"id", "answer": {room_id: [[event, payload], …]}}
//   {"do": "leave"} and {"do": "back"}        closes the client and opens it again, with what it keeps
//
// It prints {"is": "open" | "connect" | "connect_error" | "disconnect" | "upgrade" | "event" | "synced", …} by itself.

import { createInterface } from "node:readline";

let socket, token, epoch;
const rooms = new Map(); // room_id → entries, [event, payload], in the order of seq

const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const log = (id) => rooms.get(id) ?? rooms.set(id, []).get(id);

/** An entry that was heard: the next one is kept, a known one is dropped, and an early one means that some are missing. */
function take(event, payload) {
  const entries = log(payload.room_id);
  if (payload.seq === entries.length + 1) entries.push([event, payload]);
  return payload.seq <= entries.length;
}

/** Emit and wait for the ack for 10 s; `emitWithAck` is younger than some clients. */
const acknowledged = (event, payload) =>
  new Promise((resolve, reject) => {
    setTimeout(reject, 10_000).unref();
    socket.emit(event, payload, resolve);
  });

async function sync(ids) {
  while (ids.length) {
    const asked = Object.fromEntries(ids.map((id) => [id, log(id).length]));
    let data;
    try {
      ({ data } = await acknowledged("sync", { epoch, rooms: asked }));
    } catch {
      return; // disconnected: the next `ready` says again what is missing
    }
    for (const part of Object.values(data.rooms)) part.entries?.forEach((entry) => take(entry.event, entry.payload));
    ids = ids.filter((id) => data.rooms[id].complete === false);
  }
  print({ is: "synced", cursors: cursors() });
}

const cursors = () => Object.fromEntries([...rooms].map(([id, entries]) => [id, entries.length]));

function hear(event, payload) {
  if (event === "ready") {
    if (epoch !== payload.epoch) rooms.clear();
    epoch = payload.epoch;
    sync(payload.rooms.map((room) => room.id));
  } else if (event === "room:added") {
    log(payload.room.id);
  } else if ("seq" in payload && "at" in payload && !take(event, payload)) {
    sync([payload.room_id]);
  }
  print({ is: "event", event, payload });
}

async function connect({ url, client = "socket.io-client", options: { keep, ...options } }) {
  socket?.disconnect(); // one at a time
  const { io } = await import(client);
  token = options.auth?.token;
  const auth = keep ? (answer) => answer({ token, epoch, cursors: cursors() }) : options.auth;
  socket = io(url, { reconnectionDelay: 50, reconnectionDelayMax: 300, forceNew: true, ...options, auth });
  const transport = () => socket.io.engine?.transport.name;
  socket.io.on("open", () => {
    print({ is: "open", transport: transport() });
    socket.io.engine.once("upgrade", () => print({ is: "upgrade", transport: transport() }));
  });
  socket.on("connect", () => print({ is: "connect", recovered: socket.recovered }));
  socket.on("connect_error", ({ message, data }) => print({ is: "connect_error", message, data: data ?? null, active: socket.active }));
  socket.on("disconnect", (reason) => print({ is: "disconnect", reason, active: socket.active }));
  socket.onAny(hear);
}

const orders = {
  connect,
  ask: ({ id, event, payload }) => socket.emit(event, payload, (answer) => print({ id, answer })),
  log: ({ id }) => print({ id, answer: Object.fromEntries(rooms) }),
  leave: () => socket.disconnect(),
  back: () => socket.connect(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  await orders[order.do](order);
}
socket?.close();
