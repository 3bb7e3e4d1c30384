/**
 * @typedef {(number | string)[][]} Cells  of each row: column, value, column, value, ...
 * @typedef {{key: string, title: string, cells: Cells}} Other
 * @typedef {{
 *   id: string[], place: number[], true: number[], predicted: number[], score: string[],
 *   runner_up: number[], runner_up_score: string[], newly: number[] | null,
 * }} Examples
 * @typedef {[number, number, number, number]} Rect  left, top, width, height
 * @typedef {{
 *   sheets: string[], mime: string, sheet: (number | null)[],
 *   seen: (Rect | null)[], original: (Rect | null)[],
 * }} Pictures
 * @typedef {{
 *   classes: string[], support: number[], unpredicted: number[], counts: Cells, others: Other[],
 *   shown: number[], similar: number[] | null, failing: number[], broken: [number, number][],
 *   mistakes: number, examples: Examples, pictures: Pictures | null,
 * }} Data
 */

/** @param {string} text in base64 */
function bytesOf(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/**
 * The data of the page, inflated by the browser itself.
 * @param {string} text
 * @returns {Promise<Data>}
 */
async function inflated(text) {
  const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** A square matrix of few cells that are not empty. */
class Sparse {
  /** @param {Cells} cells */
  constructor(cells) {
    this.cells = cells;
    /** @type {(Map<number, number | string> | undefined)[]} */
    this.rows = new Array(cells.length);
  }

  /** @param {number} i */
  row(i) {
    let row = this.rows[i];
    if (!row) {
      const flat = this.cells[i];
      row = new Map();
      for (let at = 0; at < flat.length; at += 2) row.set(Number(flat[at]), flat[at + 1]);
      this.rows[i] = row;
    }
    return row;
  }

  /**
   * @param {number} i
   * @param {number} j
   */
  at(i, j) {
    return this.row(i).get(j);
  }

  /** @param {(i: number, j: number, value: number | string) => void} visit */
  forEach(visit) {
    this.cells.forEach((flat, i) => {
      for (let at = 0; at < flat.length; at += 2) visit(i, Number(flat[at]), flat[at + 1]);
    });
  }
}

/** What the matrix shows: a text and a number for the shade of each cell. */
class Measure {
  /**
   * @param {string} key
   * @param {string} title
   * @param {(i: number, j: number) => string} text
   * @param {(i: number, j: number) => number} value
   * @param {boolean} adds whether rows and columns can be added up in (other)
   */
  constructor(key, title, text, value, adds) {
    Object.assign(this, { key, title, text, value, adds });
    this.key = key;
    this.title = title;
    this.text = text;
    this.value = value;
    this.adds = adds;
    this.scale = { diagonal: 1, error: 0 };
  }

  /**
   * Blue for what is right, or better than it was; orange for the rest.
   * @param {boolean} isDiagonal
   * @param {number} value
   */
  shade(isDiagonal, value) {
    const isGood = this.key === "difference" ? isDiagonal === value >= 0 : isDiagonal;
    const highest = isDiagonal ? this.scale.diagonal : this.scale.error;
    return `${isGood ? "good" : "bad"}-${level(Math.abs(value), highest)}`;
  }
}

/**
 * Everything that the matrix can show.
 * @param {Data} data
 * @returns {{counts: Sparse, columns: number[], measures: Measure[]}}
 */
function measuresOf(data) {
  const counts = new Sparse(data.counts);
  const columns = new Array(data.classes.length).fill(0);
  counts.forEach((_, j, count) => (columns[j] += Number(count)));
  /** @type {(i: number, j: number) => number} */
  const count = (i, j) => Number(counts.at(i, j) || 0);
  /** @type {(i: number, j: number) => number} */
  const byRow = (i, j) => count(i, j) / Math.max(data.support[i], 1);
  const measures = [
    new Measure("counts", "Counts", (i, j) => shown(count(i, j)), byRow, true),
    new Measure(
      "rows", "Share of true class", (i, j) => share(count(i, j), data.support[i]), byRow, true,
    ),
    new Measure(
      "columns", "Share of predicted class",
      (i, j) => share(count(i, j), columns[j]),
      (i, j) => count(i, j) / Math.max(columns[j], 1), true,
    ),
  ];
  for (const other of data.others) {
    const cells = new Sparse(other.cells);
    measures.push(
      new Measure(
        other.key, other.title,
        (i, j) => String(cells.at(i, j) ?? "·"),
        (i, j) => Number(cells.at(i, j) ?? 0), false,
      ),
    );
    setScale(measures[measures.length - 1], cells);
  }
  for (const measure of measures.slice(0, 3)) setScale(measure, counts);
  for (const measure of measures.slice(0, 3)) measure.scale.diagonal = 1;
  return { counts, columns, measures };
}

/** @param {number} count */
function shown(count) {
  return count ? count.toLocaleString("en-US") : "·";
}

/**
 * @param {number} count
 * @param {number} total
 */
function share(count, total) {
  return count ? percent(count, total) : "·";
}

/**
 * Errors have a scale of their own, so that 1 % is seen beside a diagonal of 98 %.
 * @param {Measure} measure
 * @param {Sparse} cells
 */
function setScale(measure, cells) {
  measure.scale = { diagonal: 0, error: 0 };
  cells.forEach((i, j) => {
    const side = i === j ? "diagonal" : "error";
    measure.scale[side] = Math.max(measure.scale[side], Math.abs(measure.value(i, j)));
  });
}
