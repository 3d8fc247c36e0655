/** The attachments of a message: pictures, which open large, and documents, which are saved. */

import { AUTO, h, icon, iconButton, toast } from "../dom.js";

const PREVIEW_WIDTH = 320;   // pixels, of the picture in the log
const UNITS = ["bytes", "KiB", "MiB", "GiB"];

/** A size as text. */
export function sizeOf(bytes) {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1);
  return `${power ? (bytes / 1024 ** power).toFixed(1) : bytes} ${UNITS[power]}`;
}

export function drawAttachments({ api }, message) {
  if (!message.attachments?.length) return null;
  return h("ul.attachments", { "aria-label": "Attachments" }, message.attachments.map((upload) => {
    const renew = async () => Object.assign(upload, await api.attachment(message.id, upload.id));
    return h("li", {}, upload.kind === "image" ? picture(upload, renew) : file(upload, renew));
  }));
}

/** An `img` whose URL is renewed after the first failure, since URLs of messages expire after 1 to 2 h. */
function renewable(sourceOf, renew, props, onFailed) {
  let renewed = false;
  const image = h("img", { ...props, src: sourceOf(), onerror: () => {
    if (renewed) return onFailed();
    renewed = true;
    renew().then(() => { image.src = sourceOf(); }, onFailed);
  } });
  return image;
}

function picture(upload, renew) {
  const preview = () => upload.thumbnails?.find(({ width }) => width >= PREVIEW_WIDTH)?.url ?? upload.url;
  const props = { alt: "", loading: "lazy", decoding: "async", width: upload.width, height: upload.height };
  const button = h("button.picture", {
    type: "button", "aria-label": `Picture ${upload.name}`, title: upload.name, "data-mark": upload.id,
    onclick: () => openPicture(upload, renew),
  }, renewable(preview, renew, props, () => {
    button.replaceChildren(icon("image-off"), h("span", AUTO, upload.name), h("small", {}, "can't be loaded"));
  }));
  return button;
}

const expired = (url) => new URL(url, location).searchParams.get("e") * 1000 < Date.now() + 5000;

function file(upload, renew) {
  let renewing = false;
  const link = h("a.file", { href: upload.url, download: upload.name, "data-mark": upload.id, onclick: async (event) => {
    if (renewing || !expired(upload.url)) return;
    event.preventDefault();
    renewing = true;
    await renew().then(() => { link.href = upload.url; link.click(); }, (refusal) => toast(refusal.message));
    renewing = false;
  } }, icon("file"), h("span", AUTO, upload.name), h("small", {}, sizeOf(upload.size)));
  return link;
}

/** Display a picture as large as the window. Esc, the button and the dark area around it close it. */
function openPicture(upload, renew) {
  const failed = h("p.empty", { hidden: true }, "This picture can't be loaded. It may have been deleted.");
  const image = renewable(() => upload.url, renew, { alt: upload.name }, () => { image.hidden = true; failed.hidden = false; });
  const element = h("dialog.viewer", { "aria-label": `Picture ${upload.name}`, onclose: () => element.remove() },
    h("header", {}, h("h2", AUTO, upload.name), iconButton("close", "Close", () => element.close(), { autofocus: true })),
    image, failed);
  element.addEventListener("click", (event) => { if (event.target === element) element.close(); });
  document.body.append(element);
  element.showModal();
}
