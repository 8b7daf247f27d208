// The page of the simulators: asks for their state every second, shows what is new, and takes orders.

const POLL_MS = 1000;
const PATIENCE_MS = 5000;
/** So many messages of an inbox are shown. */
const NEWEST = 5;

const PLATFORMS = {
  feishu: "Feishu 飞书",
  wecom: "WeCom 企业微信",
  wechat: "WeChat 微信",
  douyin: "Douyin 抖音",
  webhook: "Own system",
  douyin_censor: "Douyin's censor",
  toutiao_censor: "The older censor",
};
/** What is counted; what a good sender never causes is `wrong`. */
const COUNTED = [
  { field: "requests", name: "calls" },
  { field: "committed", name: "carried out" },
  { field: "duplicates_suppressed", name: "repeats recognised" },
  { field: "over_limit", name: "over a limit", wrong: true },
  { field: "calls_while_blocked", name: "while blocked", wrong: true },
  { field: "dropped_silently", name: "dropped in silence", wrong: true },
  { field: "tokens_issued", name: "tokens" },
  { field: "uploads", name: "uploads" },
];
/** The effects that take a number. */
const NUMBERS = {
  status: { name: "Status", field: "status", value: 503, min: 200, max: 599 },
  code: { name: "Code", field: "code", value: 45009 },
  delay: { name: "Milliseconds", field: "ms", value: 2000, min: 0 },
  large: { name: "Bytes", field: "bytes", value: 2000000, min: 0, max: 67108864 },
};

/** What each act of a person is about. */
const ACTS = {
  wechat_writes: ["app_id", "open_id"],
  wechat_refuses: ["app_id", "open_id"],
  wechat_allows: ["app_id", "open_id", "template_id"],
  feishu_stops_bot: ["receive_id"],
  wecom_adds: ["welcome_code"],
  douyin_writes: ["message_id"],
};

const $ = (selector, within = document) => within.querySelector(selector);
/** Text is only ever set as text: what recipients saw comes from anybody. */
const element = (tag, { text, ...properties } = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
};
/** Says it once: a region that is read aloud is not touched while it stays the same. */
const say = (where, text) => {
  if (where.textContent !== text) where.textContent = text;
};
const platform = (name) => PLATFORMS[name] ?? name.replaceAll("_", " ");
const at = (ms) => new Date(ms).toLocaleString("sv-SE", { timeZone: "Asia/Shanghai" });

/** What the simulators did not do, in words for a person. */
class Refused extends Error {}

const door = async (name, method, body) => {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const answer = await fetch(`/_simulator/${name}`, { method, body: body && JSON.stringify(body), signal })
    .catch(() => { throw new Refused("The simulators do not answer."); });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(told.error ?? `The simulators answer with status ${answer.status}.`);
  return told;
};

let run;
let shown = 0;
const inboxes = new Map();

const inbox = ({ platform: of, api, recipient }) => {
  const key = JSON.stringify([of, api, recipient]);
  if (!inboxes.has(key)) {
    const count = element("small");
    const heading = element("h3", { text: `${platform(of)} · ${api} · ${recipient} ` }, count);
    const messages = element("div");
    $("#inboxes").append(element("section", { className: "inbox" }, heading, messages));
    inboxes.set(key, { count, messages, total: 0 });
  }
  return inboxes.get(key);
};
const showSeen = (from, seen) => {
  // An answer to a question from before all was forgotten.
  if (from > shown) return;
  // Two answers may hold the same new messages.
  for (const message of seen.slice(shown - from)) {
    const into = inbox(message);
    const moment = element("time", { text: at(message.at_ms), dateTime: new Date(message.at_ms).toISOString() });
    // The platforms are Chinese: without this, Han characters take the reader's own shapes.
    const text = element("p", { text: message.text, lang: "zh-CN" });
    into.messages.prepend(element("article", { className: "message" }, moment, text));
    while (into.messages.children.length > NEWEST) into.messages.lastElementChild.remove();
    into.total += 1;
    into.count.textContent = into.total > NEWEST ? `(newest ${NEWEST} of ${into.total})` : `(${into.total})`;
  }
  shown = Math.max(shown, from + seen.length);
  $("#nobody").hidden = shown > 0;
};
const forget = () => {
  shown = 0;
  inboxes.clear();
  $("#inboxes").replaceChildren();
};

