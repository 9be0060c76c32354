/// The page: opens files, verifies them, shows the verdict. It sends nothing and fetches nothing.

import {
  bestEngine,
  Malformed,
  readGenesis,
  readPolicy,
  verifyBundle,
  type Asked,
  type Genesis,
  type Language,
  type Policy,
} from "../verifier/index.js";
import { element } from "./dom.js";
import { EVENTS_AT_ONCE, initialState, SLOTS, slotOf, type Opened, type Slot, type Verdict } from "./state.js";
import { contentView } from "./timeline.js";
import { verdictView } from "./verdict_view.js";
import { say } from "./words.js";

const FILE_SIZE_MAX = 64 * 1024 * 1024;
const state = initialState(firstLanguage());
const root = document.getElementById("page") ?? document.body;
let turns = 0;

/** Chinese is the first language; English for a browser that asks for it and never for Chinese. */
function firstLanguage(): Language {
  const asksForChinese = navigator.languages.some((name) => name.startsWith("zh"));
  return navigator.language.startsWith("en") && !asksForChinese ? "en" : "zh";
}

async function open(files: Iterable<File>, slot?: Slot): Promise<void> {
  state.problem = undefined;
  for (const file of files) {
    if (file.size > FILE_SIZE_MAX) {
      state.problem = say("unreadable", state.language, { name: file.name, reason: "> 64 MiB" });
      continue;
    }
    const data = new Uint8Array(await file.arrayBuffer());
    state.files.set(slot ?? slotOf(data), { name: file.name, data });
  }
  await verify();
}

async function verify(): Promise<void> {
  turns += 1;
  const turn = turns;
  state.verdict = undefined;
  const [bundle, genesis] = [state.files.get("bundle"), state.files.get("genesis")];
  if (bundle !== undefined && genesis !== undefined) {
    state.isWorking = true;
    draw();
    await new Promise((painted) => setTimeout(painted));
    const verdict = await judge(bundle, genesis);
    if (turn !== turns) return; // other files were opened meanwhile
    state.verdict = verdict;
    state.isWorking = false;
  }
  draw();
  if (state.verdict !== undefined) document.getElementById("asked")?.focus({ preventScroll: false });
}

async function judge(bundle: Opened, genesisFile: Opened): Promise<Verdict | undefined> {
  let genesis: Genesis;
  try {
    genesis = readGenesis(genesisFile.data);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    state.problem = say("unreadable", state.language, { name: genesisFile.name, reason: error.message });
    return undefined;
  }
  const policy = policyOf();
  if (policy === "unreadable") return undefined;
  const engine = await bestEngine();
  const start = performance.now();
  const report = await verifyBundle(bundle.data, genesis, { ...asked(), ...(policy === undefined ? {} : { policy }), engine });
  state.entity = "";
  state.shownEvents = EVENTS_AT_ONCE;
  return { report, genesis, milliseconds: performance.now() - start, engine: engine.name };
}

/** The witness policy that was opened, if any; whether it can be read is said at once. */
function policyOf(): Policy | "unreadable" | undefined {
  const file = state.files.get("policy");
  if (file === undefined) return undefined;
  try {
    return readPolicy(new TextDecoder("utf-8", { ignoreBOM: true }).decode(file.data));
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    state.problem = say("unreadable", state.language, { name: file.name, reason: error.message });
    return "unreadable";
  }
}

function asked(): Asked {
  const pin = state.files.get("pin");
  const hours = Number(state.hours);
  return {
    nowS: Math.floor(Date.now() / 1000),
    ...(state.about === "" ? {} : { about: state.about }),
    ...(state.hours === "" || !(hours >= 0) ? {} : { maxAgeS: Math.floor(hours * 3600) }),
    ...(pin === undefined ? {} : { pin: new TextDecoder("utf-8", { ignoreBOM: true }).decode(pin.data) }),
  };
}

function draw(): void {
  const { language, verdict } = state;
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = `${say("brand", language)} · ${say("title", language)}`;
  const result = element("div", { id: "result", "aria-live": "polite", "aria-busy": String(state.isWorking) });
  if (state.problem !== undefined) result.append(element("p", { class: "problem", role: "alert" }, state.problem));
  if (state.isWorking) result.append(element("p", { class: "quiet" }, say("working", language)));
  if (verdict !== undefined) {
    result.append(verdictView(verdict, language));
    const content = contentView(state, verdict, draw);
    if (content !== undefined) result.append(content);
  }
  const main = element("main", {}, lead(language), inputs(language), result);
  root.replaceChildren(header(language), main, footer(language));
}

