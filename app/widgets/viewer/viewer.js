// Viewer: the grid of pictures, its settings, and what Streamlit tells it.

class Viewer {
  constructor(root, key) {
    this.root = root;
    this.store = `specdet-scenes-${key}`;
    this.settings = {
      score: 0.5, iou: 0, order: "given", size: "M", tags: true, hiddenKinds: new Set(), hiddenLabels: new Set(),
    };
    this.bar = new Bar(this.settings, {
      onInput: () => this.later(),
      onOrder: () => { this.arrange(); this.later(); },
      onAsk: () => this.ask("asked", { score: this.settings.score, iou: this.data.ious[this.settings.iou], order: this.settings.order }),
    });
    this.grid = element("ul", { className: "grid" });
    this.large = new Large({
      settings: this.settings, bar: this.bar, home: root,
      scenes: () => this.order.map((place) => this.data.scenes[place]),
      make: (scene) => this.stage(scene, true),
    });
    this.large.onClose = (key) => this.cards.get(key)?.querySelector("button").focus();
    root.append(this.bar.node, this.grid, this.large.node);
    this.grid.onkeydown = (event) => this.walk(event);
  }

  // New data; what a person has set stays, unless the server says something else than it did before.
  render(data, ask) {
    this.ask = ask;
    const names = this.data?.labels;
    this.data = data;
    if (names && names.join("\0") !== data.labels.join("\0")) this.settings.hiddenLabels.clear();
    const given = JSON.stringify(data.given);
    if (this.given !== given) {
      const stored = this.given === undefined ? this.recall(given) : null;
      const iou = data.ious.indexOf(data.given.iou);
      Object.assign(this.settings, { score: data.given.score, iou: Math.max(iou, 0), order: data.given.order }, stored);
      this.given = given;
    }
    this.byClass = !data.scenes.some((scene) => scene.boxes.some((box) => box.kind === "d"));
    this.urls = data.images.map(urlOf);
    this.stages = data.scenes.map((scene) => this.stage(scene, false));
    const shapes = data.scenes.map(({ size: [width, height] }) => width / height).sort((a, b) => a - b);
    this.frame = Math.min(Math.max(shapes[shapes.length >> 1] ?? 1, 0.75), 1.8); // that of most pictures
    this.cards = new Map(data.scenes.map((scene, place) => [scene.key, this.card(scene, this.stages[place])]));
    this.grid.style.setProperty("--columns", data.columns || "");
    this.grid.classList.toggle("fixed", Boolean(data.columns));
    this.bar.build({ data, fixed: Boolean(data.columns) });
    this.arrange();
    this.update();
    if (this.large.node.open) this.large.show(this.large.current);
  }

  stage(scene, full) {
    const url = scene.image < 0 ? "" : this.urls[scene.image];
    return new Stage(scene, { url, labels: this.data.labels, byClass: this.byClass, full });
  }

  card(scene, stage) {
    const [width, height] = scene.size;
    const frame = element("button", { type: "button", className: "frame", ariaLabel: `Enlarge ${scene.title}` }, stage.node);
    frame.style.aspectRatio = this.frame;
    stage.node.classList.add(width / height >= this.frame ? "wide" : "tall");
    frame.onclick = () => this.large.open(scene.key);
    return element("li", { className: "card" }, frame,
      element("div", { className: "title", text: scene.title, title: scene.title }),
      element("div", { className: "note", text: scene.note, hidden: !scene.note }),
      element("div", { className: "counts" }));
  }

  // The grid in the order of the settings: its nodes move, so that the tab key follows what is seen.
  arrange() {
    this.order = ordered(this.data.scenes, this.settings);
    this.grid.replaceChildren(...this.order.map((place) => this.cards.get(this.data.scenes[place].key)));
  }

  later() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.update(); });
  }

  update() {
    const { data, settings } = this;
    const sums = {};
    data.scenes.forEach((scene, place) => {
      this.stages[place].show(settings);
      const counts = countsOf(scene, settings);
      for (const [kind, count] of Object.entries(counts)) sums[kind] = (sums[kind] ?? 0) + count;
      this.cards.get(scene.key).querySelector(".counts").replaceChildren(...this.summary(scene, counts));
    });
    this.bar.update({
      counts: sums, totals: data.totals && totalsAt(data.totals, settings), asks: data.asks, images: data.totals?.images,
    });
    this.grid.style.setProperty("--size", `${SIZES[settings.size]}px`);
    this.large.update();
    this.remember();
  }

  summary(scene, counts) {
    const compared = scene.boxes.some((box) => box.found || box.verdicts);
    if (!compared) {
      const objects = counts.object + counts.crowd;
      const several = (count, what) => (count ? `${count} ${what}${count > 1 ? "s" : ""}` : "");
      const parts = [several(objects, "object"), several(counts.detection, "detection")];
      return [element("span", { text: parts.filter(Boolean).join(", ") || "nothing" })];
    }
    return ["tp", "fp", "fn"].map((kind) =>
      element("span", { className: `sum ${kind}`, text: `${KINDS[kind].sign} ${counts[kind]}`, title: KINDS[kind].help }));
  }

  walk(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const frames = [...this.grid.querySelectorAll("button.frame")];
    const at = frames.indexOf(event.target.closest("button.frame"));
    if (at >= 0) frames[at + by]?.focus();
  }

  // F5 keeps what was set, until the server gives something else.
  remember() {
    const { score, iou, order, size, tags } = this.settings;
    sessionStorage.setItem(this.store, JSON.stringify({ given: this.given, set: { score, iou, order, size, tags } }));
  }

  recall(given) {
    try {
      const stored = JSON.parse(sessionStorage.getItem(this.store));
      return stored?.given === given ? stored.set : null;
    } catch {
      return null;
    }
  }
}

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".scenes");
  root.viewer ??= new Viewer(root, data.name);
  root.viewer.render(data, setTriggerValue);
}
