/* Imports: take a suggestion with one click, say when a column is taken twice, go from cell to cell with Enter, count what
   was put right. Every page is complete without it. */
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const changed = (node) => node.dispatchEvent(new Event("input", { bubbles: true }));

  /* ---- the kind of sheet names what is dropped */
  const words = document.querySelector("[data-file-name]");
  const name = () => {
    const kind = document.querySelector("[data-kind]:checked");
    const file = document.querySelector("input[type=file][name=file]");
    if (kind && words && !file.files.length) words.textContent = `把${kind.dataset.kind}拖到这里，或点击选择文件`;
  };
  for (const kind of all("[data-kind]")) kind.addEventListener("change", name);
  name();

  /* ---- columns: a suggestion is one click, a column stands for one thing */
  const meanings = (sheet) => all("[data-meaning]", sheet);
  const judge = (sheet) => {
    const taken = new Map();
    const isRead = sheet.querySelector(".card-head input[type=checkbox]").checked;
    for (const select of meanings(sheet)) {
      const first = isRead && select.value && select.value !== "+note" ? taken.get(select.value) : undefined;
      if (!first) taken.set(select.value, select);
      const letter = first?.closest("tr").querySelector(".letter").textContent;
      const says = first ? `${letter} 列已经当作「${select.selectedOptions[0].textContent}」，请改其中一列。` : "";
      select.setCustomValidity(says);
      let line = select.parentNode.querySelector(".says-so");
      if (says && !line) {
        line = Object.assign(document.createElement("span"), { className: "says-so" });
        line.setAttribute("role", "alert");
        select.parentNode.append(line);
      }
      if (line) line.textContent = says;
    }
  };
  for (const sheet of all("[data-sheet]")) {
    for (const select of meanings(sheet)) {
      select.addEventListener("change", () => {
        const row = select.closest("tr");
        row.classList.toggle("is-unread", !select.value);
        row.classList.toggle("is-asking", !select.value && Boolean(row.querySelector(".offer")));
        judge(sheet);
      });
    }
    sheet.addEventListener("change", () => judge(sheet));
    judge(sheet);
  }
  for (const button of all("[data-accept]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const select = document.getElementById(button.dataset.accept);
      select.value = button.dataset.value;
      select.dispatchEvent(new Event("change", { bubbles: true }));
      changed(select);
      select.focus();
      button.closest(".offer").hidden = true;
    });
  }

  /* ---- cells put right: Enter goes on to the next one, what was changed is marked and counted */
  const form = document.querySelector("form.mends");
  if (!form) return;
  const cells = all("input[type=text][data-mend]", form);
  const count = form.querySelector("[data-mends-count]");
  const atFirst = count.textContent;
  const tell = () => {
    for (const cell of cells) cell.classList.toggle("is-changed", cell.value !== cell.dataset.was);
    const mended = cells.filter((cell) => cell.value !== cell.dataset.was).length;
    const answered = all("input[type=radio][data-mend]", form).filter((choice) => choice.checked !== choice.defaultChecked && choice.checked).length;
    count.textContent = mended + answered ? `已改 ${mended + answered} 处，还没有保存` : atFirst;
  };
  for (const [place, cell] of cells.entries()) {
    cell.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.isComposing) return;
      event.preventDefault();
      const next = cells[place + (event.shiftKey ? -1 : 1)] || form.querySelector(".selection .button");
      next.focus();
      next.select?.();
    });
  }
  form.addEventListener("input", tell);
  form.addEventListener("change", tell);
  tell();
})();
