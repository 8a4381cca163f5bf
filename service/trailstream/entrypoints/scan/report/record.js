// One alert, opened: what its rule says, what happened, and the whole record as its own text.

const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

const FACT_NAMES = {
  event_time: "Time", account: "Account", region: "Region", actor: "Actor", source_ip: "Source address",
  event_source: "Service", event_name: "Event", error_code: "Error", event_id: "Event id",
  shared_event_id: "Shared event id", alert_id: "Alert id", record_id: "Record id", rule_id: "Rule id",
};
const TOLD_ELSEWHERE = new Set([
  "title", "rule_title", "severity", "object", "record_index", "record", "record_bytes", "about", "language", "description",
  "tags", "references", "event", "time", "rank", "words",
]);

function opened(alert) {
  return el("div", { class: "opened" }, ruleAndFacts(alert), record(alert));
}

function ruleAndFacts(alert) {
  const facts = Object.keys(FACT_NAMES).filter((name) => alert[name]);
  const others = Object.keys(alert).filter((name) => !TOLD_ELSEWHERE.has(name) && !(name in FACT_NAMES));
  return el("div", {},
    el("h3", {}, titleOf(alert)),
    alert.description ? el("p", {}, alert.description) : null,
    el("div", {}, alert.tags.map((tag) => el("span", { class: "tag" }, tag))),
    alert.references.map((reference) => el("div", {}, linked(reference))),
    el("dl", {},
      [...facts, ...others].flatMap((name) => [
        el("dt", {}, FACT_NAMES[name] || named(name)),
        el("dd", { class: /_id$/.test(name) ? "code" : null }, written(alert[name])),
      ]),
      el("dt", {}, "Rule language"), el("dd", {}, alert.language)));
}

function named(field) {
  return (field[0].toUpperCase() + field.slice(1)).replaceAll("_", " ");
}

function written(value) {
  return typeof value === "object" ? el("pre", {}, pretty(JSON.stringify(value))) : value;
}

function linked(text) {
  if (!/^https?:\/\/[^\s]+$/.test(text)) return text;
  return el("a", { href: text, target: "_blank", rel: "noopener noreferrer" }, text);
}

function record(alert) {
  const box = el("div", {});
  const heading = el("h2", {}, alert.object ? `Record ${alert.record_index}` : "Record");
  const actions = el("div", { class: "actions" }, heading);
  if (alert.record !== undefined) {
    const copied = button("copy record", { class: "link" }, () => copy(alert.record, copied));
    actions.append(copied);
  }
  const linkHere = button("copy link", { class: "link" }, () => copy(`${location.href.split("#")[0]}#${alert.alert_id}`, linkHere));
  put(box, put(actions, linkHere), alert.object ? objectLine(alert) : null);
  if (alert.record === undefined) {
    const told = alert.record_bytes ? `Its ${number(alert.record_bytes)} bytes are too many for this page: read them in the object.` : "None.";
    return put(box, el("p", {}, told));
  }
  return put(box, el("pre", { tabindex: 0, "aria-label": "The record as JSON" }, pretty(alert.record)));
}

function objectLine(alert) {
  const place = /^s3:\/\/([^/]+)\/(.+)$/s.exec(alert.object);
  const copied = button("copy name", { class: "link" }, () => copy(alert.object, copied));
  const console_ = place
    ? el("a", { href: consoleAddress(place[1], place[2], alert.region), target: "_blank", rel: "noopener noreferrer" }, "in the S3 console")
    : null;
  return el("p", { class: "object" }, alert.object, " ", copied, " ", console_);
}

function consoleAddress(bucket, key, region) {
  const hosts = { cn: "console.amazonaws.cn", us_gov: "console.amazonaws-us-gov.com" };
  const partition = /^cn-/.test(region) ? "cn" : /^us-gov-/.test(region) ? "us_gov" : null;
  return `https://${hosts[partition] || "console.aws.amazon.com"}/s3/object/${encodeURIComponent(bucket)}?prefix=${encodeURIComponent(key)}`;
}

// Laid out from its own text, token by token: parsed and written again, a long number would be another one.
function pretty(json) {
  const out = document.createDocumentFragment();
  const tokens = json.match(TOKENS) || [];
  let depth = 0;
  const line = () => out.append("\n" + "  ".repeat(depth));
  tokens.forEach((token, i) => {
    const empty = (token === "{" && tokens[i + 1] === "}") || (token === "[" && tokens[i + 1] === "]");
    const closesEmpty = (token === "}" && tokens[i - 1] === "{") || (token === "]" && tokens[i - 1] === "[");
    if (token === "{" || token === "[") {
      out.append(token);
      depth += 1;
      if (!empty) line();
    } else if (token === "}" || token === "]") {
      depth -= 1;
      if (!closesEmpty) line();
      out.append(token);
    } else if (token === ",") {
      out.append(token);
      line();
    } else if (token === ":") {
      out.append(": ");
    } else {
      out.append(scalar(token, tokens[i + 1] === ":"));
    }
  });
  return out;
}

function scalar(token, isKey) {
  const kind = token[0] !== '"' ? (/^[-\d]/.test(token) ? "n" : "l") : isKey ? "k" : "s";
  const span = el("span", { class: kind });
  // What is split at stands at every second place of what a split gives.
  const parts = token.split(/(\\u[0-9a-f]{4}|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}])/iu);
  return put(span, parts.map((part, i) => i % 2 ? el("span", { class: "escaped" }, part) : part));
}
