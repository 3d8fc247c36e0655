// The page that links in e-mails open. Purpose and token are behind the #, which no browser sends to a server.

const api = new URL("api/v1/", location.href);
const at = (id) => document.getElementById(id);
const [purpose, token] = location.hash.slice(1).split(":");
history.replaceState(null, "", location.pathname); // keeps the token out of the history

const PURPOSES = {
  verify_email: {
    title: "Verify your e-mail address",
    done: "The e-mail address is verified. You can close this page.",
    act: () => ask("POST", "auth/verify-email", { token }),
  },
  change_email: {
    title: "Change your e-mail address",
    says: "This makes the e-mail address that received the link the one of your account.",
    done: "The e-mail address is changed. Use it when you log in. You can close this page.",
    act: () => ask("POST", "auth/change-email/confirm", { token }),
  },
  reset_password: {
    title: "Choose a new password",
    fields: ["password"],
    password: ["New password", "new-password"],
    keys: true,
    done: "The password is changed, and all sessions are revoked. Log in with the new password.",
    act: () => ask("POST", "auth/reset-password", {
      token, password: at("password").value, end_api_keys: at("keys").checked,
    }),
  },
  undo: {
    title: "Undo the change",
    says: "This undoes the change that the e-mail describes.",
    done: "The change is undone. If it was not yours, choose a new password by “Forgotten password”.",
    act: () => ask("POST", "auth/undo", { token }),
  },
  delete_account: {
    title: "Delete your account",
    says: "Log in again to delete your account permanently.",
    fields: ["email", "password"],
    password: ["Password", "current-password"],
    done: "The account is deleted.",
    act: async () => {
      const tokens = await logIn();
      if (tokens) await ask("DELETE", "users/account", { token }, tokens.access_token);
      return Boolean(tokens);
    },
  },
};

let mfaToken = null; // of a login that needs a code

// The tokens of the login; null while it needs a code, for which the form then asks.
async function logIn() {
  const given = { email: at("email").value, password: at("password").value };
  const asked = mfaToken
    ? ask("POST", "auth/2fa/verify", { mfa_token: mfaToken, code: at("code").value })
    : ask("POST", "auth/login", given);
  const { data } = await asked;
  if (!data.mfa_required) return data;
  mfaToken = data.mfa_token;
  at("says").textContent = "Enter a code of your authenticator app, or a recovery code.";
  for (const [name, shown] of [["email", false], ["password", false], ["code", true]]) {
    at(`${name}-label`).hidden = !shown;
    at(name).required = shown;
  }
  at("code").focus();
  return null;
}

async function ask(method, path, body, bearer) {
  const headers = { "Content-Type": "application/json" };
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  const response = await fetch(new URL(path, api), { method, headers, body: JSON.stringify(body) });
  const text = await response.text();
  const parsed = text ? JSON.parse(text) : {};
  if (!response.ok) throw new Error(parsed.errors?.[0]?.message ?? parsed.detail ?? "The request failed.");
  return parsed;
}

function show(what) {
  at("title").textContent = what.title;
  document.title = `${what.title} · hubbub`;
  at("says").textContent = what.says ?? "";
  for (const name of what.fields ?? []) {
    at(`${name}-label`).hidden = false;
    at(name).required = true;
  }
  at("keys-label").hidden = !what.keys;
  if (what.password) {
    at("password-says").textContent = what.password[0];
    at("password").autocomplete = what.password[1];
  }
  at("button").textContent = what.title;
  at("form").hidden = false;
  at("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    at("button").disabled = true;
    try {
      if ((await what.act()) === false) {
        at("button").disabled = false;
        return;
      }
      at("form").hidden = true;
      at("says").textContent = what.done;
    } catch (error) {
      at("says").textContent = error.message;
      at("button").disabled = false;
    }
  });
}

if (token && Object.hasOwn(PURPOSES, purpose)) show(PURPOSES[purpose]);
else at("says").textContent = "Open this page with a link from an e-mail.";
