/* The pad to sign on: strokes are kept as points, drawn again when the pad changes its size, sent as a picture on white.
   Needs files.js, which sends it. Works for pads that come to the page later. */
(() => {
  "use strict";
  const WIDTH = 2.4, FEWEST = 8;
  const pads = new WeakMap();                          /* canvas → strokes, each a list of points */
  const make = (canvas) => {
    if (!pads.has(canvas)) pads.set(canvas, { strokes: [], isDown: false });
    return pads.get(canvas);
  };
  const draw = (canvas, scale = window.devicePixelRatio || 1) => {
    const box = canvas.getBoundingClientRect();
    canvas.width = Math.round(box.width * scale);
    canvas.height = Math.round(box.height * scale);
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.scale(scale, scale);
    Object.assign(pen, { lineWidth: WIDTH, lineCap: "round", lineJoin: "round", strokeStyle: "#111" });
    for (const stroke of make(canvas).strokes) {
      pen.beginPath();
      pen.moveTo(...stroke[0]);
      for (const point of stroke) pen.lineTo(...point);
      pen.stroke();
    }
  };
  const isSigned = (canvas) => make(canvas).strokes.reduce((sum, stroke) => sum + stroke.length, 0) >= FEWEST;
  const within = (event) => event.target.closest?.("[data-signature]");
  const padOf = (event) => (event.target.matches?.(".signature-pad") ? event.target : null);
  const at = (canvas, event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const say = (section, words) => { section.querySelector("[data-signature-words]").textContent = words; };
  const ready = (canvas) => { canvas.closest("[data-signature]").querySelector("[data-signature-save]").disabled = !isSigned(canvas); };

  document.addEventListener("pointerdown", (event) => {
    const canvas = padOf(event);
    if (!canvas || event.button) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    const pad = make(canvas);
    pad.isDown = true;
    pad.strokes.push([at(canvas, event)]);
    draw(canvas);
  });
  document.addEventListener("pointermove", (event) => {
    const canvas = padOf(event);
    if (!canvas || !make(canvas).isDown) return;
    const points = event.getCoalescedEvents?.() ?? [];
    make(canvas).strokes.at(-1).push(...(points.length ? points : [event]).map((point) => at(canvas, point)));
    draw(canvas);
    ready(canvas);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    document.addEventListener(end, (event) => { const canvas = padOf(event); if (canvas) make(canvas).isDown = false; });
  }

  const sent = async (section, file) => {
    const told = await window.wuguanFiles.send(section.querySelector("form"), file, () => {});
    say(section, told.saved || told.refused);
    if (told.saved) await window.wuguanFiles.refresh();
    return Boolean(told.saved);
  };
  document.addEventListener("click", async (event) => {
    const section = within(event);
    const canvas = section?.querySelector(".signature-pad");
    if (!canvas) return;
    if (event.target.closest("[data-signature-clear]")) {
      make(canvas).strokes = [];
      draw(canvas);
      ready(canvas);
      say(section, "");
    }
    const save = event.target.closest("[data-signature-save]");
    if (!save) return;
    save.disabled = true;
    say(section, "正在保存签字…");
    draw(canvas, 2);
    const picture = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    draw(canvas);
    const isKept = await sent(section, new File([picture], "客户签字.png", { type: "image/png" }));
    save.disabled = isKept;                            /* what was not kept can be sent again, and is still on the pad */
  });
  document.addEventListener("change", async (event) => {
    const section = within(event);
    if (!section || !event.target.matches("[data-signature-photo]") || !event.target.files.length) return;
    say(section, "正在上传签字照片…");
    await sent(section, event.target.files[0]);
    event.target.value = "";
  });
  window.addEventListener("resize", () => document.querySelectorAll(".signature-pad").forEach((canvas) => draw(canvas)));
})();
