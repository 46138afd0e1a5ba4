/* Lists: a row opens a panel beside the list first and its page second; columns are chosen and remembered; bulk acts say
   what they will touch; j k move, Enter opens, x chooses. */
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (node) => node.matches("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
  const make = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };
  const memory = {
    read: (key) => { try { return JSON.parse(localStorage.getItem(key)) || []; } catch { return []; } },
    write: (key, value) => { try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* private mode: forget it */ } },
  };

  /* ---- moving */
  const list = document.querySelector("table[data-list]");
  const rows = list ? all("tr[data-href]", list) : [];
  const wide = window.matchMedia("(min-width: 1100px)");
  let here = -1;
  function stand(index) {
    rows[here]?.classList.remove("is-here");
    here = Math.max(0, Math.min(rows.length - 1, index));
    rows[here].classList.add("is-here");
    rows[here].scrollIntoView({ block: "nearest" });
    if (panel) look(rows[here]);
  }

  /* ---- the panel beside the list: the record's own page, without the frame around it */
  let panel = null;
  let turn = 0;
  function shut() { panel?.remove(); panel = null; document.body.classList.remove("has-panel"); }
  async function look(row) {
    const mine = ++turn;
    const answer = await fetch(row.dataset.href, { headers: { Accept: "text/html" } });
    if (mine !== turn) return;
    if (!answer.ok || answer.redirected) { window.location.assign(row.dataset.href); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const title = page.querySelector("main h1")?.textContent.trim() || "";
    const close = make("button", { type: "button", className: "button button-icon", textContent: "×" });
    close.setAttribute("aria-label", "关闭快速查看");
    close.addEventListener("click", shut);
    const head = make("div", { className: "panel-head" }, make("h2", { textContent: title }),
      make("a", { className: "button button-small push", href: row.dataset.href, textContent: "打开整页" }), close);
    const body = make("div", { className: "panel-body" });
    const acts = page.querySelector("main .page-actions");
    if (acts) body.append(document.importNode(acts, true));
    for (const part of all("main section.card, main .notice", page)) body.append(document.importNode(part, true));
    if (!panel) {
      panel = make("aside", { className: "panel" });
      panel.setAttribute("aria-label", "快速查看");
      document.body.append(panel);
      document.body.classList.add("has-panel");
    }
    panel.replaceChildren(head, body);
    panel.scrollTop = 0;
  }
  for (const [index, row] of rows.entries()) {
    row.addEventListener("click", (event) => {
      if (!wide.matches || event.target.closest("a, button, input, label, form") || String(window.getSelection())) return;
      if (panel && here === index) { shut(); return; }
      rows[here]?.classList.remove("is-here");
      here = index;
      row.classList.add("is-here");
      look(row);
    });
    row.addEventListener("dblclick", (event) => {
      if (!event.target.closest("a, button, input, label, form")) window.location.assign(row.dataset.href);
    });
  }

  /* ---- columns: chosen per list, remembered by this browser */
  const chooser = document.querySelector("[data-columns]");
  if (chooser && list) {
    const key = `columns:${window.location.pathname}`;
    const headings = all("thead th[data-column]", list);
    let away = memory.read(key);
    const apply = () => {
      for (const cell of all("[data-column]", list)) cell.hidden = away.includes(cell.dataset.column);
    };
    chooser.append(...headings.slice(1).map((heading) => {
      const box = make("input", { type: "checkbox", checked: !away.includes(heading.dataset.column) });
      box.addEventListener("change", () => {
        away = box.checked ? away.filter((name) => name !== heading.dataset.column) : [...away, heading.dataset.column];
        memory.write(key, away);
        apply();
      });
      return make("label", { className: "menu-item" }, box, heading.textContent.trim());
    }));
    apply();
  }

  /* ---- bulk acts */
  const bar = document.querySelector("[data-selection]");
  const boxes = all("input[data-choose]");
  const allBox = document.querySelector("input[data-choose-all]");
  function showSelection() {
    const chosen = boxes.filter((box) => box.checked);
    for (const box of boxes) box.closest("tr, [data-row]").classList.toggle("is-chosen", box.checked);
    if (allBox) {
      allBox.checked = boxes.length > 0 && chosen.length === boxes.length;
      allBox.indeterminate = chosen.length > 0 && !allBox.checked;
    }
    if (!bar) return;
    bar.hidden = chosen.length === 0;
    bar.querySelector("[data-chosen]").textContent = chosen.length;
    const holder = bar.querySelector("[data-chosen-ids]");
    holder.replaceChildren(...chosen.map((box) => Object.assign(document.createElement("input"), { type: "hidden", name: "rowid", value: box.value })));
    for (const button of all("button[data-confirm-each]", bar)) {
      const able = chosen.filter((box) => box.dataset.acts === undefined || box.dataset.acts.split(" ").includes(button.value));
      const said = able.map((box) => box.dataset.said).filter(Boolean);
      const some = said.length ? `${said.slice(0, 5).join("、")}${said.length > 5 ? " 等" : ""}。` : "";
      (button.closest("[data-fits]") || button).hidden = able.length === 0;
      button.dataset.confirm = `${button.textContent.trim()} ${able.length} ${bar.dataset.unit || "条记录"}？`;
      button.dataset.consequence = some + button.dataset.confirmEach;
      button.dataset.verb = button.textContent.trim();
    }
    const nothing = bar.querySelector("[data-nothing]");
    if (nothing) nothing.hidden = all("button[data-confirm-each]", bar).some((button) => !(button.closest("[data-fits]") || button).hidden);
  }
  allBox?.addEventListener("change", () => { for (const box of boxes) box.checked = allBox.checked; showSelection(); });
  for (const box of boxes) box.addEventListener("change", showSelection);
  for (const button of all("[data-choose-none]")) button.addEventListener("click", () => { for (const box of boxes) box.checked = false; showSelection(); });

  /* ---- mails: the open one stays in sight; j k move among them, Enter opens, x chooses */
  const openers = all(".mail-list .mail-open");
  const opened = openers.find((opener) => opener.hasAttribute("aria-current"));
  if (opened) {
    const frame = opened.closest(".mail-list");
    const row = opened.closest("[data-row]");
    frame.scrollTop = row.offsetTop - frame.offsetTop - (frame.clientHeight - row.clientHeight) / 2;
  }
  function moveAmongMails(step) {
    const from = openers.includes(document.activeElement) ? document.activeElement : opened;
    openers[Math.max(0, Math.min(openers.length - 1, openers.indexOf(from) + step))].focus();
  }

  document.addEventListener("keydown", (event) => {
    if (openers.length && !event.ctrlKey && !event.metaKey && !event.altKey && !typing(event.target) && !document.querySelector("dialog[open]")) {
      if (event.key === "j") moveAmongMails(1);
      else if (event.key === "k") moveAmongMails(-1);
      else if (event.key === "x") document.activeElement.closest("[data-row]")?.querySelector("input[data-choose]")?.click();
    }
    if (event.key === "Escape" && panel && !document.querySelector("dialog[open], details.menu[open]")) { shut(); return; }
    if (!rows.length || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "j") stand(here + 1);
    else if (event.key === "k") stand(here - 1);
    else if (event.key === " " && here >= 0 && event.target === document.body && wide.matches) { event.preventDefault(); if (panel) shut(); else look(rows[here]); }
    else if (event.key === "Enter" && here >= 0 && event.target === document.body) window.location.assign(rows[here].dataset.href);
    else if (event.key === "x" && here >= 0) rows[here].querySelector("input[data-choose]")?.click();
  });
})();
