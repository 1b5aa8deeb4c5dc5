// Stage: an image with its boxes, at any size. Text of strangers is only ever textContent.

const SVG = "http://www.w3.org/2000/svg";
const CROWDED = 24; // boxes on a small picture, from which on tags would hide it
const HUES = 8; // colours of classes, where boxes are told apart by class

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "text") made.textContent = value;
    else if (key in made && key !== "list") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// A data: URL of our own bytes, of the two types that there are; nothing else is ever loaded.
function urlOf(image) {
  return ["image/jpeg", "image/png"].includes(image?.type) ? `data:${image.type};base64,${image.base64}` : "";
}

class Stage {
  constructor(scene, { url, labels, byClass, full }) {
    Object.assign(this, { scene, labels, byClass, full });
    const [width, height] = scene.size;
    this.picture = url ? element("img", { src: url, alt: "", draggable: false }) : element("div", { className: "none" });
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.svg.setAttribute("aria-hidden", "true");
    this.tags = element("div", { className: "tags", ariaHidden: "true" });
    this.node = element("div", { className: "stage" }, this.picture, this.svg, this.tags);
    this.node.style.aspectRatio = `${width} / ${height}`;
    this.marks = scene.boxes.map((box) => this.mark(box, width, height));
    this.marks.toSorted((a, b) => area(b.box) - area(a.box)).forEach(({ group, tag }) => {
      this.svg.append(group); // small boxes above large ones, so that the pointer reaches them
      this.tags.append(tag);
    });
  }

  mark(box, width, height) {
    const [x1, y1, x2, y2] = box.at;
    const group = document.createElementNS(SVG, "g");
    for (const name of ["halo", "line"]) {
      const rect = document.createElementNS(SVG, "rect");
      Object.entries({ x: x1, y: y1, width: Math.max(0, x2 - x1), height: Math.max(0, y2 - y1), class: name }).forEach(
        ([key, value]) => rect.setAttribute(key, value),
      );
      group.append(rect);
    }
    const tag = element("span", { className: "tag" });
    // Objects have their tags below, detections above, so that neither hides the other; inside where there is no room.
    const below = box.kind !== "d";
    tag.style.left = `${(100 * x1) / width}%`;
    tag.style.top = `${(100 * (below ? y2 : y1)) / height}%`;
    const inside = below ? y2 > height * 0.94 : y1 < height * 0.06;
    return { box, group, tag, side: below !== inside ? "below" : "above" };
  }

  // Show what the settings say; gives the boxes that are shown, with their kinds.
  show(settings) {
    const shown = [];
    for (const { box, group, tag, side } of this.marks) {
      const kind = kindOf(box, settings);
      const visible = kind !== null && !settings.hiddenKinds.has(kind) && !settings.hiddenLabels.has(box.label);
      group.style.display = tag.style.display = visible ? "" : "none";
      if (!visible) continue;
      const hue = this.byClass && kind === "object" && box.label >= 0 ? ` hue${box.label % HUES}` : "";
      group.setAttribute("class", kind + hue);
      tag.className = `tag ${side} ${kind}${hue}`;
      tag.textContent = this.text(box, kind, settings);
      if (!tag.textContent) tag.style.display = "none";
      shown.push({ box, kind });
    }
    this.tags.classList.toggle("off", !settings.tags || (!this.full && shown.length > CROWDED));
    return shown;
  }

  text(box, kind, settings) {
    const { sign } = KINDS[kind];
    const label = box.label >= 0 ? this.labels[box.label] : "";
    if (kind === "found") return settings.hiddenKinds.has("tp") ? label : ""; // what found it says the class
    if (!this.full && sign) return sign;
    const score = box.score === undefined ? "" : box.score.toFixed(2);
    return [sign, label, score].filter(Boolean).join(" ");
  }

  highlight(box) {
    for (const mark of this.marks) {
      mark.group.classList.toggle("lit", mark.box === box);
      mark.tag.classList.toggle("lit", mark.box === box);
    }
  }
}

function area(box) {
  const [x1, y1, x2, y2] = box.at;
  return (x2 - x1) * (y2 - y1);
}
