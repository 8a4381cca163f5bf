// The alerts that are asked for, a page at a time; one that is chosen opens below its row.

const A_PAGE = 50;
const COLUMNS = [
  { name: "time", title: "Time (UTC)", width: "13.5em", of: (a) => a.time ?? -Infinity, text: (a) => whenOf(a) },
  { name: "severity", title: "Severity", width: "9em", of: (a) => -a.rank, text: (a) => severityOf(a) },
  { name: "rule", title: "Rule", width: "27%", of: titleOf, text: titleOf },
  { name: "event", title: "Event", width: "18%", of: (a) => a.event || "", text: (a) => a.event || "–" },
  { name: "account", title: "Account", width: "9.5em", of: (a) => a.account || "", text: (a) => a.account || "–" },
  { name: "region", title: "Region", width: "9em", of: (a) => a.region || "", text: (a) => a.region || "–" },
  { name: "actor", title: "Actor", width: "22%", of: (a) => a.actor || "", text: (a) => shortActor(a.actor) },
  { name: "source", title: "Source", width: "9.5em", of: (a) => a.source_ip || "", text: (a) => a.source_ip || "–" },
];
const view = { page: 0, sort: "time", descending: true, open: null };

function drawAlerts(alerts) {
  const column = COLUMNS.find((each) => each.name === view.sort);
  const sign = view.descending ? -1 : 1;
  const sorted = alerts.map((alert) => [column.of(alert), alert])
    .sort(([a], [b]) => (a < b ? -sign : a > b ? sign : 0)).map(([, alert]) => alert);
  if (view.open) {
    const at = sorted.indexOf(view.open);
    if (at < 0) view.open = null;
  }
  const pages = Math.max(1, Math.ceil(sorted.length / A_PAGE));
  view.page = Math.min(view.page, pages - 1);
  const shown = sorted.slice(view.page * A_PAGE, (view.page + 1) * A_PAGE);
  document.querySelector("#alerts .chips").replaceChildren(...chips());
  document.querySelector("#alerts .pager").replaceChildren(...pager(sorted.length, pages));
  const table = el("table", {}, el("colgroup", {}, COLUMNS.map(columnWidth)),
    el("thead", {}, el("tr", {}, COLUMNS.map(heading))), el("tbody", {}, shown.flatMap(rows)));
  const nothing = el("p", { class: "nothing" }, ALERTS.length ? "No alert is like that." : "No alerts.");
  document.querySelector("#alerts .scroll").replaceChildren(shown.length ? table : nothing);
}

function frameAlerts() {
  const search = el("input", {
    id: "search", type: "search", placeholder: "Search in records  /", "aria-label": "Search in records",
  });
  let waiting = null;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { asked.text = search.value; view.page = 0; refresh(); }, 150);
  });
  fill("alerts",
    el("div", { class: "tools" }, el("h2", {}, "Alerts"), search, el("div", { class: "chips" }), el("div", { class: "pager" })),
    el("div", { class: "scroll" }));
}

function columnWidth(column) {
  const made = el("col");
  made.style.width = column.width;
  return made;
}

function heading(column) {
  const sorted = view.sort === column.name ? (view.descending ? "descending" : "ascending") : null;
  return el("th", { scope: "col", "aria-sort": sorted }, button(column.title, {}, () => {
    view.descending = view.sort === column.name ? !view.descending : column.name === "time" || column.name === "severity";
    view.sort = column.name;
    view.page = 0;
    refresh();
  }));
}

function rows(alert) {
  const isOpen = view.open === alert;
  const open = () => { view.open = isOpen ? null : alert; drawAlerts(found()); focusRow(alert); };
  const row = el("tr", { class: "row", "data-open": isOpen, "data-alert": alert.alert_id, onclick: open });
  for (const column of COLUMNS) {
    const content = column.text(alert);
    const cell = el("td", { class: column.name === "event" && alert.error_code ? "failed" : column.name });
    if (typeof content === "string") cell.title = visible(column.name === "actor" ? alert.actor || "" : content);
    if (column.name === "event" && alert.error_code) cell.title = visible(`${content}: ${alert.error_code}`);
    const isButton = column.name === "rule";
    row.append(put(cell, isButton ? button(content, { "aria-expanded": String(isOpen) }) : content));
  }
  if (!isOpen) return [row];
  return [row, el("tr", { class: "detail" }, el("td", { colspan: COLUMNS.length }, opened(alert)))];
}

function focusRow(alert) {
  document.querySelector(`tr[data-alert="${CSS.escape(visible(alert.alert_id))}"] button`)?.focus({ preventScroll: true });
}

function whenOf(alert) {
  return alert.time === null ? alert.event_time || "–" : new Date(alert.time).toISOString().slice(0, 19).replace("T", " ");
}

function severityOf(alert) {
  return el("span", { class: `sev ${alert.severity}` }, el("span", { class: "dot" }), alert.severity);
}

function chips() {
  const made = [];
  for (const facet of [SEVERITY, ...FACETS]) {
    for (const value of asked.values.get(facet.name) || []) {
      made.push(button(value, { class: "chip", title: `${facet.title}: ${value}` }, () => { toggle(facet, value); refresh(); }));
    }
  }
  if (asked.from !== null) {
    const period = `${clock(asked.from)} – ${clock(asked.to)}`;
    made.push(button(period, { class: "chip" }, () => { asked.from = asked.to = null; refresh(); }));
  }
  if (made.length > 1) made.push(button("clear all", { class: "link" }, clearAll));
  return made;
}

function clearAll() {
  forgetAll();
  document.getElementById("search").value = "";
  refresh();
}

function pager(count, pages) {
  const first = view.page * A_PAGE;
  const go = (page) => () => { view.page = page; drawAlerts(found()); };
  const shown = count ? `${number(first + 1)}–${number(Math.min(first + A_PAGE, count))} of ${number(count)}` : "0";
  return [
    el("span", {}, shown),
    button("‹", { "aria-label": "Previous page", disabled: view.page === 0 }, go(view.page - 1)),
    button("›", { "aria-label": "Next page", disabled: view.page >= pages - 1 }, go(view.page + 1)),
  ];
}
