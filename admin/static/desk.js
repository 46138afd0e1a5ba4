/* The desk: fields that belong to the chosen kind of matter, what goes with a topic, arrows among what was found, lists that stay true while
   somebody types. The page is complete without it. */
(() => {
  "use strict";
  const EVERY = 20000;

  const form = document.querySelector("[data-desk-form]");
  if (form) {
    const fit = () => {
      const chosen = form.elements.matter?.value;
      for (const kind of ["request", "complaint"]) {
        for (const part of form.querySelectorAll(`.only-${kind}`)) part.hidden = chosen !== kind;
      }
      const isNamed = form.elements.reporter?.value !== "other";
      form.elements.reporter_name.closest(".field").hidden = isNamed;
    };
    /* a topic brings its category, urgency and department along; what is changed afterwards stands */
    const topic = form.elements.topic;
    const fill = () => {
      const chosen = topic.selectedOptions[0];
      form.elements.filled_for.value = topic.value;
      if (!topic.value) return;
      if (chosen.dataset.category) form.elements.category.value = chosen.dataset.category;
      form.elements.urgent.checked = chosen.dataset.urgent === "1";
      if (chosen.dataset.department) form.elements.department.value = chosen.dataset.department;
    };
    const offer = () => {
      const matter = form.elements.matter?.value;
      for (const option of topic.options) option.hidden = option.disabled = Boolean(option.dataset.matter) && option.dataset.matter !== matter;
      if (topic.selectedOptions[0]?.disabled) topic.value = "";
    };
    form.addEventListener("change", (event) => { if (event.target === topic) fill(); else if (event.target.name === "matter") offer(); fit(); });
    offer();
    fit();
  }

  const hits = [...document.querySelectorAll("[data-desk-hits] a")];
  if (hits.length) {
    hits[0].focus();
    document.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const here = hits.indexOf(document.activeElement);
      if (!step || here < 0) return;
      event.preventDefault();
      hits[(here + step + hits.length) % hits.length].focus();
    });
  }

  const lists = document.querySelector("[data-desk-lists]");
  const look = async () => {
    if (document.visibilityState === "visible" && !lists.contains(document.activeElement)) {
      try {
        const answer = await fetch(lists.dataset.deskLists, { cache: "no-store" });
        if (answer.ok && !answer.redirected) {
          const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
          lists.replaceChildren(...fresh.body.childNodes);
        }
      } catch { /* the network or the server is away: look again */ }
    }
    setTimeout(look, EVERY);
  };
  if (lists) setTimeout(look, EVERY);
})();
