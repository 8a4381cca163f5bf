// Alerts over time: bars by severity. A bar, or a stretch that is drawn over, becomes the period that is asked for.

const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const WIDTHS = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 7 * DAY, 30 * DAY, 365 * DAY];
const MOST_BARS = 96;
const PLOT = { height: 150, top: 12, bottom: 22, left: 34, right: 6 };

function drawTimeline(alerts) {
  const timed = alerts.filter((alert) => alert.time !== null);
  const section = document.getElementById("timeline");
  const reset = asked.from === null ? null :
    button("whole period", { class: "link right" }, () => { asked.from = asked.to = null; refresh(); });
  const untimed = alerts.length - timed.length;
  const hint = untimed ? `${number(untimed)} without a time of their own are not shown here` : "drag, or choose a bar";
  const head = el("div", { class: "head" }, el("h2", {}, "Timeline (UTC)"), el("span", { class: "hint" }, hint), reset);
  section.replaceChildren(head);
  if (!timed.length) return put(section, el("p", { class: "nothing" }, "No alerts."));
  const chart = chartOf(timed, section.clientWidth - 32);
  return put(section, drawn(chart, section), el("div", { class: "tip", hidden: true }));
}

function chartOf(alerts, width) {
  const times = alerts.map((alert) => alert.time);
  const first = times.reduce((a, b) => Math.min(a, b));
  const last = times.reduce((a, b) => Math.max(a, b));
  const step = WIDTHS.find((each) => (last - first) / each <= MOST_BARS) || (last - first) / MOST_BARS;
  const start = Math.floor(first / step) * step;
  const buckets = Array.from({ length: Math.floor((last - start) / step) + 1 }, (_, i) =>
    ({ from: start + i * step, to: start + (i + 1) * step, count: 0, by: SEVERITIES.map(() => 0) }));
  for (const alert of alerts) {
    const bucket = buckets[Math.floor((alert.time - start) / step)];
    bucket.count += 1;
    bucket.by[alert.rank] += 1;
  }
  const most = buckets.reduce((a, b) => Math.max(a, b.count), 1);
  const inner = Math.max(100, width) - PLOT.left - PLOT.right;
  const x = (time) => PLOT.left + (time - start) / (step * buckets.length) * inner;
  const y = (count) => PLOT.height - PLOT.bottom - count / most * (PLOT.height - PLOT.top - PLOT.bottom);
  const at = (place) => start + Math.min(Math.max((place - PLOT.left) / inner, 0), 1) * step * buckets.length;
  return { width: Math.max(100, width), start, step, buckets, most, x, y, at };
}

function drawn(chart, section) {
  const { width, buckets, most, y } = chart;
  const root = svg("svg", { viewBox: `0 0 ${width} ${PLOT.height}`, role: "group", "aria-label": "Alerts over time" });
  for (const count of new Set([0, Math.ceil(most / 2), most])) {
    put(root,
      svg("line", { x1: PLOT.left, x2: width - PLOT.right, y1: y(count), y2: y(count) }),
      svg("text", { x: PLOT.left - 6, y: y(count) + 4, "text-anchor": "end" }, number(count)));
  }
  put(root, ticks(chart), buckets.filter((bucket) => bucket.count).map((bucket) => bar(chart, bucket, section)));
  letDraw(chart, root);
  return root;
}

function bar(chart, bucket, section) {
  const { x, y } = chart;
  const left = x(bucket.from), wide = x(bucket.to) - left;
  const choose = () => { asked.from = bucket.from; asked.to = bucket.to; refresh(); };
  const what = told(bucket);
  const group = svg("g", {
    class: "bar", role: "button", tabindex: 0, "aria-label": what, onclick: choose,
    onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); } },
    onpointerenter: () => tip(section, what, left + wide / 2), onpointerleave: () => tip(section, null),
    onfocus: () => tip(section, what, left + wide / 2), onblur: () => tip(section, null),
  });
  let below = 0;
  bucket.by.forEach((count, rank) => {
    if (!count) return;
    const top = y(below + count);
    put(group, svg("rect", {
      class: SEVERITIES[rank], x: left + wide * 0.08, width: Math.max(1, wide * 0.84), y: top,
      height: Math.max(1, y(below) - top),
    }));
    below += count;
  });
  return put(group, svg("rect", { class: "whole", x: left, width: wide, y: PLOT.top, height: y(0) - PLOT.top }));
}

function told(bucket) {
  const by = bucket.by.map((count, rank) => count && `${number(count)} ${SEVERITIES[rank]}`).filter(Boolean);
  const end = bucket.to - bucket.from >= DAY ? clock(bucket.to - 1, "day") : clock(bucket.to).slice(11);
  const start = clock(bucket.from, bucket.to - bucket.from >= DAY ? "day" : "minute");
  return `${start === end ? start : `${start} – ${end}`}: ${by.join(", ")}`;
}

function ticks({ width, start, step, buckets, x }) {
  const most = Math.max(1, Math.floor(width / 130));
  const every = Math.ceil(buckets.length / most);
  let day = "";
  return buckets.filter((_, i) => i % every === 0).map((bucket) => {
    const [date, time] = clock(bucket.from).split(" ");
    const label = step >= DAY || date !== day ? (step >= DAY ? date : `${date.slice(5)} ${time}`) : time;
    day = date;
    return svg("text", { x: x(bucket.from), y: PLOT.height - 6 }, label);
  });
}

function tip(section, text, place) {
  const shown = section.querySelector(".tip");
  shown.hidden = text === null;
  if (text === null) return;
  shown.replaceChildren();
  put(shown, text);
  const room = section.clientWidth - shown.offsetWidth - 8;
  shown.style.left = `${Math.max(8, Math.min(place + 16 - shown.offsetWidth / 2, room))}px`;
  shown.style.top = "30px";
}

function letDraw(chart, root) {
  let began = null, shade = null;
  const place = (event) => event.clientX - root.getBoundingClientRect().left;
  root.addEventListener("pointerdown", (event) => { began = place(event); });
  root.addEventListener("pointermove", (event) => {
    if (began === null || Math.abs(place(event) - began) < 6) return;
    if (!shade) {
      shade = svg("rect", { class: "chosen", y: PLOT.top, height: PLOT.height - PLOT.top - PLOT.bottom });
      root.append(shade);
      root.setPointerCapture(event.pointerId);
    }
    const [left, right] = [began, place(event)].sort((a, b) => a - b);
    dress(shade, { x: left, width: right - left });
  });
  root.addEventListener("pointerup", (event) => {
    if (shade) {
      const [left, right] = [began, place(event)].sort((a, b) => a - b).map(chart.at);
      asked.from = Math.floor(left / MINUTE) * MINUTE;
      asked.to = Math.max(asked.from + MINUTE, Math.ceil(right / MINUTE) * MINUTE);
      refresh();
    }
    began = shade = null;
  });
}
