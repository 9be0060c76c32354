/// The part of the page that shows what happened, or the result of a transaction.

import type { Leaf, Quantity } from "../verifier/block.js";
import { hex } from "../verifier/bytes.js";
import { chinaTime, utcTime } from "../verifier/instants.js";
import { decode, type ValueMap } from "../verifier/messagepack.js";
import { LINES, type Genesis, type Language, type Report } from "../verifier/index.js";
import { element, type Child } from "./dom.js";
import { EVENTS_AT_ONCE, type PageState, type Verdict } from "./state.js";
import { entityName, happenings, particulars, phrase, signersOf, type Happening } from "./telling.js";
import { say } from "./words.js";

/** Shows the content of a bundle, as far as its verdict allows. */
export function contentView(state: PageState, verdict: Verdict, redraw: () => void): HTMLElement | undefined {
  const { language } = state;
  const { report, genesis } = verdict;
  if (report.bundle === undefined) return undefined;
  if (report.lines.integrity.state !== "clean") {
    return section(language, element("p", { class: "withheld" }, say("hidden", language)));
  }
  const isSure = LINES.every((name) => report.lines[name].state === "clean");
  const warning = isSure ? undefined : element("p", { class: "unsure" }, say("unsure", language));
  const shown = [...records(report, genesis, language), ...receipt(report, genesis, language)];
  if (report.logs.size > 0) shown.push(...log(state, verdict, redraw));
  if (shown.length === 0) shown.push(element("p", { class: "quiet" }, say("nothing", language)));
  return section(language, warning, ...shown);
}

function section(language: Language, ...children: readonly Child[]): HTMLElement {
  const title = element("h2", { id: "happened" }, say("timeline", language));
  return element("section", { class: "content", "aria-labelledby": "happened" }, title, ...children);
}

function pairs(entries: readonly (readonly [string, string])[]): HTMLElement {
  const rows = entries.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
  return element("dl", { class: "pairs" }, ...rows);
}

/** The record of each entity that is shown without its log, or as it stood at a past height. */
function records(report: Report, genesis: Genesis, language: Language): HTMLElement[] {
  const claim = report.bundle?.claim;
  return (report.bundle?.entities ?? []).flatMap((one) => {
    const isPast = one.form === "ranged" && one.then !== undefined && claim?.kind === "as-of";
    if (one.form !== "outlined" && !isPast) return [];
    const data = one.form === "ranged" ? (one.then ?? one.record) : one.record;
    const record = readable(data);
    const rows = record === undefined ? [["bytes", hex(data)] as const] : particulars(record, genesis);
    const words = isPast ? say("recordThen", language, { height: claim.height }) : say("record", language);
    const title = `${words} · ${entityName(one.path.text, genesis, language)}`;
    return [element("article", { class: "card" }, element("h3", {}, title), pairs(rows))];
  });
}

function readable(record: Uint8Array): ValueMap | undefined {
  try {
    const value = decode(record, "record");
    return value instanceof Map ? value : undefined;
  } catch {
    return undefined; // a contract may write what it likes; then its bytes are shown
  }
}

function receipt({ result }: Report, genesis: Genesis, language: Language): HTMLElement[] {
  if (result === undefined) return [];
  const isAccepted = result.code === "accepted";
  const outcome = isAccepted ? say("accepted", language) : say("refusedWith", language, { code: result.code });
  const events = result.events.map(({ kind, inputs, outputs, on, body }) =>
    element(
      "li",
      { class: "event" },
      element("p", { class: "phrase" }, phrase(kind, body, genesis, language)),
      flow(inputs, outputs, on.map(({ text }) => text), genesis, language),
      pairs(particulars(body, genesis)),
    ),
  );
  const card = element(
    "article",
    { class: "card" },
    element("h3", {}, say("outcome", language, { outcome })),
    isAccepted ? undefined : pairs(particulars(result.parameters, genesis)),
  );
  return events.length === 0 ? [card] : [card, element("ol", { class: "timeline" }, ...events)];
}

function log(state: PageState, { report, genesis }: Verdict, redraw: () => void): HTMLElement[] {
  const { language } = state;
  const all = happenings(report);
  const chosen = all.filter(({ entities }) => state.entity === "" || entities.includes(state.entity));
  const visible = chosen.slice(0, state.shownEvents);
  const items = visible.map((one) => happeningView(one, genesis, language));
  const left = chosen.length - visible.length;
  const more = (): void => {
    state.shownEvents += EVENTS_AT_ONCE * 4;
    redraw();
  };
  const parts = [
    element("p", { class: "quiet" }, say("timelineHint", language)),
    filter(state, report, genesis, all.length, redraw),
    element("ol", { class: "timeline" }, ...items),
  ];
  if (left > 0) {
    const count = Math.min(left, EVENTS_AT_ONCE * 4);
    const words = say("more", language, { count });
    parts.push(element("button", { type: "button", class: "plain", click: more }, words));
  }
  return parts;
}

