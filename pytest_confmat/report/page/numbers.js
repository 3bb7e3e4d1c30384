/**
 * A share as the other reports write it: a part is never shown as nothing, nor as the whole.
 * @param {number} count
 * @param {number} total
 * @returns {string}
 */
function percent(count, total) {
  if (!total) return "-";
  const scaled = count * 1000;
  let tenths = Math.floor(scaled / total);
  const twice = 2 * (scaled - tenths * total);
  // Halves go to the even neighbor, as in Python.
  if (twice > total || (twice === total && tenths % 2 === 1)) tenths += 1;
  if (count && !tenths) return "<0.1 %";
  if (tenths === 1000 && count < total) return ">99.9 %";
  return `${Math.floor(tenths / 10)}.${tenths % 10} %`;
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
function plural(count, one, many) {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many || one + "s"}`;
}

const LEVELS = 10;

/**
 * The shade of a value: 0 for nothing, 1 for the least there is.
 * @param {number} value
 * @param {number} highest
 */
function level(value, highest) {
  if (!(value > 0) || !(highest > 0)) return 0;
  return Math.min(LEVELS, Math.max(1, Math.ceil(LEVELS * Math.sqrt(value / highest))));
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number | boolean>} [attributes]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no ${id}`);
  return element;
}
