// The editor's part in the browser: a transparent text area over its own text in colours.

const PAUSE = 300; // ms without a key until Python is told
const INDENT = "    ";
const editors = new WeakMap(); // parent element -> what is known of its editor

export default function (component) {
  const { parentElement, data } = component;
  let editor = editors.get(parentElement);
  if (!editor) {
    editor = makeEditor(parentElement);
    editors.set(parentElement, editor);
  }
  editor.send = (value) => component.setStateValue("sent", value);
  receive(editor, data);
  return () => {
    clearTimeout(editor.timer);
    editor.watcher.disconnect();
    editors.delete(parentElement);
  };
}

function makeEditor(parent) {
  const find = (selector) => parent.querySelector(selector);
  const editor = {
    area: find("textarea"), colours: find(".colours"), numbers: find(".numbers"), said: find(".said"),
    turn: 0, timer: 0, dirty: false, marks: [], shown: null, went: 0, send: () => {},
  };
  const { area } = editor;
  area.setAttribute("aria-label", "the spec as TOML");
  area.addEventListener("input", () => {
    editor.dirty = true;
    editor.marks = []; // they are about another text; the new ones come in a moment
    paint(editor);
    clearTimeout(editor.timer);
    editor.timer = setTimeout(() => flush(editor), PAUSE);
  });
  area.addEventListener("blur", () => flush(editor));
  area.addEventListener("scroll", () => align(editor));
  area.addEventListener("keydown", (event) => onKey(editor, event));
  for (const kind of ["keyup", "click", "focus"]) area.addEventListener(kind, () => tell(editor));
  editor.watcher = stick(parent);
  return editor;
}

// The column of the editor stays in view while the form beside it scrolls.
function stick(parent) {
  const host = parent.host ?? parent;
  const place = () => {
    const column = host.closest?.('[data-testid="stColumn"]');
    if (column) Object.assign(column.style, { position: "sticky", top: "3.75rem", alignSelf: "flex-start" });
  };
  place();
  const watcher = new MutationObserver(place);
  if (host.parentElement) watcher.observe(host.parentElement, { childList: true });
  return watcher;
}

function receive(editor, data) {
  const { area } = editor;
  area.readOnly = data.fixed;
  const seenAll = !editor.dirty && data.turn >= editor.turn;
  if (seenAll) {
    editor.turn = data.turn;
    if (area.value !== data.text) replace(area, data.text);
  }
  if (area.value === data.text) editor.marks = data.marks;
  paint(editor);
  if (data.goTo[1] !== editor.went) {
    editor.went = data.goTo[1];
    if (data.goTo[0] && data.goTo[2]) goTo(editor, data.goTo[0]);
    else if (data.goTo[0]) reveal(editor, data.goTo[0]);
  }
}

function flush(editor) {
  clearTimeout(editor.timer);
  if (editor.dirty) tellPython(editor, "text");
}

function tellPython(editor, kind) {
  editor.dirty = false;
  editor.turn += 1;
  editor.send({ kind, text: editor.area.value, turn: editor.turn });
}

// Another text in the place of the old one; the caret stays beside the characters that it stood beside.
function replace(area, text) {
  const old = area.value;
  const least = Math.min(old.length, text.length);
  let head = 0;
  while (head < least && old[head] === text[head]) head += 1;
  let tail = 0;
  while (tail < least - head && old[old.length - 1 - tail] === text[text.length - 1 - tail]) tail += 1;
  const moved = (at) => {
    if (at <= head) return at;
    return at >= old.length - tail ? at + text.length - old.length : Math.min(at, text.length - tail);
  };
  const [start, end] = [moved(area.selectionStart), moved(area.selectionEnd)];
  const { scrollTop, scrollLeft } = area;
  area.value = text;
  area.setSelectionRange(start, end);
  area.scrollTop = scrollTop;
  area.scrollLeft = scrollLeft;
}

function onKey(editor, event) {
  const { area } = editor;
  const command = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (command && key === "s") {
    flush(editor); // before the button that this key presses
    event.preventDefault();
  } else if (command && (key === "z" || key === "y") && !area.readOnly) {
    event.preventDefault(); // one history for the text and the form: Python's
    flush(editor);
    tellPython(editor, key === "y" || event.shiftKey ? "redo" : "undo");
  } else if (event.key === "Escape") {
    area.blur(); // from where Tab leads on: a keyboard must not be caught here
  } else if (event.key === "Tab" && !area.readOnly) {
    event.preventDefault();
    indent(area, event.shiftKey);
  } else if (event.key === "Enter" && !command && !area.readOnly) {
    event.preventDefault();
    const line = area.value.slice(0, area.selectionStart).split("\n").pop();
    document.execCommand("insertText", false, "\n" + line.match(/^[ \t]*/)[0]);
  }
}

function indent(area, back) {
  const { selectionStart: start, selectionEnd: end, value } = area;
  if (start === end && !back) {
    document.execCommand("insertText", false, INDENT);
    return;
  }
  const from = value.lastIndexOf("\n", start - 1) + 1;
  const stop = value.indexOf("\n", Math.max(from, end - (end > start ? 1 : 0)));
  const to = stop < 0 ? value.length : stop;
  const lines = value.slice(from, to).split("\n");
  const text = lines.map((line) => (back ? line.replace(/^( {1,4}|\t)/, "") : INDENT + line)).join("\n");
  area.setSelectionRange(from, to);
  document.execCommand("insertText", false, text);
  area.setSelectionRange(from, from + text.length);
}

