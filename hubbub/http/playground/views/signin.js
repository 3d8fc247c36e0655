/** The first page: register or log in. */

import { h } from "../dom.js";

export function signIn(api, enter) {
  let registering = true;
  const problem = h("p.problem", { role: "alert" });
  const name = field("name", "Name", { autocomplete: "name", required: true, maxlength: 80 });
  const username = field("username", "Username (optional)", { autocomplete: "username", maxlength: 32 });
  const email = field("email", "E-mail", { type: "email", autocomplete: "email", required: true });
  const password = field("password", "Password", { type: "password", required: true });
  const submit = h("button.primary", {}, "Register");
  const tabs = ["Register", "Log in"].map((label, i) =>
    h("button.tab", { type: "button", onclick: () => choose(i === 0) }, label));
  const form = h("form.sign-in", { onsubmit: send },
    h("h1", {}, h("img", { src: "/playground/icon.svg", alt: "", width: 34, height: 34 }), "hubbub"),
    h("p.lead", {}, "A playground for the realtime protocol. Open a second tab to be somebody else."),
    h("div.tabs", { role: "group", "aria-label": "Register or log in" }, tabs),
    name, username, email, password, problem, submit);

  function choose(register) {
    registering = register;
    for (const element of [name, username]) {
      element.hidden = !register;
      element.querySelector("input").disabled = !register;
    }
    tabs.forEach((tab, i) => tab.setAttribute("aria-pressed", (i === 0) === register));
    password.querySelector("input").autocomplete = register ? "new-password" : "current-password";
    submit.textContent = register ? "Register" : "Log in";
    problem.textContent = "";
  }

  async function send(event) {
    event.preventDefault();
    const values = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
    submit.disabled = true;
    problem.textContent = "";
    try {
      await (registering ? api.register(values) : api.login(values));
      enter();
    } catch (refusal) {
      problem.textContent = refusal.fields?.map((f) => `${f.field}: ${f.message}`).join(" ") || refusal.message;
    } finally {
      submit.disabled = false;
    }
  }

  choose(true);
  return h("main.entrance", {}, form);
}

const field = (name, label, props) => h("label.field", {}, h("span", {}, label), h("input", { name, ...props }));
