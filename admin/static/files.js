/* Files of a matter: each is sent by itself with its progress, from the button, the camera, a drop or the clipboard. What
   is refused stays in the list with the reason and can be sent again. The form is complete without it. */
(() => {
  "use strict";
  const MEGABYTE = 1024 * 1024;
  document.documentElement.classList.add("has-scripts");
  const make = (tag, words, more = {}) => Object.assign(document.createElement(tag), { textContent: words, ...more });
  const panels = () => [...document.querySelectorAll("[data-files]")].filter((panel) => panel.querySelector("[data-files-form]"));

  /* panels of the same matter may stand on one page twice: each shows what was added */
  const refresh = async () => {
    for (const panel of document.querySelectorAll("[data-files]")) {
      try {
        const answer = await fetch(panel.dataset.files, { cache: "no-store" });
        if (!answer.ok || answer.redirected) continue;
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of ["[data-files-list]", "[data-files-count]"]) {
          const found = fresh.querySelector(part);
          if (found) panel.querySelector(part).replaceWith(found);
        }
      } catch { /* the network is away: the page shows it when it is opened again */ }
    }
  };

  const reasonOf = (request) => {
    let told = null;
    try { told = JSON.parse(request.responseText); } catch { /* not our words: a proxy's */ }
    if (told?.refused?.length) return told.refused[0].message;
    if (told?.error) return told.error.message;
    if (request.status === 413) return "文件过大，服务器没有接收。请压缩后再上传。";
    if (request.status === 0) return "网络中断，没有上传。";
    return `服务器没有接收（${request.status}）。请重新登录后再试。`;
  };

  const send = (form, file, report, purpose) => new Promise((resolve) => {
    const body = new FormData();
    for (const name of ["csrf_token", "url", "order", "purpose"]) {
      if (form.elements[name]) body.append(name, form.elements[name].value);
    }
    if (purpose) body.set("purpose", purpose);
    body.append("files", file, file.name || "图片.png");
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) report(event.loaded / event.total); });
    request.addEventListener("loadend", () => {
      const isLost = request.responseURL && !request.responseURL.includes("/files/");
      const isDone = request.status === 200 && !isLost && request.responseText.includes('"saved"');
      let saved = [];
      if (isDone) saved = JSON.parse(request.responseText).saved;
      resolve(saved.length ? { saved: saved[0] } : { refused: isLost ? "登录已失效，没有上传。请重新登录后再选这个文件。" : reasonOf(request) });
    });
    request.send(body);
  });
  window.wuguanFiles = { send, refresh };

  const line = (panel, file) => {
    const item = make("li", "");
    const bar = make("progress", "", { max: 1, value: 0 });
    bar.setAttribute("aria-label", `${file.name} 的上传进度`);
    item.append(make("span", file.name || "图片"), bar);
    panel.querySelector("[data-files-going]").append(item);
    return { item, bar };
  };

  const carry = async (panel, file, purpose) => {
    const form = panel.querySelector("[data-files-form]");
    const { item, bar } = line(panel, file);
    const largest = Number(panel.dataset.filesLargest);
    const told = file.size > largest * MEGABYTE
      ? { refused: `「${file.name}」有 ${(file.size / MEGABYTE).toFixed(1)} MB，超过单个文件 ${largest} MB 的上限。请压缩或分成几个文件后再上传。` }
      : await send(form, file, (share) => { bar.value = share; if (share === 1) bar.removeAttribute("value"); }, purpose);
    bar.remove();
    if (told.saved) {
      item.replaceChildren(make("span", told.saved));
      setTimeout(() => item.remove(), 6000);
      return;
    }
    const again = make("button", "重新上传", { type: "button", className: "button button-small" });
    const drop = make("button", "不要了", { type: "button", className: "button button-small button-plain" });
    again.addEventListener("click", () => { item.remove(); take(panel, [file], purpose); });
    drop.addEventListener("click", () => item.remove());
    const buttons = make("span", "", { className: "row" });
    buttons.append(again, drop);
    item.append(buttons, make("p", told.refused, { className: "is-refused" }));
  };

  let queue = Promise.resolve();                       /* one after the other: a phone's line is thin */
  const take = (panel, files) => {
    const purpose = panel.querySelector("[data-files-form]").elements.purpose.value;
    for (const file of files) queue = queue.then(() => carry(panel, file, purpose));
    queue = queue.then(refresh);
  };

  document.addEventListener("change", (event) => {
    const panel = event.target.matches("[data-files-form] input[type=file]") && event.target.closest("[data-files]");
    if (!panel || !event.target.files.length) return;
    take(panel, [...event.target.files]);
    event.target.value = "";
  });
  const over = (event) => {
    const panel = event.target.closest?.("[data-files]");
    return panel?.querySelector("[data-files-form]") && event.dataTransfer?.types.includes("Files") ? panel : null;
  };
  document.addEventListener("dragover", (event) => {
    const panel = over(event);
    for (const other of panels()) other.classList.toggle("is-over", other === panel);
    if (panel) event.preventDefault();
  });
  document.addEventListener("dragleave", (event) => event.target.closest?.("[data-files]")?.classList.remove("is-over"));
  document.addEventListener("drop", (event) => {
    const panel = over(event);
    if (!panel) return;
    event.preventDefault();
    panel.classList.remove("is-over");
    take(panel, [...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files || [])];
    const [panel] = panels();
    if (!files.length || !panel) return;
    event.preventDefault();
    take(panel, files);
  });
  window.addEventListener("beforeunload", (event) => {
    if (document.querySelector("[data-files-going] progress")) event.preventDefault();
  });
})();
