/* Boards: stay true while somebody looks, without touching the card somebody writes on; j k h l Enter 1–9 by keyboard;
   more cards where the lane goes on. The page is complete without it. */
(() => {
  "use strict";
  const EVERY = 20000;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (node) => node.matches("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
  const board = document.querySelector("[data-board]");
  if (!board) return;

  /* ---- staying true: only lanes as the server has them, but a card with an open form or the focus stays as it is */
  const written = new WeakSet();
  board.addEventListener("input", (event) => { const card = event.target.closest("[data-card]"); if (card) written.add(card); });
  const isBusy = (card) => card.contains(document.activeElement) || card.querySelector("details[open]") || written.has(card);

  function renew(list, fresh) {
    const kept = all("[data-card]", list).filter(isBusy);
    const names = new Set(kept.map((card) => card.id));
    for (const card of all(":scope > [data-card]", list)) if (!kept.includes(card)) card.remove();
    let before = null;
    for (const card of fresh) {
      if (names.has(card.id)) { before = document.getElementById(card.id); continue; }
      if (before) { before.after(card); before = card; }
      else if (kept.length) kept[0].before(card);
      else list.append(card);
    }
  }

  function gone(card, isThere) {
    const words = card.querySelector(".board-gone");
    if (isThere) words?.remove();
    else if (!words) card.prepend(Object.assign(document.createElement("p"), { className: "board-gone", textContent: "这件事刚被别人办理过。您写的内容还在，提交时会再核对。" }));
  }

  function take(page) {
    const busy = all("[data-card]", board).filter(isBusy);
    for (const card of busy) {
      const fresh = page.getElementById(card.id);
      gone(card, fresh && fresh.closest("[data-lane]").dataset.lane === card.closest("[data-lane]").dataset.lane);
      if (fresh && fresh.closest("[data-lane]").dataset.lane !== card.closest("[data-lane]").dataset.lane) fresh.remove();
    }
    const lanes = all("[data-lane]", page);
    const here = new Map(all("[data-lane]", board).map((lane) => [lane.dataset.lane, lane]));
    for (const lane of lanes) {
      const old = here.get(lane.dataset.lane);
      here.delete(lane.dataset.lane);
      if (!old || !all("[data-card]", old).some(isBusy)) {
        if (old) old.replaceWith(lane); else board.append(lane);
        continue;
      }
      old.querySelector("[data-count]").replaceChildren(...lane.querySelector("[data-count]").childNodes);
      renew(old.querySelector("[data-cards]"), all("[data-card]", lane));
    }
    for (const old of here.values()) if (!all("[data-card]", old).some(isBusy)) old.remove();
  }

  let hasMore = false;
  async function look() {
    if (document.visibilityState === "visible" && !hasMore) {
      try {
        const address = new URL(window.location.href);
        address.searchParams.set("part", "lanes");
        const answer = await fetch(address, { cache: "no-store" });
        if (answer.ok && !answer.redirected) take(new DOMParser().parseFromString(await answer.text(), "text/html"));
      } catch { /* the network or the server is away: look again */ }
    }
    setTimeout(look, EVERY);
  }
  setTimeout(look, EVERY);

  /* ---- more of a lane, below what is there; meanwhile the board stands still, so that nothing read jumps away */
  board.addEventListener("click", async (event) => {
    const more = event.target.closest("[data-more]");
    if (!more || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const address = new URL(more.href);
    address.searchParams.set("part", "lanes");
    try {
      const answer = await fetch(address, { cache: "no-store" });
      if (!answer.ok || answer.redirected) { window.location.assign(more.href); return; }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const lane = more.closest("[data-lane]");
      const fresh = all("[data-card]", page).filter((card) => !document.getElementById(card.id));
      hasMore = true;
      lane.querySelector("[data-cards]").append(...fresh);
      const following = page.querySelector("[data-more]");
      if (following) more.replaceWith(following); else more.closest(".card-foot").remove();
      fresh[0]?.focus();
    } catch { window.location.assign(more.href); }
  });

  /* ---- keyboard */
  const cards = () => all("[data-card]", board);
  const laneOf = (card) => card.closest("[data-lane]");
  function stand(card) { card?.focus(); card?.scrollIntoView({ block: "nearest", inline: "nearest" }); }
  function along(step) {
    const found = cards();
    const here = found.indexOf(document.activeElement.closest?.("[data-card]"));
    stand(here < 0 ? found[0] : found[Math.max(0, Math.min(found.length - 1, here + step))]);
  }
  function across(step) {
    const lanes = all("[data-lane]", board).filter((lane) => lane.querySelector("[data-card]"));
    const card = document.activeElement.closest?.("[data-card]");
    const here = card ? lanes.indexOf(laneOf(card)) : -1;
    stand(lanes[Math.max(0, Math.min(lanes.length - 1, here + step))]?.querySelector("[data-card]"));
  }
  function press(card, number) {
    const button = all(":scope > .board-acts > form > button, :scope > .board-acts > details > summary", card)[number - 1];
    button?.click();
    button?.closest("details[open]")?.querySelector("select, input:not([type=hidden]), textarea")?.focus();
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const card = event.target.closest?.("[data-card]");
      for (const ask of all("details.ask[open]", card || undefined)) ask.open = false;
      if (card) { written.delete(card); card.focus(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    const card = event.target.closest?.("[data-card]");
    if (event.key === "j") along(1);
    else if (event.key === "k") along(-1);
    else if (event.key === "l") across(1);
    else if (event.key === "h") across(-1);
    else if (event.key === "Enter" && event.target === card) card.querySelector("[data-open]")?.click();
    else if (card && /^[1-9]$/.test(event.key)) { event.preventDefault(); press(card, Number(event.key)); }
  });

  /* ---- who acted comes back to the card, which says so to whoever cannot see it */
  const target = document.getElementById(window.location.hash.slice(1));
  if (target?.matches("[data-card]")) target.focus({ preventScroll: true });
})();
