// The page as a whole: what it tells of the scan, and what happens when something else is asked for.

function refresh() {
  const alerts = found();
  view.page = 0;
  drawNumbers();
  drawTimeline(alerts);
  drawFacets();
  drawAlerts(alerts);
}

function drawNotices() {
  const notices = [];
  if (FACTS.interrupted) notices.push("The scan was interrupted: this is what was found until then.");
  if (FACTS.left_out.length) notices.push(leftOut());
  if (FACTS.failures) notices.push(failures());
  fill("notices", notices.map((notice) => el("div", { class: "notice" }, notice)));
}

function leftOut() {
  const all = FACTS.left_out.reduce((a, b) => a + b.alerts, 0);
  const rules = [...FACTS.left_out].sort((a, b) => b.alerts - a.alerts);
  return el("details", {},
    el("summary", {}, `Too many for one page: ${plural(all, "alert is", "alerts are")} left out of ${number(FACTS.alerts)}, ` +
      "the least severe ones. Below are the others."),
    el("ul", {}, rules.map((each) => el("li", {}, `${number(each.alerts)} of “${each.rule}”`))));
}

function failures() {
  const more = FACTS.failures - FACTS.failed.length;
  return el("details", { open: FACTS.failures <= 3 },
    el("summary", {}, `${plural(FACTS.failures, "input was", "inputs were")} not read to the end`),
    el("ul", {},
      FACTS.failed.map((each) => el("li", {}, el("code", {}, each.object), ` ${each.code}: ${each.detail}`)),
      more ? el("li", {}, `and ${number(more)} more`) : null));
}

function drawFrame() {
  const times = ALERTS.map((alert) => alert.time).filter((time) => time !== null);
  const first = FACTS.since || (times.length ? new Date(times.reduce((a, b) => Math.min(a, b))).toISOString() : null);
  const last = FACTS.until || (times.length ? new Date(times.reduce((a, b) => Math.max(a, b))).toISOString() : null);
  const short = (time) => time.slice(0, 16).replace("T", " ");
  fill("period", first && last ? `${short(first)} – ${short(last)} UTC` : "");
  fill("foot",
    `Written ${short(FACTS.written)} UTC by trailstream ${FACTS.version} from ${FACTS.inputs.join(", ")}. ` +
    "This page holds all that it shows; it reaches no network, and nobody learns that you read it.");
  document.title = `trailstream scan: ${plural(FACTS.alerts, "alert", "alerts")}`;
}

function dressIn(theme) {
  document.documentElement.dataset.theme = theme;
  document.getElementById("theme").textContent = theme === "dark" ? "☀" : "☾";
}

function listen() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dressIn(dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => dressIn(dark.matches ? "dark" : "light"));
  document.getElementById("theme").addEventListener("click", () =>
    dressIn(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  const search = document.getElementById("search");
  addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target !== search && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape") {
      if (view.open) { const was = view.open; view.open = null; drawAlerts(found()); focusRow(was); } else clearAll();
    }
  });
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; drawTimeline(found()); } });
  addEventListener("hashchange", openNamed);
}

// "#<alert id>" leads to that alert, so that one can tell another where to look.
function openNamed() {
  const named = ALERTS.find((alert) => alert.alert_id === location.hash.slice(1));
  if (!named) return;
  forgetAll();
  view.open = named;
  view.sort = "time";
  refresh();
  const column = COLUMNS.find((each) => each.name === view.sort);
  view.page = Math.floor(ALERTS.filter((alert) => column.of(alert) > column.of(named)).length / A_PAGE);
  drawAlerts(found());
  document.querySelector("tr.row[data-open]")?.scrollIntoView();
}

frameAlerts();
drawFrame();
drawNotices();
listen();
refresh();
openNamed();
