// Pages are whole without this: it keeps them fresh, copies commands, and moves drawings.
"use strict";

function copying(root) {
  for (const box of root.querySelectorAll(".command:not([data-ready])")) {
    box.dataset.ready = "";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy the command " + box.querySelector("code").textContent);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(box.querySelector("code").textContent);
        button.textContent = "Copied";
      } catch {
        const range = document.createRange();
        range.selectNodeContents(box.querySelector("code"));
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    box.append(button);
  }
}

function living() {
  const live = document.querySelector("[data-live]");
  if (!live || !("EventSource" in window)) return;
  // What was done while the page was on its way is told by the stream's first word: it is not what the page was drawn at.
  let drawn = live.dataset.live, told = drawn, timer = 0;
  const stream = new EventSource("/api/v1/stream");
  const again = () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const at = told;
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
      if (!answer || !answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const next = fresh.getElementById(part.id);
        // What somebody has opened stays open.
        for (const one of next ? next.querySelectorAll("details[data-kept]") : []) {
          one.open = [...part.querySelectorAll("details[open]")].some(old => old.dataset.kept === one.dataset.kept);
        }
        if (next && next.innerHTML !== part.innerHTML && !part.contains(document.activeElement)) {
          part.replaceWith(document.adoptNode(next));
        }
      }
      drawn = at;
      copying(document);
    }, 300);
  };
  stream.addEventListener("changed", (event) => { told = event.data; if (told !== drawn) again(); });
  stream.addEventListener("moving", (event) => { if (event.data !== "[]" || document.querySelector("#moving li")) again(); });
  addEventListener("pagehide", () => stream.close());
}

function moving(canvas) {
  const svg = canvas.querySelector("svg");
  const whole = svg.viewBox.baseVal, home = [whole.x, whole.y, whole.width, whole.height];
  let box = [...home], drawn = [...home], waiting = false, timer = 0;
  const scale = () => Math.min(canvas.clientWidth / box[2], canvas.clientHeight / box[3]);
  // Names that are too small to be read are not drawn.
  const far = () => svg.classList.toggle("far", scale() < 0.4);
  const settle = () => {
    drawn = [...box];
    svg.setAttribute("viewBox", box.join(" "));
    svg.style.transform = "";
    far();
  };
  // While it moves, the picture that is there is moved; it is drawn anew when it comes to rest.
  const show = () => {
    clearTimeout(timer);
    timer = setTimeout(settle, 150);
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      const by = [0, 1].map(n => (drawn[n] + drawn[n + 2] / 2 - box[n] - box[n + 2] / 2) * scale());
      svg.style.transform = `translate(${by[0]}px, ${by[1]}px) scale(${drawn[2] / box[2]})`;
    });
  };
  const point = (event) => {
    const at = canvas.getBoundingClientRect();
    return [
      (event.clientX - at.left - at.width / 2) / scale() + box[0] + box[2] / 2,
      (event.clientY - at.top - at.height / 2) / scale() + box[1] + box[3] / 2,
    ];
  };
  const zoom = (by, [x, y]) => {
    const least = Math.min(home[2] / 12, canvas.clientWidth / 3);
    const width = Math.min(home[2] * 2, Math.max(least, box[2] * by)), real = width / box[2];
    box = [x - (x - box[0]) * real, y - (y - box[1]) * real, width, box[3] * real];
    show();
  };
  // What could not be read as a whole begins where something is: at the block that is open, or at the first ones.
  const begin = () => {
    canvas.classList.add("moves");
    if (canvas.dataset.find === undefined || scale() >= 0.45) return;
    const open = svg.querySelector("#open rect"), at = open ? open.getBBox() : null;
    const width = Math.min(canvas.clientWidth / 0.6, at ? at.width + 40 : home[2]);
    const many = !svg.querySelector(".block") && svg.querySelectorAll(".node").length > 300;
    if (many || width >= home[2]) return;
    box = [at ? at.x - 20 : 0, at ? at.y - 20 : 0, width, width * canvas.clientHeight / canvas.clientWidth];
    settle();
  };
  const middle = () => [box[0] + box[2] / 2, box[1] + box[3] / 2];
  const pan = (x, y) => { box[0] += box[2] * x; box[1] += box[3] * y; show(); };
  begin();
  far();
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.15 : 1 / 1.15, point(event));
  }, { passive: false });
  let held = null, dragged = false;
  svg.addEventListener("pointerdown", (event) => { held = [event.clientX, event.clientY]; dragged = false; });
  svg.addEventListener("pointermove", (event) => {
    if (!held) return;
    const dx = event.clientX - held[0], dy = event.clientY - held[1];
    if (!dragged && Math.hypot(dx, dy) < 5) return;
    dragged = true;
    box[0] -= dx / scale(); box[1] -= dy / scale();
    held = [event.clientX, event.clientY];
    show();
  });
  const drop = () => { held = null; };
  svg.addEventListener("pointerup", drop);
  svg.addEventListener("pointerleave", drop);
  svg.addEventListener("dragstart", (event) => event.preventDefault());
  svg.addEventListener("click", (event) => { if (dragged) { event.preventDefault(); dragged = false; } }, true);
  canvas.addEventListener("keydown", (event) => {
    const doings = {
      "+": () => zoom(1 / 1.3, middle()), "-": () => zoom(1.3, middle()), "0": () => { box = [...home]; show(); },
      ArrowLeft: () => pan(-0.15, 0), ArrowRight: () => pan(0.15, 0), ArrowUp: () => pan(0, -0.15), ArrowDown: () => pan(0, 0.15),
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !doings[event.key]) return;
    event.preventDefault();
    doings[event.key]();
  });
  const tools = document.createElement("div");
  tools.className = "tools";
  for (const [sign, name, doing] of [
    ["+", "Zoom in", () => zoom(1 / 1.3, middle())], ["−", "Zoom out", () => zoom(1.3, middle())],
    ["Whole", "Show the whole drawing", () => { box = [...home]; show(); }],
  ]) {
    const button = document.createElement("button");
    button.type = "button"; button.textContent = sign; button.setAttribute("aria-label", name);
    button.addEventListener("click", doing);
    tools.append(button);
  }
  if (canvas.dataset.find !== undefined) {
    const label = document.createElement("label");
    label.textContent = "Find ";
    const field = document.createElement("input");
    field.type = "search";
    label.append(field);
    field.addEventListener("input", () => {
      const wanted = field.value.toLowerCase();
      let first = null;
      // A block is found by the names within, where none is drawn by itself.
      for (const node of [...svg.querySelectorAll(".node"), ...svg.querySelectorAll(".block")]) {
        const within = `${node.dataset.ref} ${node.dataset.has || ""}`.toLowerCase();
        const hit = wanted !== "" && within.includes(wanted);
        node.classList.toggle("found", hit);
        if (hit && !first) first = node;
      }
      if (first) {
        const at = first.querySelector("rect").getBBox();
        box[0] = at.x - box[2] / 2; box[1] = at.y - box[3] / 2;
        show();
      }
    });
    tools.append(label);
  }
  canvas.before(tools);
}

for (const table of document.querySelectorAll("table.heat")) table.parentElement.scrollLeft = table.scrollWidth;
copying(document);
living();
for (const canvas of document.querySelectorAll(".canvas[data-move]")) moving(canvas);
for (const field of document.querySelectorAll("form.filter select")) {
  field.addEventListener("change", () => field.form.requestSubmit());
}
