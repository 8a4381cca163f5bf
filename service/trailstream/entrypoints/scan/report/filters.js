// The alerts, and which of them are asked for.

const REPORT = JSON.parse(document.getElementById("data").textContent);
const FACTS = REPORT.facts;

const FACETS = [
  { name: "rule", title: "Rules", of: (alert) => alert.rule_title },
  { name: "event", title: "Events", of: (alert) => alert.event },
  { name: "actor", title: "Actors", of: (alert) => alert.actor, show: actorAndAccount },
  { name: "account", title: "Accounts", of: (alert) => alert.account },
  { name: "source", title: "Source addresses", of: (alert) => alert.source_ip },
  { name: "region", title: "Regions", of: (alert) => alert.region },
];
const SEVERITY = { name: "severity", title: "Severity", of: (alert) => alert.severity };
const NONE = "none";

const ALERTS = REPORT.alerts.map((alert) => {
  const service = (alert.event_source || "").replace(/\.amazonaws\.com$/, "");
  const time = Date.parse(alert.event_time);
  return {
    ...alert,
    ...REPORT.about[alert.about],
    event: alert.event_name ? `${service}:${alert.event_name}` : alert.event_source,
    time: Number.isNaN(time) ? null : time,
    rank: SEVERITIES.indexOf(alert.severity),
  };
});

const asked = { values: new Map(), from: null, to: null, text: "" };

function shortActor(actor) {
  return (actor || "–").replace(/^arn:[^:]*:(?:iam|sts)::\d*:/, "");
}

function actorAndAccount(actor) {
  const account = /^arn:[^:]*:(?:iam|sts)::(\d+):/.exec(actor);
  return account ? `${shortActor(actor)} · ${account[1]}` : actor;
}

function titleOf(alert) {
  return alert.title || alert.rule_title;
}

function valueOf(facet, alert) {
  return facet.of(alert) || NONE;
}

function isAsked(facet, value) {
  return asked.values.get(facet.name)?.has(value) ?? false;
}

function toggle(facet, value) {
  const values = asked.values.get(facet.name) || new Set();
  if (!values.delete(value)) values.add(value);
  if (values.size) asked.values.set(facet.name, values);
  else asked.values.delete(facet.name);
}

function forgetAll() {
  asked.values.clear();
  asked.from = asked.to = null;
  asked.text = "";
}

function searched(alert) {
  if (alert.words === undefined) {
    alert.words = [alert.record, alert.title, alert.rule_title, alert.rule_id, alert.object, alert.alert_id, alert.account]
      .filter(Boolean).join("\n").toLowerCase();
  }
  return alert.words;
}

// What is asked for but for one facet, of which then every value can be shown with what it would give.
function found(except) {
  const words = asked.text.toLowerCase().split(/\s+/).filter(Boolean);
  const facets = [SEVERITY, ...FACETS].filter((facet) => facet !== except && asked.values.has(facet.name));
  return ALERTS.filter((alert) =>
    facets.every((facet) => isAsked(facet, valueOf(facet, alert))) &&
    (asked.from === null || (alert.time !== null && alert.time >= asked.from && alert.time < asked.to)) &&
    words.every((word) => searched(alert).includes(word)));
}

function counted(facet) {
  const counts = new Map();
  for (const alert of found(facet)) {
    const value = valueOf(facet, alert);
    counts.set(value, (counts.get(value) || 0) + 1);
  }
  for (const value of asked.values.get(facet.name) || []) if (!counts.has(value)) counts.set(value, 0);
  const first = (value) => Number(isAsked(facet, value));
  return [...counts].sort((a, b) => first(b[0]) - first(a[0]) || b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}