function filter(
  state: PageState,
  report: Report,
  genesis: Genesis,
  count: number,
  redraw: () => void,
): HTMLElement {
  const { language } = state;
  const option = (value: string, text: string, events: number): HTMLElement => {
    const label = `${text} · ${say("events", language, { count: events })}`;
    return element("option", { value, selected: value === state.entity }, label);
  };
  const choices = [...report.logs].map(([text, leaves]) =>
    option(text, entityName(text, genesis, language), leaves.length),
  );
  const choose = (event: Event): void => {
    state.entity = (event.target as HTMLSelectElement).value;
    state.shownEvents = EVENTS_AT_ONCE;
    redraw();
  };
  const everything = option("", say("all", language), count);
  const select = element("select", { id: "filter", change: choose }, everything, ...choices);
  return element("p", { class: "filter" }, element("label", { for: "filter" }, say("filter", language)), select);
}

function happeningView(happening: Happening, genesis: Genesis, language: Language): HTMLElement {
  const { leaf, entities, isCorrected, isHandled } = happening;
  const words = phrase(leaf.kind, leaf.body, genesis, language);
  const moved = new Set([...leaf.inputs, ...leaf.outputs].map(({ path }) => path.text));
  const text = element("p", { class: "phrase" }, isCorrected ? element("s", {}, words) : words);
  if (isCorrected) text.append(element("span", { class: "tag" }, say("corrected", language)));
  if (isHandled) text.append(element("span", { class: "tag handled" }, say("handled", language)));
  const time = element("time", { datetime: isoTime(leaf.time) }, chinaTime(Math.floor(leaf.time / 1000)));
  return element(
    "li",
    { class: isCorrected ? "event corrected" : "event" },
    time,
    text,
    flow(leaf.inputs, leaf.outputs, entities.filter((one) => !moved.has(one)), genesis, language),
    details(leaf, genesis, language),
  );
}

function isoTime(milliseconds: number): string {
  return utcTime(Math.floor(milliseconds / 1000));
}

/** Who signed; behind it, everything else that the event says, unabridged. */
function details(leaf: Leaf, genesis: Genesis, language: Language): HTMLElement {
  const names = signersOf(leaf.body, genesis).join(language === "zh" ? "、" : ", ");
  const listed = (side: readonly Quantity[]): string =>
    side.map(({ path, quantity }) => `${path.text} ${quantity.toLocaleString("en-US")}`).join(", ");
  const rows: (readonly [string, string])[] = [...particulars(leaf.body, genesis)];
  if (leaf.inputs.length > 0) rows.push([say("inputs", language), listed(leaf.inputs)]);
  if (leaf.outputs.length > 0) rows.push([say("outputs", language), listed(leaf.outputs)]);
  rows.push(
    [say("place", language), say("placeOf", language, { height: leaf.height, index: leaf.position[1] })],
    [say("contract", language), `${leaf.contract} v${leaf.contractVersion} · ${leaf.kind}`],
    [say("transaction", language), hex(leaf.transaction)],
  );
  const signed = names === "" ? undefined : element("span", { class: "signed" }, say("signed", language, { names }));
  return element("details", {}, element("summary", {}, signed, say("details", language)), pairs(rows));
}

/** What went in, what came out, and what else it concerns. */
function flow(
  inputs: readonly Quantity[],
  outputs: readonly Quantity[],
  others: readonly string[],
  genesis: Genesis,
  language: Language,
): HTMLElement | undefined {
  const chip = (text: string, quantity?: number): HTMLElement =>
    element(
      "span",
      { class: "chip", title: text },
      entityName(text, genesis, language),
      quantity === undefined ? undefined : element("b", {}, quantity.toLocaleString("en-US")),
    );
  const parts: HTMLElement[] = inputs.map(({ path, quantity }) => chip(path.text, quantity));
  if (outputs.length > 0) {
    const arrow = element("span", { class: "arrow", role: "img", "aria-label": say("to", language) }, "→");
    parts.push(inputs.length > 0 ? arrow : element("span", { class: "concerns" }, say("creates", language)));
    parts.push(...outputs.map(({ path, quantity }) => chip(path.text, quantity)));
  }
  if (others.length > 0) {
    parts.push(element("span", { class: "concerns" }, say("concerns", language)));
    parts.push(...others.map((text) => chip(text)));
  }
  return parts.length === 0 ? undefined : element("div", { class: "flow" }, ...parts);
}
