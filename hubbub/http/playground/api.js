/** REST: registration, login, and the pair of tokens of this tab. */

const KEPT = "hubbub:session";
const VERIFIER = "hubbub:verifier";

/** An error response: `code`, a human-readable `message`, `fields` as in the realtime protocol. */
export class Refusal extends Error {
  constructor({ code, message, fields = [], retry_after_ms = null }) {
    super(message);
    Object.assign(this, { code, fields, retry_after_ms });
  }
}

/** The tokens are in sessionStorage, so that two tabs can be two users. */
export function createApi() {
  let session = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  let refreshing = null;

  function keep(data) {
    session = data && { ...data, expires: Date.now() + data.expires_in * 1000 };
    if (session) sessionStorage.setItem(KEPT, JSON.stringify(session));
    else sessionStorage.removeItem(KEPT);
    return session;
  }

  async function post(path, body, token) {
    const headers = {
      "Content-Type": "application/json",
      "X-Requested-With": "playground",  // for the cookie of HUBBUB_REFRESH_COOKIE
      ...(token && { Authorization: `Bearer ${token}` }),
    };
    let response;
    try {
      response = await fetch(`/api/v1/auth/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    } catch {
      throw new Refusal({ code: "offline", message: "The server cannot be reached." });
    }
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer.data;
    const wait = Number(response.headers.get("Retry-After"));
    const why = answer.detail ?? answer.title ?? "Something went wrong.";
    const message = wait ? `${why} Try again in ${wait} s.` : why;
    const retry_after_ms = wait * 1000 || null;
    throw new Refusal({ code: answer.code ?? "internal", message, fields: answer.errors, retry_after_ms });
  }

  async function enter(path, body) {
    const data = await post(path, body);
    if (data.mfa_required) return data;
    return keep({ ...data, login: String(Math.random()) });
  }

  /** Get a new pair. The refresh token is valid once, so that concurrent calls share one request. */
  function refresh() {
    refreshing ??= renew(session).finally(() => { refreshing = null; });
    return refreshing;
  }

  async function renew(asking) {
    const data = await post("refresh", { refresh_token: asking?.refresh_token });  // undefined: a cookie has it
    // A logout during the request stays a logout.
    if (session !== asking) throw new Refusal({ code: "unauthenticated", message: "This tab has logged out." });
    return keep({ ...session, ...data }).access_token;
  }

  const loading = new Map();  // id of a message → its attachments, so that its pictures share one request

  async function loadAttachments(token, messageId) {
    const response = await fetch(`/api/v1/messages/${messageId}`, { headers: { Authorization: `Bearer ${token}` } });
    return response.ok ? (await response.json()).data.attachments : [];
  }

  return {
    user: () => session?.user,
    /** Whether this tab is the only one with this session. A duplicated tab copies it, and two that use one
     * refresh token would revoke the session for both. */
    async claim() {
      if (!navigator.locks) return true;
      return new Promise((decide) => {
        navigator.locks.request(`hubbub:${session.login}`, { ifAvailable: true }, (lock) => {
          decide(Boolean(lock));
          return lock && new Promise(() => {});  // until the tab is closed
        });
      });
    },
    register: (body) => enter("register", body),
    /** With two-factor enabled, the result is `{ mfa_required, mfa_token }`, and `verify` completes the login. */
    login: (body) => enter("login", { ...body, device_name: "playground" }),
    verify: (mfa_token, code) => enter("2fa/verify", { mfa_token, code }),
    /** The providers for login: `{ name, title }` each. */
    async providers() {
      const response = await fetch("/api/v1/auth/oauth").catch(() => null);
      return response?.ok ? (await response.json()).data : [];
    },
    /** Go to a provider. The code of its redirect is valid only with the verifier that this tab keeps. */
    async leave(provider) {
      const asked = new URLSearchParams({ redirect: "/" });
      sessionStorage.removeItem(VERIFIER);
      if (crypto.subtle) {  // undefined on a page over http from another machine
        const verifier = text(crypto.getRandomValues(new Uint8Array(32)));
        sessionStorage.setItem(VERIFIER, verifier);
        asked.set("challenge", text(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
      }
      location.assign(`/api/v1/auth/oauth/${provider}/authorize?${asked}`);
    },
    /** The result of a login with a provider: null without one, else as for `login`. Throws a Refusal. */
    async loginResult() {
      const said = new URLSearchParams(location.hash.slice(1));
      if (!said.has("oauth_code") && !said.has("oauth_error")) return null;
      history.replaceState(null, "", location.pathname);
      if (said.has("oauth_error"))
        throw new Refusal({ code: said.get("oauth_error"), message: said.get("oauth_message") ?? "" });
      const verifier = sessionStorage.getItem(VERIFIER);
      sessionStorage.removeItem(VERIFIER);
      const code = { code: said.get("oauth_code"), device_name: "playground" };
      return enter("oauth/exchange", verifier ? { ...code, verifier } : code);
    },
    /** Upload an image or document. `onPart` gets the sent part, from 0 to 1, `onStart` the request. */
    async upload(file, onPart, onStart) {
      const token = await this.token();
      const kind = file.type.startsWith("image/") ? "image" : "document";
      return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();  // fetch has no progress
        const refuse = (answer) => reject(new Refusal(answer));
        request.open("POST", `/api/v1/upload/${kind}`);
        request.setRequestHeader("Authorization", `Bearer ${token}`);
        request.responseType = "json";
        request.upload.onprogress = ({ loaded, total }) => onPart(total ? loaded / total : 0);
        request.onerror = () => refuse({ code: "offline", message: "The server cannot be reached." });
        request.onabort = () => refuse({ code: "aborted", message: "Cancelled." });
        request.onload = () => {
          const { data, code, detail, title } = request.response ?? {};
          if (request.status === 201) resolve(data);
          else refuse({ code: code ?? "internal", message: detail ?? title ?? "Something went wrong." });
        };
        const form = new FormData();
        form.append("file", file);
        onStart(request);
        request.send(form);
      });
    },
    /** An attachment of a message, with URLs that are valid from now on for 1 to 2 h. Throws if there is none. */
    async attachment(messageId, uploadId) {
      if (!loading.has(messageId)) {
        const request = this.token().then((token) => loadAttachments(token, messageId));
        loading.set(messageId, request.finally(() => loading.delete(messageId)));
      }
      const found = (await loading.get(messageId)).find(({ id }) => id === uploadId);
      if (!found) throw new Refusal({ code: "not_found", message: "This file is not there any more." });
      return found;
    },
    refresh,
    /** The access token; a new one if the old one has less than 10 s left. */
    token: async () => (session.expires - Date.now() < 10_000 ? refresh() : session.access_token),
    forget: () => keep(null),
    async logout() {
      const token = session?.access_token;
      keep(null);
      await post("logout", {}, token).catch(() => {});
    },
  };
}

/** Bytes as base64url without padding. */
function text(bytes) {
  const letters = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
