/* Fields that need more than HTML gives: a reference found by typing, days and times, filters, rows within a form.
   They speak the protocol of the server's form widgets (data-role, data-url, data-json). */
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, properties = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };

  /* ---- a reference: type two letters, choose; the hidden input keeps the id */
  function reference(hidden) {
    const multiple = hidden.dataset.multiple === "1";
    const separator = hidden.dataset.separator || ",";
    let chosen = JSON.parse(hidden.dataset.json || "null") || [];
    if (!multiple) chosen = chosen.length ? [chosen] : [];
    const input = make("input", { type: "text", autocomplete: "off", id: hidden.id, placeholder: hidden.dataset.placeholder || "输入文字查找" });
    const list = make("div", { className: "reference-list", hidden: true, id: `${hidden.id}-list` });
    const clear = make("button", { type: "button", className: "reference-clear", textContent: "×" });
    const chips = make("div", { className: "reference-chosen", hidden: true });
    hidden.removeAttribute("id");
    list.setAttribute("role", "listbox");
    clear.setAttribute("aria-label", "清除");
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id]]) input.setAttribute(name, value);
    hidden.after(make("div", { className: "reference" }, chips, input, clear, list));
    let waiting = 0;
    let marked = -1;
    let asking = 0;

    function store() {
      hidden.value = chosen.map(([id]) => id).join(separator);
      hidden.dataset.json = JSON.stringify(multiple ? chosen : chosen[0] || null);
      if (!multiple) input.value = chosen.length ? chosen[0][1] : "";
      clear.hidden = multiple || !chosen.length || !hidden.dataset.allowBlank;
      chips.hidden = !multiple || !chosen.length;
      chips.replaceChildren(...(multiple ? chosen : []).map(([id, words]) => {
        const remove = make("button", { type: "button", className: "button button-icon", textContent: "×" });
        remove.setAttribute("aria-label", `移除${words}`);
        remove.addEventListener("click", () => { chosen = chosen.filter(([other]) => other !== id); store(); changed(); });
        return make("span", { className: "chip", textContent: words }, remove);
      }));
    }
    const changed = () => hidden.dispatchEvent(new Event("input", { bubbles: true }));
    function shut() { list.hidden = true; marked = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); }
    function fill(goesWith) {
      for (const [name, value] of Object.entries(goesWith || {})) {
        const field = hidden.form?.elements[name];
        if (!field) continue;
        if (Array.isArray(value)) field.dispatchEvent(new CustomEvent("fill", { detail: value }));
        else if (field.type === "checkbox") field.checked = value;
        else field.value = value;
      }
    }
    hidden.addEventListener("fill", (event) => { chosen = [event.detail]; store(); });
    function take(entry) {
      fill(entry[2]);
      chosen = multiple ? [...chosen.filter(([id]) => id !== entry[0]), entry] : [entry];
      if (multiple) input.value = "";
      store(); shut(); changed();
    }
    function mark(step) {
      const items = all("[role=option]", list);
      if (!items.length) return;
      items[marked]?.setAttribute("aria-selected", "false");
      marked = (marked + step + items.length) % items.length;
      items[marked].setAttribute("aria-selected", "true");
      items[marked].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", items[marked].id);
    }
    function show(found) {
      list.replaceChildren(...found.map((entry, index) => {
        const item = make("div", { className: "menu-item", id: `${list.id}-${index}`, textContent: entry[1] });
        item.setAttribute("role", "option");
        item.addEventListener("mousedown", (event) => { event.preventDefault(); take(entry); });
        return item;
      }));
      if (!found.length) list.append(make("p", { className: "quiet", textContent: "没有符合的记录，请换一个词。" }));
      marked = -1;
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
    }
    async function look() {
      const words = input.value.trim();
      if (words.length < Number(hidden.dataset.minimumInputLength || 1)) { shut(); return; }
      const turn = ++asking;
      const address = new URL(hidden.dataset.url, window.location.href);
      for (const [name, value] of [["query", words], ["offset", 0], ["limit", 10]]) address.searchParams.set(name, value);
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      if (turn === asking && answer.ok) show(await answer.json());
    }
    input.addEventListener("input", (event) => { event.stopPropagation(); clearTimeout(waiting); waiting = setTimeout(look, 160); });
    input.addEventListener("focus", () => input.select());
    input.addEventListener("blur", () => { shut(); if (!multiple) { if (!input.value.trim() && hidden.dataset.allowBlank) chosen = []; store(); } else input.value = ""; });
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") { event.preventDefault(); if (list.hidden) look(); else mark(1); }
      else if (event.key === "ArrowUp") { event.preventDefault(); mark(-1); }
      else if (event.key === "Enter" && !list.hidden && !event.ctrlKey) { event.preventDefault(); (all("[role=option]", list)[Math.max(marked, 0)])?.dispatchEvent(new MouseEvent("mousedown", { bubbles: true, cancelable: true })); }
      else if (event.key === "Escape" && !list.hidden) { event.stopPropagation(); shut(); }
    });
    clear.addEventListener("click", () => { chosen = []; store(); changed(); input.focus(); });
    store();
  }

  /* ---- days and times: the browser's own picker beside the text the server reads */
  function moment(input) {
    if (input.dataset.role === "datepicker") { input.type = "date"; return; }
    if (input.dataset.role === "timepicker") { input.type = "time"; input.step = 60; return; }
    const picker = make("input", { type: "datetime-local", id: input.id, value: input.value.trim().slice(0, 16).replace(" ", "T") });
    input.removeAttribute("id");
    input.type = "hidden";
    input.after(picker);
    picker.addEventListener("input", () => { input.value = picker.value ? `${picker.value.replace("T", " ")}:00` : ""; });
  }

  function dress(root) {
    for (const hidden of all("input[data-role=select2-ajax]:not([data-dressed])", root)) { hidden.dataset.dressed = "1"; reference(hidden); }
    for (const input of all("input[data-role=datepicker], input[data-role=timepicker], input[data-role=datetimepicker]", root)) {
      if (!input.dataset.dressed) { input.dataset.dressed = "1"; moment(input); }
    }
  }

  /* ---- rows within a form */
  document.addEventListener("click", (event) => {
    const add = event.target.closest("[data-inline-add]");
    if (add) {
      const group = document.getElementById(add.dataset.inlineAdd);
      const list = group.querySelector(".inline-entries");
      const number = Math.max(-1, ...all(":scope > .inline-entry", list).map((entry) => Number(entry.id.split("-").pop()))) + 1;
      const holder = make("div");
      holder.innerHTML = group.querySelector("template").innerHTML;
      const entry = holder.firstElementChild;
      const prefix = `${group.id}-${number}`;
      entry.id = prefix;
      for (const node of all("[name], [id], [for]", entry)) {
        for (const name of ["name", "id", "for"]) {
          const value = node.getAttribute(name);
          if (value) node.setAttribute(name, value.startsWith(`${group.id}-`) ? value : `${prefix}${value.startsWith("-") ? "" : "-"}${value}`);
        }
      }
      list.append(entry);
      dress(entry);
      entry.querySelector("input:not([type=hidden]), select, textarea")?.focus();
    }
    const drop = event.target.closest("[data-inline-remove]");
    if (drop) drop.closest(".inline-entry").remove();
  });

  /* ---- filters: choose what, then how, then the value; the form is plain GET */
  for (const form of all("form[data-filters]")) {
    const groups = JSON.parse(form.querySelector("[data-filter-groups]").textContent);
    const [what, how] = all("select", form);
    const place = form.querySelector("[data-filter-value]");
    const name = () => `flt${form.dataset.filters}_${current().arg}`;
    const current = () => groups[what.value][how.selectedIndex < 0 ? 0 : how.selectedIndex];
    function value() {
      const filter = current();
      const label = { ariaLabel: "值" };
      if (filter.options && filter.type !== "select2-tags") {
        place.replaceChildren(make("select", { name: name(), ...label }, ...filter.options.map(([key, words]) => make("option", { value: key, textContent: words }))));
      } else if (["daterangepicker", "datetimerangepicker"].includes(filter.type)) {
        const type = "date";
        const [from, to] = [make("input", { type, ariaLabel: "起" }), make("input", { type, ariaLabel: "止" })];
        const joined = make("input", { type: "hidden", name: name() });
        const [first, last] = filter.type === "daterangepicker" ? ["", ""] : [" 00:00:00", " 23:59:59"];
        const join = () => { joined.value = from.value && to.value ? `${from.value}${first} to ${to.value}${last}` : ""; };
        from.addEventListener("input", join); to.addEventListener("input", join);
        place.replaceChildren(from, make("span", { textContent: "至", className: "quiet" }), to, joined);
      } else {
        const input = make("input", { type: filter.type === "datepicker" ? "date" : "text", name: name(), ...label });
        if (filter.type === "datetimepicker") { input.dataset.role = "datetimepicker"; }
        place.replaceChildren(input);
        dress(place);
      }
    }
    what.addEventListener("change", () => {
      how.replaceChildren(...groups[what.value].map((filter) => make("option", { textContent: filter.operation })));
      value();
    });
    how.addEventListener("change", value);
    what.dispatchEvent(new Event("change"));
  }

  dress(document);
})();
