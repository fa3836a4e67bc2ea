/**
 * The card of an exercise. The first hint is open, those of the other checks that fail
 * wait to be asked for: one thing at a time. What the reader has opened stays open.
 */
import { html, setAttribute, setText } from "../dom";
import { paragraphsOf, piecesOf } from "../exerciseText";
import { icon } from "../icons";
import type { Scope } from "../scope";

export interface CardItem {
  name: string;
  passed: boolean;
  hint: string;
}

/** "waiting": nothing to check yet; "checking": the kernel is at it. */
export type CardState = "waiting" | "open" | "passed" | "checking";

/** The model of a card, as the host gives it. */
export interface CardModel {
  get(name: string): unknown;
  on(name: string, listener: () => void): void;
  off(name: string, listener: () => void): void;
  send(content: unknown): void;
}

const TRAITS = ["title", "text", "items", "state", "summary", "checks", "twin"];

/** How long the button says that the answer is the same as before. */
const SAME_MS = 1200;

/** The rule that hides the saved picture of a card, and the output around it. */
export function hidingOf(twin: unknown): string {
  if (typeof twin !== "string" || !/^[0-9a-f]+$/.test(twin)) return "";
  const picture = `[data-flexiflow-static="${twin}"]`;
  return `${picture}, .jp-OutputArea-child:has(${picture}) { display: none; }`;
}

/** Make the card; it follows the model until the scope closes. */
export function createExerciseCard(model: CardModel, scope: Scope): HTMLElement {
  const title = html("span", { class: "ff-name" });
  const check = html("button", { type: "button", class: "ff-b", "data-check": true }, "Check");
  const mark = html("span", { class: "ff-task-mark" });
  const head = html(
    "div",
    { class: "ff-head" },
    mark,
    html("span", { class: "ff-label" }, "Exercise"),
    title,
    check,
  );
  const task = html("div", { class: "ff-task-text" });
  const list = html("ul", { class: "ff-checks", "aria-label": "Checks" });
  const status = html("div", { class: "ff-task-end", role: "status" });
  const hiding = html("style", {});
  const card = html(
    "div",
    { class: "ff-frame ff-task", "data-flexiflow": "exercise", role: "region" },
    head,
    task,
    list,
    status,
    hiding,
  );
  const opened = new Set<string>();
  const later = scope.timer();
  let asked = false;

  scope.listen(check, "click", () => {
    asked = true;
    model.send({ v: 1, kind: "check" });
  });

  const answerToClick = (): void => {
    if (!asked || model.get("state") === "checking") return;
    asked = false;
    setText(check, "Checked");
    later(SAME_MS, () => setText(check, "Check"));
  };

  const draw = (): void => {
    const state = model.get("state") as CardState;
    setText(hiding, hidingOf(model.get("twin")));
    setText(title, String(model.get("title")));
    setAttribute(card, "aria-label", `Exercise: ${String(model.get("title"))}`);
    setAttribute(card, "data-state", state);
    setAttribute(check, "aria-busy", state === "checking" ? "true" : null);
    mark.replaceChildren(...markOf(state));
    task.replaceChildren(...paragraphsOf(String(model.get("text"))).map(paragraph));
    drawItems(list, model.get("items") as CardItem[], opened);
    setText(status, state === "checking" ? "Checking" : String(model.get("summary")));
  };

  let planned = false;
  const plan = (): void => {
    if (planned) return;
    planned = true;
    queueMicrotask(() => {
      planned = false;
      if (scope.closed) return;
      draw();
      answerToClick();
    });
  };
  for (const name of TRAITS) {
    model.on(`change:${name}`, plan);
    scope.add(() => model.off(`change:${name}`, plan));
  }
  draw();
  return card;
}

function markOf(state: CardState): Node[] {
  if (state === "passed") return [icon("check")];
  if (state === "checking") return [icon("spinner")];
  return [html("span", { class: "ff-task-ring" })];
}

function paragraph(text: string): HTMLElement {
  const pieces = piecesOf(text).map(({ text: words, isCode }) =>
    isCode ? html("code", {}, words) : words,
  );
  return html("p", {}, ...pieces);
}

function drawItems(list: HTMLElement, items: CardItem[], opened: Set<string>): void {
  const first = items.find((item) => !item.passed);
  for (const item of items) if (item.passed) opened.delete(item.name);
  list.hidden = items.length === 0;
  list.replaceChildren(...items.map((item) => row(item, item === first, opened)));
}

/** One check: its mark with a word for it, its name, and its hint when it fails. */
function row(item: CardItem, isFirst: boolean, opened: Set<string>): HTMLElement {
  const node = html(
    "li",
    { "data-passed": String(item.passed) },
    icon(item.passed ? "check" : "cross"),
    html("span", { class: "ff-said" }, item.passed ? "Right: " : "Not yet: "),
  );
  const name = html("span", { class: "ff-check-name" }, item.name);
  if (item.passed || !item.hint) {
    node.append(name);
    return node;
  }
  const details = html(
    "details",
    { open: isFirst || opened.has(item.name) },
    html("summary", {}, name),
    html("div", { class: "ff-hint" }, ...item.hint.split("\n").map(paragraph)),
  );
  details.addEventListener("toggle", () => {
    if (details.open && !isFirst) opened.add(item.name);
    else opened.delete(item.name);
  });
  node.append(details);
  return node;
}
