// Sees to it that there is a Chromium for the tests: the machine's own, else the one that lies packed inside the
// package @sparticuz/chromium, with the libraries and the font that it needs. Prints its path.
// The packed one is laid out in node_modules/.browser, once; `chrome-headless-shell` there starts it.

import { accessSync, chmodSync, constants, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("node_modules/.browser", import.meta.url));
const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const started = join(folder, "chrome-headless-shell");

const fonts = `<?xml version="1.0"?>
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${join(folder, "fonts-cache")}</cachedir>
</fontconfig>
`;

const script = `#!/bin/sh
here=$(dirname "$0")
export LD_LIBRARY_PATH="$here/al2023/lib" FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/chromium" "$@"
`;

function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function onPath() {
  if (process.env.CHROME) return process.env.CHROME;
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return folders.flatMap((place) => names.map((name) => join(place, name))).find(executable);
}

async function unpacked() {
  if (existsSync(started)) return started;
  if (process.platform !== "linux" || process.arch !== "x64") {
    const machine = `${process.platform} ${process.arch}`;
    throw new Error(`No Chromium on PATH, and none is packed for ${machine}: install one, or name it by CHROME.`);
  }
  // The package unpacks into the temporary folder, and its libraries only where it believes to be at home.
  mkdirSync(folder, { recursive: true });
  Object.assign(process.env, { TMPDIR: folder, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs20.x" });
  const { default: chromium } = await import("@sparticuz/chromium");
  await chromium.executablePath();
  writeFileSync(join(folder, "fonts.conf"), fonts);
  writeFileSync(started, script);
  chmodSync(started, 0o755);
  return started;
}

try {
  console.log(onPath() ?? (await unpacked()));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
