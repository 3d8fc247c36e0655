// Node's stock clients of Socket.IO and Engine.IO against the conformance server: node echo.mjs PORT
//
// Each story is played on each choice of transports. It prints what failed, one line each, and the number of stories.

import assert from "node:assert/strict";
import { once } from "node:events";
import { Socket as Engine } from "engine.io-client";
import { io } from "socket.io-client";

const port = Number(process.argv[2]);
const TRANSPORTS = [["websocket"], ["polling"], ["polling", "websocket"]];
const PATIENCE_MS = 20_000;
const bytes = (size) => Buffer.from(Array.from({ length: size }, (_, index) => index % 251));
const opened = [];

/** A client of its own, closed when the story ends. */
function client(namespace, options) {
  const socket = io(`http://localhost:${port}${namespace}`, { forceNew: true, reconnection: false, ...options });
  opened.push(() => socket.disconnect());
  return socket;
}

function engine(path, transports) {
  const socket = new Engine(`http://localhost:${port}`, { path, transports });
  opened.push(() => socket.close());
  return socket;
}

/** The next `count` arguments of an event. */
const heard = (socket, event, count) =>
  new Promise((resolve) => {
    const found = [];
    socket.on(event, function take(...given) {
      if (found.push(given) === count) resolve(found);
    });
  });

const stories = {
  async "says with what it came"(transports) {
    for (const [namespace, auth] of [["/", { token: "123" }], ["/", undefined], ["/custom", { deep: [{ a: 1 }] }]]) {
      const socket = client(namespace, { transports, auth });
      assert.deepEqual(await once(socket, "auth"), [auth ?? {}]);
      assert.equal(socket.connected, true);
    }
  },

  async "gets back what it sends, and acks"(transports) {
    const socket = client("/", { transports });
    const given = [1, "zwölf ✓", { deep: [true, null, bytes(3)] }, bytes(5000), [], 1e300];
    socket.emit("message", ...given);
    assert.deepEqual(await once(socket, "message-back"), given);
    assert.deepEqual(await socket.timeout(PATIENCE_MS).emitWithAck("message-with-ack", bytes(9)), bytes(9));
    assert.equal(await socket.timeout(PATIENCE_MS).emitWithAck("message-with-ack", "plain"), "plain");
  },

  async "large ones too"(transports) {
    const socket = client("/", { transports });
    for (const large of ["x".repeat(600_000), bytes(600_000)]) {
      socket.emit("message", large);
      assert.deepEqual(await once(socket, "message-back"), [large]);
    }
  },

  async "all in order, also across an upgrade"(transports) {
    const socket = client("/", { transports });
    const all = heard(socket, "message-back", 400);
    await once(socket, "connect");
    for (let number = 0; number < 400; number++) {
      socket.emit("message", number, number % 50 ? number : bytes(10));
      if (number % 40 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    assert.deepEqual((await all).map(([number]) => number), Array.from({ length: 400 }, (_, index) => index));
    while (socket.io.engine.transport.name !== transports.at(-1)) await new Promise((resolve) => setTimeout(resolve, 5));
  },

  async "an unknown namespace is refused, the others go on"(transports) {
    const socket = client("/", { transports });
    await once(socket, "connect");
    const [error] = await once(socket.io.socket("/random"), "connect_error");
    assert.equal(error.message, "Invalid namespace");
    const custom = socket.io.socket("/custom");
    await once(custom, "auth");
    custom.emit("message", "there");
    assert.deepEqual(await once(custom, "message-back"), ["there"]);
    custom.disconnect();
    socket.emit("message", "here");
    assert.deepEqual(await once(socket, "message-back"), ["here"]);
  },

  async "stays while nothing is said"(transports) {
    const socket = client("/", { transports });
    await once(socket, "connect");
    await heard(socket.io, "ping", 4);
    assert.equal(socket.connected, true);
  },

  async "comes back after it left"(transports) {
    const socket = client("/", { transports });
    for (let visit = 0; visit < 3; visit++) {
      await once(socket, "auth");
      const gone = once(socket, "disconnect");
      socket.disconnect();
      assert.equal((await gone)[0], "io client disconnect");
      socket.connect();
    }
  },

  async "bare Engine.IO: text and binary"(transports) {
    const socket = engine("/engine.io/", transports);
    await once(socket, "open");
    if (transports.length > 1) await once(socket, "upgrade");
    for (const data of ["hello", bytes(70_000), "4", "\u0000…"]) {
      const back = once(socket, "message");
      socket.send(data);
      assert.deepEqual((await back)[0], data);
    }
    const closed = once(socket, "close");
    socket.close();
    assert.equal((await closed)[0], "forced close");
  },

  async "what is no Socket.IO ends the connection"(transports) {
    const socket = engine("/socket.io/", transports);
    await once(socket, "open");
    const closed = heard(socket, "close", 1);
    socket.send("abc");
    const [[reason]] = await closed;
    assert.ok(["transport close", "transport error"].includes(reason), reason);
  },

  async "who asks for no namespace is sent away"(transports) {
    const socket = engine("/socket.io/", transports);
    const [[reason]] = await heard(socket, "close", 1);
    assert.ok(["transport close", "transport error"].includes(reason), reason);
  },
};

const failed = [];
for (const transports of TRANSPORTS) {
  const played = Object.entries(stories).map(async ([name, story]) => {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(reject, PATIENCE_MS, new Error("took too long"));
    });
    await Promise.race([story(transports), late]).catch((error) => failed.push({ name, transports, error: error.message }));
    clearTimeout(timer);
  });
  await Promise.all(played);
  for (const close of opened.splice(0)) close();
}
for (const each of failed) console.log(JSON.stringify(each));
console.log(JSON.stringify({ stories: Object.keys(stories).length * TRANSPORTS.length, failed: failed.length }));
process.exit(0);
