// What stands on the page is made here, as elements and as text; nothing is ever read as markup.

const SEVERITIES = ["critical", "high", "medium", "low", "informational"];
const SVG = "http://www.w3.org/2000/svg";

// Controls, bidirectional marks, zero-width characters and lone surrogates: what could disguise other text.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

function escaped(character) {
  return Array.from({ length: character.length }, (_, i) =>
    "\\u" + character.charCodeAt(i).toString(16).padStart(4, "0")).join("");
}

function visible(value) {
  return String(value).replace(UNSEEN, escaped);
}

function put(element, ...children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined) continue;
    element.append(child instanceof Node ? child : visible(child));
  }
  return element;
}

function el(tag, attributes, ...children) {
  return put(dress(document.createElement(tag), attributes), ...children);
}

function svg(tag, attributes, ...children) {
  return put(dress(document.createElementNS(SVG, tag), attributes), ...children);
}

function dress(element, attributes) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, visible(value));
  }
  return element;
}

function button(label, attributes, onclick) {
  return el("button", { type: "button", ...attributes, onclick }, label);
}

function fill(id, ...children) {
  const element = document.getElementById(id);
  element.replaceChildren();
  return put(element, ...children);
}

function number(value) {
  return value.toLocaleString("en-US");
}

function plural(count, one, many) {
  return `${number(count)} ${count === 1 ? one : many}`;
}

function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; bytes >= 1000 && unit < units.length - 1; unit += 1) bytes /= 1000;
  return [bytes >= 100 || unit === 0 ? Math.round(bytes).toString() : bytes.toFixed(1), units[unit]];
}

function clock(milliseconds, form = "minute") {
  const iso = new Date(milliseconds).toISOString();
  return { day: iso.slice(0, 10), minute: `${iso.slice(0, 10)} ${iso.slice(11, 16)}` }[form];
}

async function copy(text, told) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea", { readonly: true });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const before = told.textContent;
  told.textContent = "copied";
  setTimeout(() => { told.textContent = before; }, 1200);
}
