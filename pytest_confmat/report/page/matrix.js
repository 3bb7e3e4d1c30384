/**
 * What the matrix shows just now.
 * @typedef {{
 *   measure: Measure, order: "name" | "similar", whole: boolean, cursor: [number, number] | null,
 * }} View
 */

const OTHER = -1;

/**
 * The table of some classes, with one more row and column for all others.
 * @param {Data} data
 * @param {{counts: Sparse, columns: number[], measures: Measure[]}} found
 * @param {View} view
 * @param {(i: number, j: number) => void} select
 */
function drawTable(data, found, view, select) {
  const isAll = data.shown.length === data.classes.length;
  const indices = inOrder(data, view).filter((i) => isAll || data.shown.includes(i));
  const ends = isAll ? indices : [...indices, OTHER];
  const folded = isAll ? null : foldedCounts(data, found.counts);
  const table = make("table", { id: "matrix-table", class: "matrix", role: "grid" });
  table.setAttribute("aria-label", `Confusion matrix: ${view.measure.title}`);
  const head = make("tr", {}, make("td"));
  const failing = new Set(data.failing);
  for (const j of ends) head.append(header(data, j, "col", failing.has(j)));
  table.append(make("thead", {}, head));
  const body = make("tbody");
  const broken = new Set(data.broken.map(([i, j]) => `${i},${j}`));
  for (const i of ends) {
    const row = make("tr", {}, header(data, i, "row", failing.has(i)));
    for (const j of ends) {
      const cell = make("td", { tabindex: -1, role: "gridcell" });
      const content = folded && (i === OTHER || j === OTHER)
        ? foldedCell(folded, view.measure, i, j, data, found)
        : {
          text: view.measure.text(i, j),
          shade: view.measure.shade(i === j, view.measure.value(i, j)),
        };
      cell.textContent = content.text;
      cell.className = content.shade;
      if (broken.has(`${i},${j}`)) cell.classList.add("is-out");
      cell.dataset.i = String(i);
      cell.dataset.j = String(j);
      cell.setAttribute("aria-label", described(data, found, view.measure, i, j, content.text));
      cell.title = cell.getAttribute("aria-label") || "";
      if (i !== OTHER && j !== OTHER) cell.addEventListener("click", () => select(i, j));
      row.append(cell);
    }
    body.append(row);
  }
  table.append(body);
  const longest = Math.max(...ends.map((j) => nameOf(data, j).length));
  table.classList.toggle("is-wide", ends.length > 8 && longest > 4);
  table.addEventListener("keydown", (event) => move(event, table, select));
  const first = body.querySelector("td");
  if (first) first.tabIndex = 0;
  return table;
}

/**
 * @param {Data} data
 * @param {View} view
 * @returns {number[]}
 */
function inOrder(data, view) {
  if (view.order === "similar" && data.similar) return data.similar;
  return data.classes.map((_, i) => i);
}

/**
 * @param {Data} data
 * @param {number} index
 */
function nameOf(data, index) {
  return index === OTHER ? "(other)" : data.classes[index];
}

/**
 * @param {Data} data
 * @param {number} index
 * @param {"row" | "col"} scope
 * @param {boolean} fails
 */
function header(data, index, scope, fails) {
  const name = nameOf(data, index);
  const cell = make("th", { scope, title: name }, make("span", {}, name));
  cell.classList.toggle("fails", fails);
  cell.classList.toggle("other", index === OTHER);
  return cell;
}

/**
 * Sums of what is not shown, by row, by column and in the corner.
 * @param {Data} data
 * @param {Sparse} counts
 */
function foldedCounts(data, counts) {
  const visible = new Set(data.shown);
  /** @type {Map<number, number>} */
  const rows = new Map();
  /** @type {Map<number, number>} */
  const columns = new Map();
  let corner = 0;
  counts.forEach((i, j, value) => {
    const count = Number(value);
    if (visible.has(i) && !visible.has(j)) rows.set(i, (rows.get(i) || 0) + count);
    if (!visible.has(i) && visible.has(j)) columns.set(j, (columns.get(j) || 0) + count);
    if (!visible.has(i) && !visible.has(j)) corner += count;
  });
  const support = data.support.reduce((sum, n, i) => sum + (visible.has(i) ? 0 : n), 0);
  return { rows, columns, corner, support };
}

/**
 * @param {ReturnType<typeof foldedCounts>} folded
 * @param {Measure} measure
 * @param {number} i
 * @param {number} j
 * @param {Data} data
 * @param {{columns: number[]}} found
 */
function foldedCell(folded, measure, i, j, data, found) {
  if (!measure.adds) return { text: "", shade: "bad-0" };
  const isCorner = i === OTHER && j === OTHER;
  const count = isCorner
    ? folded.corner
    : (i === OTHER ? folded.columns.get(j) : folded.rows.get(i)) || 0;
  const support = i === OTHER ? folded.support : data.support[i];
  const predicted = j === OTHER
    ? found.columns.reduce((sum, n, at) => sum + (data.shown.includes(at) ? 0 : n), 0)
    : found.columns[j];
  const total = measure.key === "columns" ? predicted : support;
  const text = measure.key === "counts" ? shown(count) : share(count, total);
  const shade = isCorner ? "bad-0" : measure.shade(false, count / Math.max(total, 1));
  return { text, shade };
}

/**
 * One cell in words, for the line above the matrix and for screen readers.
 * @param {Data} data
 * @param {{counts: Sparse, columns: number[]}} found
 * @param {Measure} measure
 * @param {number} i
 * @param {number} j
 * @param {string} text
 */
function described(data, found, measure, i, j, text) {
  const pair = `${nameOf(data, i)} predicted as ${nameOf(data, j)}`;
  if (i === OTHER || j === OTHER) return `${pair}: ${text === "·" ? "0" : text}`;
  const count = Number(found.counts.at(i, j) || 0);
  const own = ["counts", "rows", "columns"].includes(measure.key) || text === "·"
    ? ""
    : `${measure.title}: ${text}; `;
  const of = `${percent(count, data.support[i])} of ${data.support[i].toLocaleString("en-US")}`;
  const by = `${percent(count, found.columns[j])} of what is predicted as it`;
  return `${pair}: ${own}${plural(count, "example")}, ${of}, ${by}`;
}

/**
 * Arrow keys move through the table, Enter selects.
 * @param {KeyboardEvent} event
 * @param {HTMLTableElement} table
 * @param {(i: number, j: number) => void} select
 */
function move(event, table, select) {
  const cell = event.target;
  if (!(cell instanceof HTMLTableCellElement) || cell.dataset.i === undefined) return;
  const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("td")]);
  const y = rows.findIndex((row) => row.includes(cell));
  const x = rows[y].indexOf(cell);
  const steps = {
    ArrowUp: [y - 1, x], ArrowDown: [y + 1, x], ArrowLeft: [y, x - 1], ArrowRight: [y, x + 1],
    Home: [y, 0], End: [y, rows[y].length - 1],
  };
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    const [i, j] = [Number(cell.dataset.i), Number(cell.dataset.j)];
    if (i !== OTHER && j !== OTHER) select(i, j);
    return;
  }
  const to = steps[/** @type {keyof typeof steps} */ (event.key)];
  const next = to && rows[to[0]]?.[to[1]];
  if (!next) return;
  event.preventDefault();
  cell.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