function header(language: Language): HTMLElement {
  const toggle = (): void => {
    state.language = language === "zh" ? "en" : "zh";
    draw();
    document.getElementById("language")?.focus();
  };
  return element(
    "header",
    {},
    element("p", { class: "brand" }, say("brand", language)),
    element("h1", {}, say("title", language)),
    element(
      "button",
      {
        id: "language",
        type: "button",
        class: "plain",
        lang: language === "zh" ? "en" : "zh-CN",
        "aria-label": say("otherLabel", language),
        click: toggle,
      },
      say("other", language),
    ),
  );
}

function lead(language: Language): HTMLElement {
  return element(
    "div",
    { class: "lead" },
    element("p", {}, say("lead", language)),
    element("p", { class: "offline" }, say("offline", language)),
  );
}

function inputs(language: Language): HTMLElement {
  const slots = element("div", { class: "slots" }, ...SLOTS.slice(0, 2).map((slot) => slotView(slot, language)));
  const isFirst = state.files.size === 0;
  const isAsking = state.about !== "" || state.hours !== "" || state.files.has("pin") || state.files.has("policy");
  const more = element(
    "details",
    { class: "conditions", open: isAsking },
    element("summary", {}, say("conditions", language)),
    element(
      "div",
      { class: "slots" },
      slotView("pin", language),
      slotView("policy", language),
      element("div", { class: "fields" }, field("about", language), field("hours", language)),
    ),
  );
  const missing = state.files.has("bundle") ? "needGenesis" : "needBundle";
  const isHalf = state.files.has("bundle") !== state.files.has("genesis");
  return element(
    "section",
    { class: isFirst ? "inputs first" : "inputs", "aria-label": say("choose", language) },
    slots,
    element("p", { class: "quiet" }, isHalf ? say(missing, language) : say("drop", language)),
    more,
  );
}

function slotView(slot: Slot, language: Language): HTMLElement {
  const opened = state.files.get(slot);
  const chosen = (event: Event): void => {
    const { files } = event.target as HTMLInputElement;
    if (files !== null && files.length > 0) void open(files, slot);
  };
  const hints = { bundle: "bundleHint", genesis: "genesisHint", pin: "pinHint", policy: "policyHint" } as const;
  const described = { "aria-describedby": `hint-${slot}` };
  const input = element("input", { type: "file", id: `file-${slot}`, change: chosen, ...described });
  const remove = (): void => {
    state.files.delete(slot);
    void verify();
  };
  const card = element(
    "div",
    { class: opened === undefined ? "slot" : "slot filled" },
    element("h2", {}, say(slot, language)),
    element("p", { class: "quiet", id: `hint-${slot}` }, opened?.name ?? say(hints[slot], language)),
    input,
    element(
      "label",
      { class: "button", for: `file-${slot}` },
      say(opened === undefined ? "choose" : "replace", language),
      element("span", { class: "unseen" }, ` ${say(slot, language)}`),
    ),
  );
  if (opened !== undefined && (slot === "pin" || slot === "policy")) {
    card.append(element("button", { type: "button", class: "plain", click: remove }, say("remove", language)));
  }
  return card;
}

function field(name: "about" | "hours", language: Language): HTMLElement {
  const changed = (event: Event): void => {
    state[name] = (event.target as HTMLInputElement).value.trim();
    void verify();
  };
  const kind = name === "hours" ? { type: "number", min: "0", step: "any" } : { type: "text", spellcheck: "false" };
  const input = element("input", { id: name, value: state[name], change: changed, ...kind });
  if (name === "about") input.placeholder = say("aboutHint", language);
  const label = say(name === "about" ? "about" : "age", language);
  return element("p", {}, element("label", { for: name }, label), input);
}

function footer(language: Language): HTMLElement {
  return element("footer", {}, element("p", {}, say("foot", language)));
}

function listenForDrops(): void {
  const mark = (isOver: boolean) => (event: DragEvent) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", isOver);
    document.body.dataset["drop"] = say("dropNow", state.language);
  };
  document.addEventListener("dragover", mark(true));
  document.addEventListener("dragleave", mark(false));
  document.addEventListener("drop", (event) => {
    mark(false)(event);
    if (event.dataTransfer !== null) void open([...event.dataTransfer.files]);
  });
}

listenForDrops();
draw();
