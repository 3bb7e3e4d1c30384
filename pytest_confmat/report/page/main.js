/**
 * The buttons and the box of the matrix.
 * @param {Data} data
 */
function startMatrix(data) {
  const found = measuresOf(data);
  /** @type {View} */
  const view = { measure: found.measures[0], order: "name", whole: false, cursor: null };
  const status = byId("matrix-status");
  /** @type {Heatmap | null} */
  let heatmap = null;
  /** @type {(text: string) => void} */
  const say = (text) => { status.textContent = text; };
  /** @type {(i: number, j: number | null) => void} */
  const open = (i, j) => {
    showExamples(data, found, i, j);
    byId("examples").scrollIntoView({ block: "nearest" });
    byId("examples-title").focus({ preventScroll: true });
  };
  /** @type {(i: number, j: number) => void} */
  const select = (i, j) => {
    mark(i, j);
    history.replaceState(null, "", `#cell-${i}-${j}`);
    open(i, j);
  };
  const draw = () => {
    heatmap = view.whole ? new Heatmap(data, found, view, select, say) : null;
    byId("matrix-box").replaceChildren(
      heatmap ? heatmap.canvas : drawTable(data, found, view, select),
    );
    if (heatmap) heatmap.draw();
  };
  addControls(data, found.measures, view, draw);
  byId("matrix-box").addEventListener("focusin", ({ target }) => hint(target, say));
  byId("matrix-box").addEventListener("mouseover", ({ target }) => hint(target, say));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => heatmap?.draw());
  draw();
  startClasses(data, open);
  const follow = () => followAddress(data, open);
  window.addEventListener("hashchange", follow);
  follow();
}

/**
 * @param {number} i
 * @param {number} j
 */
function mark(i, j) {
  for (const cell of document.querySelectorAll("#matrix-table td[aria-selected]")) {
    cell.removeAttribute("aria-selected");
  }
  const cell = document.querySelector(`#matrix-table td[data-i="${i}"][data-j="${j}"]`);
  cell?.setAttribute("aria-selected", "true");
}

/**
 * @param {EventTarget | null} target
 * @param {(text: string) => void} say
 */
function hint(target, say) {
  const cell = target instanceof Element ? target.closest("td[data-i]") : null;
  if (cell) say(cell.getAttribute("aria-label") || "");
}

/**
 * @param {Data} data
 * @param {Measure[]} measures
 * @param {View} view
 * @param {() => void} draw
 */
function addControls(data, measures, view, draw) {
  const box = byId("matrix-controls");
  const buttons = measures.map((measure) => {
    const button = make("button", { type: "button", "aria-pressed": "false" }, measure.title);
    button.addEventListener("click", () => {
      view.measure = measure;
      press(buttons, button);
      draw();
    });
    return button;
  });
  press(buttons, buttons[0]);
  box.append(...buttons);
  const order = make("select", {}, make("option", { value: "name" }, "as in the model"));
  if (data.similar) {
    order.append(make("option", { value: "similar" }, "by similarity"));
    order.addEventListener("change", () => {
      view.order = order.value === "similar" ? "similar" : "name";
      draw();
    });
    box.append(make("label", {}, "Order", order));
  }
  if (data.shown.length < data.classes.length && data.classes.length <= 2000) {
    const whole = make("button", { type: "button", "aria-pressed": "false" },
      `All ${data.classes.length.toLocaleString("en-US")} classes`);
    whole.addEventListener("click", () => {
      view.whole = !view.whole;
      whole.setAttribute("aria-pressed", String(view.whole));
      draw();
    });
    box.append(whole);
  }
  const key = make("span", { class: "key", "aria-hidden": "true" }, "right");
  for (let at = 2; at <= LEVELS; at += 2) key.append(make("i", { class: `good-${at}` }));
  key.append(make("span", {}, "\u00a0 wrong"));
  for (let at = 2; at <= LEVELS; at += 2) key.append(make("i", { class: `bad-${at}` }));
  box.append(key);
}

/**
 * @param {HTMLButtonElement[]} buttons
 * @param {HTMLButtonElement} pressed
 */
function press(buttons, pressed) {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button === pressed));
}

/**
 * The names of the classes lead to their examples.
 * @param {Data} data
 * @param {(i: number, j: null) => void} open
 */
function startClasses(data, open) {
  for (const row of document.querySelectorAll("#class-table tbody tr")) {
    const index = Number(row.id.replace("class-", ""));
    const head = row.querySelector("th");
    if (!head) continue;
    head.title = data.classes[index];
    const button = make("button", { type: "button" }, ...head.childNodes);
    button.addEventListener("click", () => open(index, null));
    head.replaceChildren(button);
  }
}

/**
 * An address such as #cell-3-5 or #class-3 opens its examples.
 * @param {Data} data
 * @param {(i: number, j: number | null) => void} open
 */
function followAddress(data, open) {
  const cell = /^#cell-(\d+)-(\d+)$/.exec(location.hash);
  const name = /^#class-(\d+)$/.exec(location.hash);
  const [i, j] = cell ? [Number(cell[1]), Number(cell[2])] : [name ? Number(name[1]) : -1, null];
  if (i < 0 || i >= data.classes.length || (j !== null && j >= data.classes.length)) return;
  if (j !== null) mark(i, j);
  const row = document.getElementById(`class-${i}`);
  if (name && row) {
    showExamplesOnly(() => open(i, j), row);
  } else {
    open(i, j);
  }
}

/**
 * Opens examples, and leaves the page where a link within it leads.
 * @param {() => void} open
 * @param {HTMLElement} target
 */
function showExamplesOnly(open, target) {
  open();
  target.scrollIntoView({ block: "center" });
}

async function start() {
  enrichTable("limit-table", "limit-controls", "Find a limit",
    (row) => !row.cells[1].classList.contains("passed"));
  enrichTable("class-table", "class-controls", "Find a class",
    (row) => row.querySelector(".failed") !== null);
  const data = document.getElementById("data");
  if (data?.textContent && typeof DecompressionStream === "function") {
    startMatrix(await inflated(data.textContent));
    document.documentElement.classList.add("has-script");
    document.documentElement.dataset.ready = "true";
  }
}

start();
