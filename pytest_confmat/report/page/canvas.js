/** The whole matrix of many classes on a canvas, with a cursor, zoom and panning. */
class Heatmap {
  /**
   * @param {Data} data
   * @param {{counts: Sparse, columns: number[], measures: Measure[]}} found
   * @param {View} view
   * @param {(i: number, j: number) => void} select
   * @param {(text: string) => void} say
   */
  constructor(data, found, view, select, say) {
    this.data = data;
    this.found = found;
    this.view = view;
    this.select = select;
    this.say = say;
    this.order = inOrder(data, view);
    this.place = new Array(this.order.length);
    this.order.forEach((i, at) => (this.place[i] = at));
    this.size = Math.min(900, Math.max(500, document.body.clientWidth - 40));
    this.zoom = 1;
    this.left = 0;
    this.top = 0;
    this.cursor = [0, 0];
    const about = "Confusion matrix of all classes. Arrow keys move the cursor, Enter shows " +
      "examples, plus and minus zoom.";
    this.canvas = make("canvas", { tabindex: 0, role: "application", "aria-label": about });
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = this.canvas.height = Math.round(this.size * ratio);
    this.canvas.style.width = this.canvas.style.height = `${this.size}px`;
    this.ratio = ratio;
    this.listen();
    this.draw();
  }

  get cell() {
    return (this.size / this.order.length) * this.zoom;
  }

  draw() {
    const context = this.canvas.getContext("2d");
    if (!context) return;
    const colors = shadesOf(this.canvas.parentElement || document.body);
    const { measure } = this.view;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.fillStyle = colors.get("bad-0") || "white";
    context.fillRect(0, 0, this.size, this.size);
    const side = Math.max(this.cell, 1);
    const source = this.source();
    // The stronger cells last: where many share a dot the worst is seen.
    /** @type {[number, string, number, number][]} */
    const marks = [];
    source.forEach((i, j) => {
      const x = this.place[j] * this.cell - this.left;
      const y = this.place[i] * this.cell - this.top;
      if (x < -side || y < -side || x > this.size || y > this.size) return;
      const value = measure.value(i, j);
      const shade = measure.shade(i === j, value);
      marks.push([Number(shade.split("-")[1]) + (i === j ? 0 : 0.5), shade, x, y]);
    });
    marks.sort((a, b) => a[0] - b[0]);
    for (const [, shade, x, y] of marks) {
      context.fillStyle = colors.get(shade) || "red";
      context.fillRect(x, y, side, side);
    }
    const [row, column] = this.cursor;
    context.strokeStyle = getComputedStyle(document.body).color;
    context.lineWidth = 1;
    const frame = Math.max(this.cell, 5);
    context.strokeRect(
      (column + 0.5) * this.cell - this.left - frame / 2 - 1,
      (row + 0.5) * this.cell - this.top - frame / 2 - 1, frame + 2, frame + 2,
    );
  }

  source() {
    const { measure } = this.view;
    const other = this.data.others.find((each) => each.title === measure.title);
    return other ? new Sparse(other.cells) : this.found.counts;
  }

  /**
   * @param {number} row
   * @param {number} column
   */
  go(row, column) {
    const last = this.order.length - 1;
    this.cursor = [Math.min(last, Math.max(0, row)), Math.min(last, Math.max(0, column))];
    this.follow();
    this.tell();
    this.draw();
  }

  /** Keeps the cursor in sight. */
  follow() {
    const [y, x] = this.cursor.map((at) => at * this.cell);
    const room = this.size - this.cell;
    this.left = Math.min(Math.max(this.left, x - room), x);
    this.top = Math.min(Math.max(this.top, y - room), y);
    this.limit();
  }

  limit() {
    const most = this.cell * this.order.length - this.size;
    this.left = Math.min(Math.max(0, this.left), Math.max(0, most));
    this.top = Math.min(Math.max(0, this.top), Math.max(0, most));
  }

  tell() {
    const [i, j] = this.cursor.map((at) => this.order[at]);
    const text = this.view.measure.text(i, j);
    this.say(described(this.data, this.found, this.view.measure, i, j, text));
  }

  /**
   * @param {number} factor
   * @param {number} x where to zoom, in dots of the canvas
   * @param {number} y
   */
  magnify(factor, x, y) {
    const before = this.zoom;
    const most = Math.max(1, (24 * this.order.length) / this.size);
    this.zoom = Math.min(most, Math.max(1, this.zoom * factor));
    const by = this.zoom / before;
    this.left = (this.left + x) * by - x;
    this.top = (this.top + y) * by - y;
    this.limit();
    this.draw();
  }

  listen() {
    const { canvas } = this;
    /** @type {(event: MouseEvent) => [number, number]} */
    const at = (event) => [
      Math.floor((event.offsetY + this.top) / this.cell),
      Math.floor((event.offsetX + this.left) / this.cell),
    ];
    /** @type {{x: number, y: number, moved: boolean} | null} */
    let drag = null;
    canvas.addEventListener("pointerdown", (event) => {
      drag = { x: event.offsetX, y: event.offsetY, moved: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!drag) {
        this.go(...at(event));
        return;
      }
      const [x, y] = [event.offsetX - drag.x, event.offsetY - drag.y];
      if (!drag.moved && Math.hypot(x, y) < 4) return;
      this.left -= x;
      this.top -= y;
      drag = { x: event.offsetX, y: event.offsetY, moved: true };
      this.limit();
      this.draw();
    });
    canvas.addEventListener("pointerup", (event) => {
      if (drag && !drag.moved) {
        this.go(...at(event));
        this.pick();
      }
      drag = null;
    });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.magnify(event.deltaY < 0 ? 1.25 : 0.8, event.offsetX, event.offsetY);
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focus", () => this.tell());
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const [row, column] = this.cursor;
    const step = event.shiftKey ? 10 : 1;
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowUp: () => this.go(row - step, column),
      ArrowDown: () => this.go(row + step, column),
      ArrowLeft: () => this.go(row, column - step),
      ArrowRight: () => this.go(row, column + step),
      Enter: () => this.pick(),
      "+": () => this.magnify(1.5, ...this.middle()),
      "=": () => this.magnify(1.5, ...this.middle()),
      "-": () => this.magnify(1 / 1.5, ...this.middle()),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** @returns {[number, number]} */
  middle() {
    const [row, column] = this.cursor;
    return [column * this.cell - this.left, row * this.cell - this.top];
  }

  pick() {
    const [row, column] = this.cursor;
    this.select(this.order[row], this.order[column]);
  }
}

/**
 * The colors that the page's style gives to each shade, light or dark.
 * @param {Element} parent
 * @returns {Map<string, string>}
 */
function shadesOf(parent) {
  const probe = make("i", { hidden: true });
  parent.append(probe);
  const colors = new Map();
  for (const side of ["good", "bad"]) {
    for (let at = 0; at <= LEVELS; at += 1) {
      probe.className = `${side}-${at}`;
      colors.set(probe.className, getComputedStyle(probe).backgroundColor);
    }
  }
  probe.remove();
  return colors;
}
