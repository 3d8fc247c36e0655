/** The first page: register, log in, or go to a provider. `back` is the result of a provider's login, or its error. */

import { h } from "../dom.js";

export function createLogin(api, enter, back) {
  let registering = true;
  let owed = null;  // the token of the MFA challenge
  const problem = h("p.problem", { role: "alert" });
  const name = field("name", "Name", { autocomplete: "name", required: true, maxlength: 80 });
  const username = field("username", "Username (optional)", { autocomplete: "username", maxlength: 32 });
  const email = field("email", "E-mail", { type: "email", autocomplete: "email", required: true });
  const password = field("password", "Password", { type: "password", required: true });
  const code = field("code", "Code of your authenticator app, or a recovery code",
    { autocomplete: "one-time-code", required: true, maxlength: 64 });
  const submit = h("button.primary", {}, "Register");
  const tabs = ["Register", "Log in"].map((label, i) =>
    h("button.tab", { type: "button", onclick: () => choose(i === 0) }, label));
  const providers = h("div.providers", { role: "group", "aria-label": "Log in with", hidden: true });
  const form = h("form.login-form", { onsubmit: send },
    h("h1", {}, h("img", { src: "/playground/icon.svg", alt: "", width: 34, height: 34 }), "hubbub"),
    h("p.lead", {}, "A playground for the realtime protocol. Open a second tab to log in as another user."),
    h("div.tabs", { role: "group", "aria-label": "Register or log in" }, tabs),
    name, username, email, password, code, problem, submit, providers);

  function show(element, shown) {
    element.hidden = !shown;
    element.querySelector("input").disabled = !shown;
  }

  function choose(register) {
    registering = register;
    owed = null;
    for (const element of [name, username]) show(element, register);
    for (const element of [email, password]) show(element, true);
    show(code, false);
    tabs.forEach((tab, i) => tab.setAttribute("aria-pressed", (i === 0) === register));
    password.querySelector("input").autocomplete = register ? "new-password" : "current-password";
    submit.textContent = register ? "Register" : "Log in";
    problem.textContent = "";
  }

  function askForCode(token) {
    owed = token;
    for (const element of [email, password]) show(element, false);
    show(code, true);
    code.querySelector("input").value = "";
    code.querySelector("input").focus();
  }

  async function send(event) {
    event.preventDefault();
    const values = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
    submit.disabled = true;
    problem.textContent = "";
    try {
      const answer = await (owed ? api.verify(owed, values.code) : registering ? api.register(values) : api.login(values));
      if (answer.mfa_required) askForCode(answer.mfa_token);
      else enter();
    } catch (refusal) {
      if (owed && refusal.code === "invalid_token") choose(false);
      problem.textContent = refusal.fields?.map((f) => `${f.field}: ${f.message}`).join(" ") || refusal.message;
    } finally {
      submit.disabled = false;
    }
  }

  async function offer() {
    const found = await api.providers();
    providers.hidden = found.length === 0;
    providers.replaceChildren(...found.map(({ name, title }) =>
      h("button", { type: "button", onclick: () => api.leave(name) }, `Log in with ${title}`)));
  }

  choose(true);
  offer();
  if (back?.mfa_required) {
    choose(false);
    askForCode(back.mfa_token);
  } else if (back) problem.textContent = back.message;
  return h("main.login", {}, form);
}

const field = (name, label, props) => h("label.field", {}, h("span", {}, label), h("input", { dir: "auto", name, ...props }));
