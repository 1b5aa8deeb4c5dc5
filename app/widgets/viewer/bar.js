// Bar: the settings that all pictures share.

const FEW = 12; // classes that stand in the bar; more are behind a button
const SIZES = { S: 180, M: 260, L: 400 };

class Bar {
  constructor(settings, { onInput, onOrder, onAsk }) {
    this.settings = settings;
    this.onInput = onInput;
    this.onOrder = onOrder;
    this.onAsk = onAsk;
    this.node = element("div", { className: "bar", role: "group", ariaLabel: "What is shown" });
  }

  build({ data, fixed }) {
    const { settings } = this;
    this.kinds = new Map();
    this.labels = new Map();
    const kinds = kindsIn(data.scenes);
    const scored = data.scenes.some((scene) => scene.boxes.some((box) => box.score !== undefined));
    const compared = kinds.includes("tp") || kinds.includes("fn");
    this.node.replaceChildren(
      element("div", { className: "row" },
        ...(scored ? [this.score(data.totals)] : []),
        ...(compared ? [this.iou(data.ious)] : []),
        ...(compared && !fixed ? [this.order()] : []),
        ...(fixed ? [] : [this.size()]),
        this.toggle("Labels", settings.tags, (on) => { settings.tags = on; }),
      ),
      element("div", { className: "row" },
        ...(data.totals ? [element("span", { className: "scope", text: "On this page:" })] : []),
        ...kinds.map((kind) => this.kind(kind, kinds)), this.classes(data)),
      (this.totals = element("div", { className: "row totals", role: "status" })),
    );
    this.totals.hidden = !data.totals;
  }

  score(totals) {
    const number = element("input", {
      type: "number", min: 0, max: 1, step: 0.01, value: this.settings.score.toFixed(2), ariaLabel: "Score at least",
    });
    const slider = element("input", {
      type: "range", min: 0, max: 1, step: 0.01, value: this.settings.score, ariaLabel: "Score at least",
    });
    const set = (value, ...others) => {
      if (!(value >= 0 && value <= 1)) return;
      this.settings.score = value;
      for (const other of others) other.value = other === number ? value.toFixed(2) : value;
      this.onInput();
    };
    slider.oninput = () => set(slider.valueAsNumber, number);
    number.oninput = () => set(number.valueAsNumber, slider);
    slider.onchange = number.onchange = () => this.onOrder();
    const field = element("div", { className: "field" },
      element("span", { text: "Score \u2265", ariaHidden: "true" }), slider, number);
    if (totals) {
      const help = "The score from which on precision and recall of all images, taken together (F1), are best";
      const best = element("button", { type: "button", className: "chip", text: "Best F1", title: help });
      best.onclick = () => {
        const found = bestScore(totals, this.settings);
        if (found === null) return;
        set(found, slider, number);
        this.onOrder();
      };
      field.append(best);
    }
    return field;
  }

  iou(ious) {
    const options = ious.map((iou, place) => element("option", { value: place, text: iou.toFixed(2) }));
    const select = element("select", {}, ...options);
    select.value = this.settings.iou;
    select.onchange = () => { this.settings.iou = Number(select.value); this.onOrder(); };
    return element("label", { className: "field", title: "How much a detection must overlap an object to match it" },
      element("span", { text: "IoU \u2265" }), select);
  }

  order() {
    const options = Object.entries(ORDERS).map(([value, { name }]) => element("option", { value, text: name }));
    const select = element("select", {}, ...options);
    select.value = this.settings.order;
    select.onchange = () => { this.settings.order = select.value; this.onOrder(); };
    return element("label", { className: "field of-grid" }, element("span", { text: "Order" }), select);
  }

  size() {
    const select = element("select", {}, ...Object.keys(SIZES).map((value) => element("option", { value, text: value })));
    select.value = this.settings.size;
    select.onchange = () => { this.settings.size = select.value; this.onInput(); };
    return element("label", { className: "field of-grid" }, element("span", { text: "Size" }), select);
  }

  toggle(text, on, set, { className = "", help = "" } = {}) {
    const button = element("button", { type: "button", className: `chip ${className}`, ariaPressed: on, title: help });
    button.append(element("span", { className: "sample", ariaHidden: "true" }), element("span", { text }));
    button.onclick = () => {
      const now = button.ariaPressed !== "true";
      button.ariaPressed = now;
      set(now);
      this.onInput();
    };
    return button;
  }

  kind(kind, kinds) {
    const { hiddenKinds } = this.settings;
    const { sign, name, help } = KINDS[kind];
    const plain = kind === "object" && kinds.length === 1; // nothing to be told apart from
    const set = (on) => (on ? hiddenKinds.delete(kind) : hiddenKinds.add(kind));
    const text = sign && sign !== "crowd" && sign !== "ign" ? `${sign} ${name}` : name;
    const button = this.toggle(text, !hiddenKinds.has(kind), set, { className: plain ? "" : `kind ${kind}`, help });
    const count = element("span", { className: "count" });
    button.append(count);
    this.kinds.set(kind, count);
    return button;
  }

  classes(data) {
    const used = new Set(data.scenes.flatMap((scene) => scene.boxes.map((box) => box.label)));
    (data.totals?.objects ?? []).forEach((count, label) => { if (count) used.add(label); });
    const byClass = !data.scenes.some((scene) => scene.boxes.some((box) => box.kind === "d"));
    const { hiddenLabels } = this.settings;
    const chips = data.labels.map((name, label) => {
      const set = (on) => (on ? hiddenLabels.delete(label) : hiddenLabels.add(label));
      const chip = this.toggle(name, !hiddenLabels.has(label), set, {
        className: byClass ? `class hue${label % HUES}` : "class",
      });
      return used.has(label) ? chip : null;
    }).filter(Boolean);
    if (!chips.length) return "";
    const all = (on) => {
      for (const chip of chips) if ((chip.ariaPressed === "true") !== on) chip.click();
    };
    const group = element("div", { className: "classes", role: "group", ariaLabel: "Classes" }, ...chips);
    if (chips.length > 2) {
      group.append(
        element("button", { type: "button", className: "link", text: "all", onclick: () => all(true) }),
        element("button", { type: "button", className: "link", text: "none", onclick: () => all(false) }),
      );
    }
    if (chips.length <= FEW) return group;
    return element("details", { className: "many" }, element("summary", { text: `Classes (${chips.length})` }), group);
  }

  // Numbers that follow the settings.
  update({ counts, totals, asks, images }) {
    for (const [kind, node] of this.kinds) node.textContent = counts[kind];
    if (!totals) return;
    const share = (value) => (value === null ? "\u2013" : value.toFixed(3));
    const missed = totals.objects - totals.right;
    const wrong = Object.entries(totals.mistakes).filter(([, count]) => count).sort((a, b) => b[1] - a[1])
      .map(([letter, count]) => `${count} ${MISTAKES[letter]}`).join(", ");
    this.totals.replaceChildren(
      element("span", { text: `All ${images} images at score \u2265 ${this.settings.score.toFixed(2)}:` }),
      element("strong", { text: `precision ${share(totals.precision)}` }),
      element("strong", { text: `recall ${share(totals.recall)}` }),
      element("span", { text: `TP ${totals.right}` }),
      element("span", { text: `FP ${totals.wrong}${wrong ? ` (${wrong})` : ""}` }),
      element("span", { text: `FN ${missed}` }),
    );
    if (asks) {
      const button = element("button", { type: "button", className: "ask", text: "Order all images by this" });
      button.onclick = () => this.onAsk();
      this.totals.append(button);
    }
  }
}
