// What the links of e-mails open: the purpose and the code are behind the #, which no server ever sees.

const api = new URL("api/v1/", location.href);
const at = (id) => document.getElementById(id);
const [purpose, token] = location.hash.slice(1).split(":");
history.replaceState(null, "", location.pathname); // the code stays out of the history

const PURPOSES = {
  verify_email: {
    title: "Confirm your e-mail address",
    done: "The address is confirmed. You can close this page.",
    act: () => ask("POST", "auth/verify-email", { token }),
  },
  reset_password: {
    title: "Choose a new password",
    fields: ["password"],
    password: ["New password", "new-password"],
    keys: true,
    done: "The password is changed, and every session is ended. Sign in with the new one.",
    act: () => ask("POST", "auth/reset-password", {
      token, password: at("password").value, end_api_keys: at("keys").checked,
    }),
  },
  undo: {
    title: "Undo the change",
    says: "This takes back what the e-mail tells of.",
    done: "The change is undone. If it was not yours, choose a new password by “Forgotten password”.",
    act: () => ask("POST", "auth/undo", { token }),
  },
  delete_account: {
    title: "Delete your account",
    says: "Sign in once more to delete your account for good.",
    fields: ["email", "password"],
    password: ["Password", "current-password"],
    done: "The account is deleted.",
    act: async () => {
      const signed = await signIn();
      if (signed) await ask("DELETE", "users/account", { token }, signed.access_token);
      return Boolean(signed);
    },
  },
};

let owed = null; // the token of a sign-in that waits for a code

// Who signed in; nothing while they owe a code, which the form asks for then.
async function signIn() {
  const given = { email: at("email").value, password: at("password").value };
  const asked = owed
    ? ask("POST", "auth/2fa/verify", { mfa_token: owed, code: at("code").value })
    : ask("POST", "auth/login", given);
  const { data } = await asked;
  if (!data.mfa_required) return data;
  owed = data.mfa_token;
  at("says").textContent = "Now enter a code of your authenticator app, or a recovery code.";
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
  const answer = await fetch(new URL(path, api), { method, headers, body: JSON.stringify(body) });
  const text = await answer.text();
  const said = text ? JSON.parse(text) : {};
  if (!answer.ok) throw new Error(said.errors?.[0]?.message ?? said.detail ?? "That did not work.");
  return said;
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
else at("says").textContent = "Open the link of an e-mail to come here.";