function goTo(editor, line) {
  const { area } = editor;
  const lines = area.value.split("\n");
  const at = Math.min(line, lines.length) - 1;
  const start = lines.slice(0, at).reduce((sum, each) => sum + each.length + 1, 0);
  area.focus({ preventScroll: true });
  area.setSelectionRange(start, start + lines[at].length);
  reveal(editor, line);
  tell(editor);
}

// A line is brought into view, if it is not there; nobody's focus is taken.
function reveal(editor, line) {
  const { area } = editor;
  const row = parseFloat(getComputedStyle(area).lineHeight) || 20;
  const top = (line - 1) * row;
  if (top < area.scrollTop || top + 2 * row > area.scrollTop + area.clientHeight) {
    area.scrollTop = Math.max(0, top - area.clientHeight / 3);
  }
  area.scrollLeft = 0;
  align(editor);
}

function align(editor) {
  const { area, colours, numbers } = editor;
  colours.style.transform = `translate(${-area.scrollLeft}px, ${-area.scrollTop}px)`;
  numbers.style.transform = `translateY(${-area.scrollTop}px)`;
}

// What is wrong in the line of the caret, in words.
function tell(editor) {
  const line = editor.area.value.slice(0, editor.area.selectionStart).split("\n").length;
  const here = editor.marks.filter((mark) => mark.line === line);
  editor.said.textContent = here.map((mark) => `Line ${line}: ${mark.text}`).join("  ");
}

function paint(editor) {
  const lines = editor.area.value.split("\n");
  const drawing = JSON.stringify([editor.area.value, editor.marks]);
  if (drawing !== editor.shown) {
    editor.shown = drawing;
    const byLine = new Map();
    for (const mark of editor.marks) byLine.set(mark.line, [...(byLine.get(mark.line) ?? []), mark]);
    const state = { open: "" };
    const rows = lines.flatMap((line, index) => [
      ...coloured(line, state, byLine.get(index + 1) ?? []),
      document.createTextNode("\n"),
    ]);
    editor.colours.replaceChildren(...rows);
    editor.numbers.replaceChildren(...lines.map((_, index) => numbered(editor, index + 1, byLine.get(index + 1))));
  }
  align(editor);
  tell(editor);
}

function numbered(editor, line, marks) {
  const row = document.createElement("div");
  row.textContent = String(line);
  if (marks) {
    row.className = "wrong";
    row.title = marks.map((mark) => mark.text).join("\n");
    row.addEventListener("click", () => goTo(editor, line));
  }
  return row;
}

// The nodes of one line; `state.open` is the quote of a text that goes on over lines.
function coloured(line, state, marks) {
  const parts = [];
  let rest = line;
  let keys = !state.open; // until the equals sign
  while (rest) {
    const [kind, text] = state.open ? inText(rest, state) : token(rest, keys, parts.length === 0, state);
    if (kind === "equals") keys = false;
    parts.push([kind, text]);
    rest = rest.slice(text.length);
  }
  let column = 1;
  return parts.flatMap(([kind, text]) => {
    const start = column;
    column += text.length;
    return pieces(text, start, marks).map(([piece, wrong]) => {
      const span = document.createElement("span");
      span.className = `${kind}${wrong ? " mistake" : ""}`;
      span.textContent = piece;
      return span;
    });
  });
}

function inText(rest, state) {
  const end = rest.indexOf(state.open);
  const text = end < 0 ? rest : rest.slice(0, end + state.open.length);
  if (end >= 0) state.open = "";
  return ["string", text];
}

function token(rest, keys, first, state) {
  const take = (pattern) => rest.match(pattern)?.[0];
  let text;
  if ((text = take(/^[ \t]+/))) return ["", text];
  if ((text = take(/^#.*/))) return ["comment", text];
  if (keys && first && (text = take(/^\[[^#]*/))) return ["header", text];
  if ((text = take(/^("""|''')/))) {
    const end = rest.indexOf(text, 3);
    if (end >= 0) return ["string", rest.slice(0, end + 3)];
    state.open = text;
    return ["string", rest];
  }
  if ((text = take(/^("(?:[^"\\]|\\.)*"?|'[^']*'?)/))) return [keys ? "key" : "string", text];
  if ((text = take(/^=/))) return ["equals", text];
  if ((text = take(/^[A-Za-z0-9_-]+(?=[ \t]*[.=])/)) && (keys || /^[A-Za-z_]/.test(text))) return ["key", text];
  if ((text = take(/^(true|false|inf|nan)\b/))) return ["word", text];
  if ((text = take(/^[+-]?[0-9][0-9A-Za-z_.:+-]*/))) return ["number", text];
  return ["", take(/^[A-Za-z0-9_-]+/) ?? rest[0]];
}

// A text cut where marks begin and end: each piece, and whether it is marked.
function pieces(text, start, marks) {
  const cuts = new Set([0, text.length]);
  for (const mark of marks) {
    for (const at of [mark.column - start, mark.end - start]) if (at > 0 && at < text.length) cuts.add(at);
  }
  const sorted = [...cuts].sort((one, other) => one - other);
  return sorted.slice(0, -1).map((from, index) => {
    const wrong = marks.some((mark) => mark.column - start <= from && from < mark.end - start);
    return [text.slice(from, sorted[index + 1]), wrong];
  });
}
