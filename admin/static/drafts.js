/* What was being written survives a session that ended or a page that was reloaded. It is kept by the browser for this
   one tab, never longer, and never holds a password. Runs before the fields are dressed, which read what is put back. */
(() => {
  "use strict";
  const form = document.querySelector("form[data-guard]");
  const person = document.body.dataset.person || "";
  const key = `draft:${person}:${window.location.pathname}${new URLSearchParams(window.location.search).get("id") || ""}`;
  const store = {
    read: (name) => { try { return JSON.parse(sessionStorage.getItem(name)); } catch { return null; } },
    write: (name, draft) => { try { sessionStorage.setItem(name, JSON.stringify(draft)); } catch { /* no room: no draft */ } },
    drop: (name) => { try { sessionStorage.removeItem(name); } catch { /* nothing to drop */ } },
  };
  const kept = (field) => field.name && !["csrf_token", "edition", "url", "next"].includes(field.name)
    && !["password", "file", "submit", "button"].includes(field.type);
  const fields = () => [...form.elements].filter(kept);

  const drafts = () => Object.keys(sessionStorage).filter((name) => name.startsWith("draft:"));
  document.querySelector("form[data-leave]")?.addEventListener("submit", () => drafts().forEach(store.drop));

  /* a form that was sent and led to a page was saved: its draft has done its service; one that led to signing in, to an
     error or back to the form was not */
  const isSigningIn = Boolean(document.querySelector("input[type=password]"));
  const wasRefused = isSigningIn || Boolean(document.querySelector(".fault"));
  for (const name of drafts()) {
    const draft = store.read(name);
    if (draft?.sent && wasRefused) store.write(name, { ...draft, sent: false });
    else if (draft?.sent) store.drop(name);
  }
  if (!form || isSigningIn) return;

  const edition = form.elements.edition?.value || "";
  const draft = store.read(key);
  if (draft && draft.edition !== edition) store.drop(key);      /* somebody was faster: an old draft would undo it */
  else if (draft) {
    for (const field of fields()) {
      const value = draft.values[field.name];
      if (value === undefined) continue;
      if (["checkbox", "radio"].includes(field.type)) field.checked = value.includes(field.value);
      else field.value = value[0];
      if (draft.words[field.name]) field.dataset.json = draft.words[field.name];
    }
    const notice = document.createElement("div");
    notice.className = "notice notice-warning form-errors";
    notice.setAttribute("role", "status");
    const words = Object.assign(document.createElement("p"), { textContent: "已恢复您上次没有保存的内容。" });
    const drop = Object.assign(document.createElement("button"), { type: "button", className: "button button-small notice-close", textContent: "不要了，重新填写" });
    drop.addEventListener("click", () => { store.drop(key); window.location.reload(); });
    notice.append(words, drop);
    form.closest(".card").before(notice);
  }

  const keep = (sent) => {
    const values = {};
    const words = {};
    for (const field of fields()) {
      if (["checkbox", "radio"].includes(field.type)) {
        values[field.name] ??= [];
        if (field.checked) values[field.name].push(field.value);
      } else values[field.name] = [field.value];
      if (field.dataset.json) words[field.name] = field.dataset.json;
    }
    store.write(key, { values, words, edition, sent });
  };
  form.addEventListener("input", () => keep(false));
  form.addEventListener("submit", () => keep(true));
  for (const link of form.querySelectorAll(".form-foot a")) link.addEventListener("click", () => store.drop(key));
})();
