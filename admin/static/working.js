/* Long work: ask each second how far it is, say how fast and how long still, and show the page once it is over.
   The card is complete without it; then the page reloads itself. */
(() => {
  "use strict";
  const EVERY = 1000, LOOK_BACK = 10, LONG = 90;

  for (const card of document.querySelectorAll("[data-working]")) {
    const bar = card.querySelector("progress");
    const words = card.querySelector("[data-working-words]");
    const pace = card.querySelector("[data-working-pace]");
    let seen = [];                                   /* what was done when, in the phase at hand */

    const paceOf = (told) => {
      const now = performance.now() / 1000;
      if (seen.length && (seen[0].phase !== told.phase || told.done < seen.at(-1).done)) seen = [];
      seen.push({ phase: told.phase, done: told.done, at: now });
      if (seen.length > LOOK_BACK) seen.shift();
      const rate = (told.done - seen[0].done) / (now - seen[0].at || 1);
      if (told.is_ending || told.state !== "running" || rate <= 0) return "";
      const left = told.total ? Math.ceil((told.total - told.done) / rate) : 0;
      const span = left > LONG ? `${Math.ceil(left / 60)} 分钟` : `${left} 秒`;
      return `· 每秒约 ${Math.max(1, Math.round(rate)).toLocaleString("zh-CN")} 条${left ? `，本步还需约 ${span}` : ""}`;
    };

    const look = async () => {
      try {
        const answer = await fetch(card.dataset.working, { headers: { Accept: "application/json" }, cache: "no-store" });
        if (answer.status === 404 || answer.status === 403 || answer.redirected) { window.location.reload(); return; }
        const told = await answer.json();
        if (told.finished) { window.location.reload(); return; }
        words.textContent = told.words;
        pace.textContent = paceOf(told);
        if (told.percent === null) bar.removeAttribute("value");
        else bar.value = told.percent;
      } catch { /* the network or the server is away: look again */ }
      setTimeout(look, EVERY);
    };
    setTimeout(look, EVERY);
  }
})();