const fault = ({ platform: of, place, effect, times }) => {
  const calls = $(`[name=place] [value="${place}"]`).text;
  const what = $(`[name=effect] [value="${effect.kind}"]`).text;
  const number = NUMBERS[effect.kind] ? ` ${effect[NUMBERS[effect.kind].field]}` : "";
  const often = "next" in times ? `× ${times.next}` : `${times.ratio * 100} % of the calls`;
  return element("li", { text: `${platform(of)}, ${calls}: ${what}${number}, ${often}` });
};
const row = ([name, counted]) => {
  const cells = COUNTED.map(({ field, wrong }) => {
    const bad = wrong && counted[field] > 0;
    return element("td", { text: counted[field], className: bad ? "number bad" : "number" });
  });
  const heading = element("th", { text: platform(name), scope: "row" });
  return element("tr", { className: counted.requests ? "" : "idle" }, heading, ...cells);
};
const inOrder = (counters) => {
  const names = Object.keys(PLATFORMS);
  return Object.entries(counters).toSorted(([one], [other]) => names.indexOf(one) - names.indexOf(other));
};

const drawn = {};
/** Redraws only what changed, so that what a person has marked stays marked. */
const redraw = (part, value, draw) => {
  const text = JSON.stringify(value);
  if (drawn[part] === text) return;
  drawn[part] = text;
  draw();
};
const draw = (state) => {
  $("#clock").textContent = at(state.clock_ms);
  showSeen(state.seen_from, state.seen);
  redraw("platforms", Object.keys(state.counters), () => {
    const options = inOrder(state.counters).map(([name]) => element("option", { value: name, text: platform(name) }));
    $("[name=platform]").replaceChildren(...options);
  });
  redraw("faults", state.faults, () => {
    const none = element("li", { text: "Nothing is ordered.", className: "none" });
    $("#faults").replaceChildren(...(state.faults.length ? state.faults.map(fault) : [none]));
  });
  redraw("counters", state.counters, () => $("#counters").replaceChildren(...inOrder(state.counters).map(row)));
};

let asked = 0;
let answered = 0;
const look = async () => {
  const turn = ++asked;
  const state = await door(`state?seen_from=${shown}`, "GET");
  // A later question may have been answered before.
  if (turn < answered) return;
  answered = turn;
  const others = run !== state.started_ms;
  run = state.started_ms;
  // Others that were started at the same address know nothing of what is shown.
  if (others && shown > 0) {
    forget();
    await look();
  } else {
    draw(state);
  }
};
const watch = async () => {
  try {
    await look();
    say($("#connection"), "");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say($("#connection"), `${error.message} What is shown may be old; asking again every second.`);
  } finally {
    $("main").classList.toggle("old", $("#connection").textContent !== "");
    setTimeout(watch, POLL_MS);
  }
};

/** Does what a person asked for; what stands in its way is told at the form, until the next try. */
const act = async (form, ...order) => {
  const trouble = $("[role=alert]", form);
  const done = $("[role=status]", form);
  trouble.textContent = "";
  if (done) done.textContent = "";
  try {
    await door(...order);
    await look();
    if (done) done.textContent = "Done.";
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    trouble.textContent = error.message;
  }
};
$("#time").addEventListener("submit", (event) => {
  event.preventDefault();
  act(event.target, "clock", "POST", { advance_ms: Number(event.submitter.value) });
});
$("#fault").addEventListener("submit", (event) => {
  event.preventDefault();
  const { platform, place, effect: kind, number, times } = Object.fromEntries(new FormData(event.target));
  const value = NUMBERS[kind] ? { [NUMBERS[kind].field]: Number(number) } : {};
  act(event.target, "faults", "POST", { platform, place, effect: { kind, ...value }, times: { next: Number(times) } });
});
$("#person").addEventListener("submit", (event) => {
  event.preventDefault();
  act(event.target, "people", "POST", Object.fromEntries(new FormData(event.target)));
});
$("#calm").addEventListener("click", () => act($("#fault"), "faults", "DELETE"));

/** A field that is not asked for is not there, and not sent. */
const offer = (input, asked) => {
  input.parentElement.hidden = !asked;
  input.disabled = !asked;
};
const offerNumber = () => {
  const input = $("[name=number]");
  const number = NUMBERS[$("[name=effect]").value];
  offer(input, Boolean(number));
  if (!number) return;
  $("span", input.parentElement).textContent = number.name;
  Object.assign(input, { value: number.value, min: number.min ?? "", max: number.max ?? "" });
};
$("[name=effect]").addEventListener("change", offerNumber);
const offerPeople = () => {
  const form = $("#person");
  $("[role=status]", form).textContent = "";
  for (const input of form.querySelectorAll("input")) offer(input, ACTS[form.does.value].includes(input.name));
};
$("[name=does]").addEventListener("change", offerPeople);

offerNumber();
offerPeople();
$("#head").append(element("td"), ...COUNTED.map(({ name }) => element("th", { text: name, scope: "col", className: "number" })));
watch();
