// What a box is under the viewer's settings, and what follows from that. Knows nothing of the page.

// Each kind of box: the sign on its tag, its name in the legend, and what that means.
const KINDS = {
  tp: { sign: "TP", name: "right", help: "Detections that match an object" },
  fp: { sign: "FP", name: "wrong", help: "Detections that match no object" },
  fn: { sign: "FN", name: "missed", help: "Objects that no detection above the score matches" },
  found: { sign: "", name: "found", help: "Objects that a detection matches" },
  object: { sign: "", name: "objects", help: "Objects of the ground truth" },
  detection: { sign: "", name: "detections", help: "What the detector found" },
  ignored: { sign: "ign", name: "ignored", help: "Detections on a crowd region, which count neither way" },
  crowd: { sign: "crowd", name: "crowds", help: "Regions with many objects, which count neither way" },
};

const MISTAKES = {
  D: "duplicate", C: "wrong class", P: "bad place", X: "wrong class and place", B: "background",
};

const ORDERS = {
  given: { name: "as given", of: () => 0 },
  worst: { name: "worst first", of: (counts) => counts.fp + counts.fn },
  missed: { name: "most missed", of: (counts) => counts.fn },
  wrong: { name: "most wrong", of: (counts) => counts.fp },
};

// What a box is at the score and IoU thresholds; null for a detection below the score.
function kindOf(box, settings) {
  if (box.kind === "c") return "crowd";
  if (box.kind === "o") {
    if (!box.found) return "object";
    const score = box.found[settings.iou];
    return score !== null && score >= settings.score ? "found" : "fn";
  }
  if (box.score !== undefined && box.score < settings.score) return null;
  const verdict = box.verdicts ? box.verdicts[settings.iou] : "";
  if (!verdict) return "detection";
  return verdict === "R" ? "tp" : verdict === "I" ? "ignored" : "fp";
}

function mistakeOf(box, settings) {
  return (box.verdicts && MISTAKES[box.verdicts[settings.iou]]) || "";
}

// How many boxes of each kind a scene has, of the classes that are shown.
function countsOf(scene, settings) {
  const counts = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, 0]));
  for (const box of scene.boxes) {
    const kind = kindOf(box, settings);
    if (kind !== null && !settings.hiddenLabels.has(box.label)) counts[kind] += 1;
  }
  return counts;
}

// Which kinds there may be at any threshold: what the legend offers.
function kindsIn(scenes) {
  const kinds = new Set();
  for (const scene of scenes) {
    for (const box of scene.boxes) {
      if (box.kind === "c") kinds.add("crowd");
      else if (box.kind === "o") box.found ? kinds.add("found").add("fn") : kinds.add("object");
      else if (!box.verdicts) kinds.add("detection");
      else {
        kinds.add("tp").add("fp");
        if (box.verdicts.includes("I")) kinds.add("ignored");
      }
    }
  }
  return Object.keys(KINDS).filter((kind) => kinds.has(kind));
}

// The order of scenes, as places in the list; a tie keeps the order given.
function ordered(scenes, settings) {
  const rank = ORDERS[settings.order].of;
  const ranks = scenes.map((scene) => rank(countsOf(scene, settings)));
  return scenes.map((_, place) => place).sort((a, b) => ranks[b] - ranks[a] || a - b);
}

// Precision and recall over all images, also those of other pages; null where nothing is there to count.
function totalsAt(totals, settings) {
  let right = 0, wrong = 0, objects = 0;
  const mistakes = Object.fromEntries(Object.keys(MISTAKES).map((letter) => [letter, 0]));
  const verdicts = totals.verdicts[settings.iou];
  for (let i = 0; i < totals.scores.length && totals.scores[i] >= settings.score; i += 1) {
    if (settings.hiddenLabels.has(totals.labels[i])) continue;
    if (verdicts[i] === "R") right += 1;
    else if (verdicts[i] !== "I") {
      wrong += 1;
      mistakes[verdicts[i]] += 1;
    }
  }
  totals.objects.forEach((count, label) => { if (!settings.hiddenLabels.has(label)) objects += count; });
  return {
    right, wrong, objects, mistakes,
    precision: right + wrong ? right / (right + wrong) : null,
    recall: objects ? right / objects : null,
  };
}

// The score from which on precision and recall together are best (F1), of those with two digits; null without any.
function bestScore(totals, settings) {
  let best = null, most = 0;
  for (let percent = 0; percent <= 100; percent += 1) {
    const { right, wrong, objects } = totalsAt(totals, { ...settings, score: percent / 100 });
    const f1 = right ? (2 * right) / (right + wrong + objects) : 0;
    if (f1 > most) [best, most] = [percent / 100, f1];
  }
  return best;
}
