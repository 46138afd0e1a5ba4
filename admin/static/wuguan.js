/* What the frame does beyond HTML: ask before the irreversible, submit once, keep what is unsaved, work by keyboard.
   Every page is usable without it; nothing here decides what a person may do. */
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (node) => node.matches("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");

  const memory = {
    read: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
    write: (key, value) => { try { localStorage.setItem(key, value); } catch { /* private mode: forget it */ } },
  };

  /* ---- ask before the irreversible: the dialog names the thing and the consequence, the button carries the verb */
  const dialog = document.getElementById("confirm");
  const asked = new WeakSet();

  function ask(source, proceed) {
    dialog.querySelector("h2").textContent = source.dataset.confirm;
    dialog.querySelector("p").textContent = source.dataset.consequence || "";
    const [back, yes] = dialog.querySelectorAll("button");
    yes.textContent = source.dataset.verb || "确定";
    yes.classList.toggle("button-solid-danger", source.dataset.tone !== "plain");
    yes.classList.toggle("button-primary", source.dataset.tone === "plain");
    dialog.returnValue = "no";
    dialog.onclose = () => { if (dialog.returnValue === "yes") proceed(); };
    dialog.showModal();
    back.focus();
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const source = event.submitter?.dataset.confirm ? event.submitter : form;
    if (source.dataset.confirm && !asked.has(form)) {
      event.preventDefault();
      const submitter = event.submitter;
      ask(source, () => { asked.add(form); form.requestSubmit(submitter); });
      return;
    }
    asked.delete(form);
    if (form.method === "dialog") return;
    if (form.dataset.sent) {        /* a second click while the first is under way */
      event.preventDefault();
      return;
    }
    dirty.delete(form);
    if (form.target || form.hasAttribute("data-download")) return;
    form.dataset.sent = "1";
    event.submitter?.setAttribute("aria-busy", "true");
    if (event.submitter?.dataset.busy) event.submitter.textContent = event.submitter.dataset.busy;
  });

  window.addEventListener("pageshow", () => {
    for (const form of all("form[data-sent]")) delete form.dataset.sent;
    for (const button of all("[aria-busy]")) button.removeAttribute("aria-busy");
  });

  /* ---- leaving unsaved asks */
  const dirty = new Set();
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-guard]");
    if (form) dirty.add(form);
  });
  window.addEventListener("beforeunload", (event) => {
    if (dirty.size) event.preventDefault();
  });

  /* ---- menus: closed by Esc and by a click elsewhere; found by typing */
  const close = (menu) => { menu.open = false; };
  document.addEventListener("click", (event) => {
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) close(menu);
  });
  for (const menu of all("details.menu")) {
    menu.addEventListener("toggle", () => { if (menu.open) menu.querySelector("[data-find-in-menu]")?.focus(); });
    menu.addEventListener("keydown", (event) => {
      if (!["ArrowDown", "ArrowUp"].includes(event.key)) return;
      const items = all(".menu-item", menu).filter((item) => !item.hidden);
      const step = event.key === "ArrowDown" ? 1 : -1;
      const next = items[(items.indexOf(document.activeElement) + step + items.length) % items.length];
      if (next) { event.preventDefault(); next.focus(); }
    });
  }
  const recent = JSON.parse(memory.read("offices") || "[]");
  for (const panel of all(".switcher .menu-list")) {
    const places = all(".menu-item[data-words]", panel);
    for (const item of places) item.addEventListener("click", () => memory.write("offices", JSON.stringify([item.value, ...recent.filter((id) => id !== item.value)].slice(0, 5))));
    const first = places.find((item) => !recent.includes(item.value));
    if (first) for (const id of recent) places.filter((item) => item.value === id).forEach((item) => first.before(item));
  }
  for (const finder of all("[data-find-in-menu]")) {
    finder.addEventListener("input", () => {
      const words = finder.value.trim().toLowerCase();
      for (const item of all("[data-words]", finder.form)) item.hidden = !item.dataset.words.toLowerCase().includes(words);
    });
    finder.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      all(".menu-item[data-words]", finder.form).find((item) => !item.hidden)?.click();
    });
  }

  /* ---- what was folded stays folded */
  for (const folded of all("details[data-remember]")) {
    if (!folded.open && memory.read(folded.dataset.remember) === "open") folded.open = true;
    folded.addEventListener("toggle", () => memory.write(folded.dataset.remember, folded.open ? "open" : ""));
  }

  /* ---- light or dark: a cookie, so that the next page comes in the right colour at once */
  for (const button of all("[data-appearance]")) {
    button.addEventListener("click", () => {
      const choice = button.dataset.appearance;
      if (choice) document.documentElement.dataset.theme = choice;
      else delete document.documentElement.dataset.theme;
      document.cookie = `appearance=${choice}; path=/; max-age=31536000; samesite=lax`;
      close(button.closest("details"));
    });
  }

  /* ---- notices can be put away */
  for (const notice of all("[data-dismissible]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button-icon notice-close";
    button.setAttribute("aria-label", "关闭提示");
    button.textContent = "×";
    button.addEventListener("click", () => notice.remove());
    notice.append(button);
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of all("details.menu[open]")) { close(menu); menu.querySelector("summary").focus(); }
      if (typing(event.target)) event.target.blur();
      return;
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = event.target.closest("form") || document.querySelector("form[data-guard]");
      if (form) { event.preventDefault(); form.requestSubmit(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || dialog?.open) return;
    const hotkey = all("[data-hotkey]").find((node) => node.dataset.hotkey === event.key);
    if (hotkey) { event.preventDefault(); hotkey.focus(); hotkey.select?.(); }
  });

  /* ---- a control that acts when it changes: page size, tabs of a filter */
  for (const control of all("[data-submit-on-change]")) control.addEventListener("change", () => control.form.requestSubmit());
  for (const button of all("[data-back]")) button.addEventListener("click", () => window.history.back());
  for (const button of all("[data-print]")) button.addEventListener("click", () => window.print());

  /* ---- files: dropped or chosen; the name is shown before anything is sent */
  for (const drop of all(".drop")) {
    const input = drop.querySelector("input[type=file]");
    const words = drop.querySelector("[data-file-name]");
    const largest = Number(input.dataset.largest || Infinity);
    const show = () => {
      const file = input.files[0];
      input.setCustomValidity(file && file.size > largest ? `文件超过 ${largest / 1048576} MB，请拆分后再上传。` : "");
      if (file) words.textContent = `${file.name}（${Math.ceil(file.size / 1024)} KB）`;
      input.reportValidity();
    };
    input.addEventListener("change", show);
    for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("is-over"); });
    for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("is-over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length) { input.files = event.dataTransfer.files; show(); input.dispatchEvent(new Event("input", { bubbles: true })); }
    });
  }
})();
