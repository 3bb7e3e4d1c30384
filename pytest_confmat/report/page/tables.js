/**
 * Makes a table's columns sortable and its rows filterable by their first cell.
 * @param {string} id
 * @param {string} controls
 * @param {string} label
 * @param {((row: HTMLTableRowElement) => boolean) | null} isFailing
 */
function enrichTable(id, controls, label, isFailing) {
  const table = document.getElementById(id);
  if (!(table instanceof HTMLTableElement)) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...(table.tHead?.rows[0].cells || [])];
  heads.forEach((head, column) => {
    const button = make("button", { type: "button" }, ...head.childNodes);
    head.replaceChildren(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => sortBy(body, heads, column));
  });
  const search = make("input", { type: "search", "aria-label": label, placeholder: label });
  const box = byId(controls);
  box.append(search);
  const only = make("input", { type: "checkbox" });
  if (isFailing) box.append(make("label", {}, only, "only what fails"));
  const count = make("span", { class: "dim", role: "status" });
  box.append(count);
  const filter = () => {
    const wanted = search.value.toLowerCase();
    let left = 0;
    for (const row of rows) {
      const named = (row.cells[0].textContent || "").toLowerCase().includes(wanted);
      row.hidden = !named || (only.checked && isFailing !== null && !isFailing(row));
      left += row.hidden ? 0 : 1;
    }
    count.textContent = left < rows.length ? `${left} of ${rows.length}` : "";
  };
  search.addEventListener("input", filter);
  only.addEventListener("change", filter);
}

/**
 * Sorts rows by a column: numbers by value, the rest by their text; again: the other way round.
 * @param {HTMLTableSectionElement} body
 * @param {HTMLTableCellElement[]} heads
 * @param {number} column
 */
function sortBy(body, heads, column) {
  const head = heads[column];
  const isUp = head.getAttribute("aria-sort") !== "ascending";
  for (const other of heads) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
  /** @type {(row: HTMLTableRowElement) => [number, string]} */
  const key = (row) => {
    const text = (row.cells[column].textContent || "").trim();
    const digits = text.replace(/^[<>=]+\s*/, "").replace(/,/g, "");
    const number = /^[+-]?[0-9.]/.test(digits) ? parseFloat(digits) : NaN;
    return [number, text];
  };
  const isNumber = head.classList.contains("num");
  const keyed = [...body.rows].map((row) => ({ row, key: key(row) }));
  keyed.sort((a, b) => {
    const [x, y] = [a.key, b.key];
    // What has no number stands last, whichever way.
    if (isNumber && (isNaN(x[0]) || isNaN(y[0]))) return Number(isNaN(x[0])) - Number(isNaN(y[0]));
    const order = isNumber ? x[0] - y[0] : x[1].localeCompare(y[1], "en", { numeric: true });
    return isUp ? order : -order;
  });
  body.append(...keyed.map(({ row }) => row));
}
