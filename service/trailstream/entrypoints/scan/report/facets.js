// What alerts have in common: a value, how many have it, and a click asks for them.

const SHOWN = 6, SHOWN_AT_MOST = 500;
const unfolded = new Set();

function drawFacets() {
  fill("facets", FACETS.map(facetCard));
}

function facetCard(facet) {
  const values = counted(facet);
  const most = values.reduce((a, b) => Math.max(a, b[1]), 1);
  const all = unfolded.has(facet.name);
  const shown = values.slice(0, all ? SHOWN_AT_MOST : SHOWN);
  const rest = values.length - shown.length;
  const more = all || rest
    ? button(all ? "fewer" : `${number(rest)} more`, { class: "link" }, () => {
      if (!unfolded.delete(facet.name)) unfolded.add(facet.name);
      drawFacets();
    })
    : null;
  return el("div", { class: "facet card" },
    el("div", { class: "head" }, el("h2", {}, facet.title), el("span", { class: "hint" }, number(values.length))),
    el("ol", {}, shown.map(([value, count]) => el("li", {}, valueButton(facet, value, count, most)))),
    more);
}

function valueButton(facet, value, count, most) {
  const choose = () => { toggle(facet, value); refresh(); };
  const attributes = { class: "value", title: value, "aria-pressed": String(isAsked(facet, value)) };
  const made = button(el("span", { class: "name" }, facet.show ? facet.show(value) : value), attributes, choose);
  if (facet.name === "rule") {
    const severity = ALERTS.find((alert) => alert.rule_title === value)?.severity;
    made.prepend(el("span", { class: `dot ${severity}`, title: severity }));
  }
  made.append(el("span", { class: "count" }, number(count)));
  made.style.setProperty("--share", `${count / most * 100}%`);
  return made;
}

function drawNumbers() {
  const by = new Map(counted(SEVERITY));
  const pills = SEVERITIES.map((severity) => {
    const count = by.get(severity) || 0;
    const attributes = { class: "pill", "aria-pressed": String(isAsked(SEVERITY, severity)), disabled: !count };
    const choose = () => { toggle(SEVERITY, severity); refresh(); };
    return button([el("span", { class: `dot ${severity}` }), `${number(count)} ${severity}`], attributes, choose);
  });
  const [bytes, unit] = size(FACTS.bytes_inflated);
  const seconds = FACTS.seconds < 10 ? FACTS.seconds.toFixed(1) : number(Math.round(FACTS.seconds));
  const skipped = Object.values(FACTS.skipped).reduce((a, b) => a + b, 0);
  fill("numbers",
    el("div", { class: "card" }, el("h2", {}, "Alerts"),
      el("div", { class: "split" }, el("span", { class: "figure" }, number(FACTS.alerts)), el("div", { class: "pills" }, pills))),
    figure("Records", number(FACTS.records)),
    figure("Log objects", number(FACTS.objects), skipped ? `${number(skipped)} skipped` : null),
    figure("JSON read", bytes, `${unit} in ${seconds} s`));
}

function figure(title, value, unit) {
  return el("div", { class: "card" }, el("h2", {}, title),
    el("div", { class: "figure" }, value, unit ? el("small", {}, ` ${unit}`) : null));
}
