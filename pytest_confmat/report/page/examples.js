const EXAMPLES_SHOWN = 60;

/**
 * Lists the examples of a cell, or those of a class: its own, and what is predicted as it.
 * @param {Data} data
 * @param {{counts: Sparse}} found
 * @param {number} i
 * @param {number | null} j
 */
function showExamples(data, found, i, j) {
  const { examples } = data;
  const name = data.classes[i];
  const chosen = examples.id.map((_, at) => at).filter((at) => {
    if (j !== null) return examples.true[at] === i && examples.predicted[at] === j;
    return examples.true[at] === i || examples.predicted[at] === i;
  });
  const total = mistakesOf(data, found, i, j);
  const listed = Math.min(chosen.length, EXAMPLES_SHOWN);
  const status = byId("examples-status");
  if (i === j) {
    const right = Number(found.counts.at(i, i) || 0);
    status.textContent = `${plural(right, "example")} of ${name} predicted right: nothing to show.`;
  } else {
    const what = j === null
      ? `${name}: its examples predicted as another class, and others predicted as it`
      : `${name} predicted as ${data.classes[j]}`;
    const rest = listed < total ? ` (${listed} shown, mistakes.csv lists more)` : "";
    status.textContent = `${what}: ${plural(total, "example")}${rest}.`;
  }
  const list = byId("examples-list");
  list.replaceChildren(...(i === j ? [] : chosen.slice(0, EXAMPLES_SHOWN)).map(
    (at) => exampleItem(data, at),
  ));
}

/**
 * @param {Data} data
 * @param {{counts: Sparse}} found
 * @param {number} i
 * @param {number | null} j
 */
function mistakesOf(data, found, i, j) {
  if (j !== null) return Number(found.counts.at(i, j) || 0);
  let total = 0;
  found.counts.forEach((row, column, count) => {
    if (row !== column && (row === i || column === i)) total += Number(count);
  });
  return total;
}

/**
 * @param {Data} data
 * @param {number} at
 */
function exampleItem(data, at) {
  const { examples, classes } = data;
  const item = make("li", { "data-place": examples.place[at] });
  const pictures = picturesOf(data, at);
  if (pictures) item.append(pictures);
  item.append(make("div", { class: "mono" }, examples.id[at]));
  const predicted = classes[examples.predicted[at]];
  item.append(make("div", {}, `${classes[examples.true[at]]} predicted as `, make("b", {}, predicted)));
  const second = examples.runner_up[at];
  const next = second < 0 ? "" : `, then ${classes[second]} ${examples.runner_up_score[at]}`;
  item.append(make("div", { class: "dim" }, `score ${examples.score[at]}${next}`));
  if (examples.newly && examples.newly[at]) {
    item.append(make("span", { class: "badge" }, "newly wrong"));
  }
  return item;
}

/** @type {string[]} */
let sheetAddresses = [];

/**
 * @param {Data} data
 * @param {number} at
 */
function picturesOf(data, at) {
  const { pictures } = data;
  const sheet = pictures && pictures.sheet[at];
  if (!pictures || sheet === null) return null;
  if (!sheetAddresses.length) {
    sheetAddresses = pictures.sheets.map((sheet) =>
      URL.createObjectURL(new Blob([bytesOf(sheet)], { type: pictures.mime })));
  }
  const box = make("div", { class: "pictures" });
  for (const [what, picture] of /** @type {const} */ ([
    ["as the model saw it", pictures.seen[at]], ["original", pictures.original[at]],
  ])) {
    if (!picture) continue;
    const [x, y, width, height] = picture;
    const image = make("span", { role: "img", "aria-label": what, title: what });
    image.style.width = `${width}px`;
    image.style.height = `${height}px`;
    image.style.backgroundImage = `url(${sheetAddresses[sheet]})`;
    image.style.backgroundPosition = `-${x}px -${y}px`;
    box.append(image);
  }
  return box.children.length ? box : null;
}
