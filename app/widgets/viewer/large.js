// Large: one scene, as large as the window, with zoom and a list of its boxes.

const STEP = 1.25; // of zoom
const MOST = 40; // screen pixels for a pixel of the original

class Large {
  constructor({ settings, scenes, make, bar, home }) {
    Object.assign(this, { settings, scenes, make, bar, home });
    this.title = element("span", { className: "title" });
    this.place = element("span", { className: "place" });
    const button = (text, help, onclick) => element("button", { type: "button", text, title: help, ariaLabel: help, onclick });
    this.view = element("div", { className: "view", tabIndex: 0, ariaLabel: "Picture: + and - zoom, drag to move" });
    this.list = element("ol", { className: "list", ariaLabel: "Boxes" });
    this.node = element("dialog", { className: "large" },
      element("header", {}, this.title, this.place,
        button("\u2212", "Zoom out (-)", () => this.zoom(1 / STEP)), button("+", "Zoom in (+)", () => this.zoom(STEP)),
        button("Fit", "Fit into the window (0)", () => this.fit()),
        button("\u2190", "Previous (left arrow)", () => this.go(-1)),
        button("\u2192", "Next (right arrow)", () => this.go(1)),
        button("\u2715", "Close (Escape)", () => this.node.close())),
      element("div", { className: "slot" }),
      element("div", { className: "body" }, this.view, this.list));
    this.node.onkeydown = (event) => this.key(event);
    this.node.onclose = () => this.closed();
    this.view.onwheel = (event) => {
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? STEP : 1 / STEP, event);
    };
    this.drag();
  }

  open(key) {
    this.node.querySelector(".slot").append(this.bar.node);
    this.node.showModal();
    this.show(key);
    this.view.focus();
  }

  show(key) {
    this.current = key;
    const scenes = this.scenes();
    const at = scenes.findIndex((scene) => scene.key === key);
    if (at < 0) return this.node.close(); // it went with new data
    const scene = scenes[at];
    this.stage = this.make(scene);
    this.view.replaceChildren(this.stage.node);
    this.title.textContent = [scene.title, scene.note].filter(Boolean).join("  \u00b7  ");
    this.place.textContent = `${at + 1} of ${scenes.length}`;
    this.fit();
    this.update();
  }

  update() {
    if (!this.node.open || !this.stage) return;
    const shown = this.stage.show(this.settings);
    const score = ({ box }) => box.score ?? 2; // objects first
    this.list.replaceChildren(...shown.toSorted((a, b) => score(b) - score(a)).map(({ box, kind }) => this.row(box, kind)));
  }

  row(box, kind) {
    const { labels } = this.stage;
    const mistake = kind === "fp" ? mistakeOf(box, this.settings) : "";
    const details = [
      box.label >= 0 ? labels[box.label] : "", mistake, box.iou === undefined ? "" : `IoU ${box.iou.toFixed(2)}`,
    ];
    const row = element("li", { tabIndex: 0, className: kind },
      element("span", { className: "sign", text: KINDS[kind].sign || KINDS[kind].name }),
      element("span", { className: "details", text: details.filter(Boolean).join(" \u00b7 ") }),
      element("span", { className: "number", text: box.score === undefined ? "" : box.score.toFixed(3) }));
    row.onmouseenter = row.onfocus = () => this.stage.highlight(box);
    row.onmouseleave = row.onblur = () => this.stage.highlight(null);
    return row;
  }

  go(by) {
    const scenes = this.scenes();
    const at = scenes.findIndex((scene) => scene.key === this.current);
    this.show(scenes[(at + by + scenes.length) % scenes.length].key);
  }

  key(event) {
    event.stopPropagation(); // Streamlit has shortcuts of its own
    if (event.target.matches("input, select") && event.key !== "Escape") return;
    const actions = {
      ArrowLeft: () => (event.shiftKey ? this.view.scrollBy(-80, 0) : this.go(-1)),
      ArrowRight: () => (event.shiftKey ? this.view.scrollBy(80, 0) : this.go(1)),
      "+": () => this.zoom(STEP), "=": () => this.zoom(STEP), "-": () => this.zoom(1 / STEP), 0: () => this.fit(),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  fit() {
    const [width, height] = this.stage.scene.size;
    this.width = Math.min(this.view.clientWidth, (this.view.clientHeight * width) / height);
    this.stage.node.style.width = `${this.width}px`;
  }

  // The point below the pointer, or the middle, stays where it is.
  zoom(by, pointer = null) {
    const { view, stage } = this;
    const frame = view.getBoundingClientRect();
    const x = pointer ? pointer.clientX - frame.left : frame.width / 2;
    const y = pointer ? pointer.clientY - frame.top : frame.height / 2;
    const before = stage.node.getBoundingClientRect();
    const [u, v] = [(x + frame.left - before.left) / before.width, (y + frame.top - before.top) / before.height];
    this.width = Math.min(Math.max(this.width * by, 80), stage.scene.size[0] * MOST);
    stage.node.style.width = `${this.width}px`;
    const after = stage.node.getBoundingClientRect();
    view.scrollBy(after.left + u * after.width - frame.left - x, after.top + v * after.height - frame.top - y);
  }

  drag() {
    let last = null;
    this.view.onpointerdown = (event) => {
      if (event.button) return;
      last = [event.clientX, event.clientY];
      this.view.setPointerCapture(event.pointerId);
    };
    this.view.onpointermove = (event) => {
      if (!last) return;
      this.view.scrollBy(last[0] - event.clientX, last[1] - event.clientY);
      last = [event.clientX, event.clientY];
    };
    this.view.onpointerup = this.view.onpointercancel = () => { last = null; };
  }

  closed() {
    this.home.prepend(this.bar.node);
    this.onClose(this.current);
  }
}
