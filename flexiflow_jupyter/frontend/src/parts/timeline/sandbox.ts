/** The what-if: a copy of the component at a step, in a well beside the live one. */
import { html, setAttribute, setText } from "../../dom";
import { formatCount } from "../../format";
import { parseFreeForm } from "../../freeForm";
import { icon } from "../../icons";
import { orderButtons } from "../../order";
import type { MessageInfo, SandboxInfo, TraitName, Traits } from "../../protocol";
import { stateNames } from "../../timeline/words";
import type { ViewContext } from "../../view";
import { arrange } from "../arrange";

/** Tries shown; older ones are counted. */
const MOST_TRIES = 12;

export class Sandbox {
  readonly el = html("section", {
    class: "ff-sandbox",
    role: "group",
    "aria-label": "What if",
    "data-sandbox": "",
    hidden: true,
  });
  readonly #context: ViewContext;
  readonly #state = html("span", { class: "ff-chips" });
  readonly #from = html("span", { class: "ff-fact" });
  readonly #buttons = html("span", { class: "ff-buttons" });
  readonly #byType = new Map<string, HTMLButtonElement>();
  readonly #text: HTMLInputElement;
  readonly #time: HTMLElement;
  readonly #delay: HTMLInputElement;
  readonly #values = html("div", { class: "ff-sand-values" });
  readonly #trail = html("ol", { class: "ff-tried" });
  readonly #problem = html("p", { class: "ff-sand-problem", hidden: true });
  readonly #controls: (HTMLInputElement | HTMLButtonElement)[];
  #isOpen = false;

  constructor(context: ViewContext) {
    this.#context = context;
    this.#text = field("type or type {json}", "Message to try");
    this.#delay = field("5s", "How far time goes on in the sandbox");
    this.#delay.classList.add("ff-sand-delay");
    const advance = button("clock", "Advance time", "what-if-advance", () => this.#advance());
    this.#time = html("span", { class: "ff-sand-time" }, this.#delay, advance);
    const send = button("next", "Try", "what-if-send", () => this.#send());
    const onEnter = (input: HTMLInputElement, run: () => void): void => {
      input.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        run();
      });
    };
    onEnter(this.#text, () => this.#send());
    onEnter(this.#delay, () => this.#advance());
    const free = html("span", { class: "ff-free" }, this.#text, send);
    const line = html("div", { class: "ff-line-up" }, this.#buttons, free, this.#time);
    const close = html(
      "button",
      { type: "button", class: "ff-ib", "aria-label": "Close the sandbox", title: "Close the sandbox" },
      icon("cross"),
    );
    close.dataset["action"] = "what-if-close";
    close.addEventListener("click", () => context.session.do("what-if-close"));
    this.#controls = [this.#text, this.#delay, advance, send, close];
    this.el.append(
      html("div", { class: "ff-sand-row" }, label("Sandbox"), this.#state, this.#from, close),
      html("div", { class: "ff-sand-row" }, label("Try"), line),
      this.#problem,
      html("div", { class: "ff-sand-row" }, label("Result"), this.#trail),
      html("div", { class: "ff-sand-row" }, label("Context"), this.#values),
    );
  }

  update(traits: Traits, changed: ReadonlySet<TraitName>): void {
    if (!changed.has("sandbox") && !changed.has("closed") && !changed.has("graph")) return;
    const { sandbox } = traits;
    const isOpen = sandbox.at >= 0;
    const wasOpen = this.#isOpen;
    const hadFocus = this.el.contains(document.activeElement);
    this.#isOpen = isOpen;
    setAttribute(this.el, "hidden", !isOpen);
    if (!isOpen) {
      if (wasOpen && hadFocus) this.#leave();
      return;
    }
    this.#fill(traits, sandbox);
    if (!wasOpen) this.#enter();
    else if (changed.has("sandbox")) this.#tell(traits, sandbox);
  }

  /** Whoever opened it goes on in it; a page that is loaded keeps its focus. */
  #enter(): void {
    if (this.el.parentElement?.contains(document.activeElement)) {
      this.#text.focus({ preventScroll: true });
    }
  }

  /** The sandbox goes while the focus is in it: put it on the button that opens one. */
  #leave(): void {
    const opener = this.el.parentElement?.querySelector<HTMLElement>('[data-action="what-if"]');
    opener?.focus({ preventScroll: true });
  }

  #fill(traits: Traits, sandbox: SandboxInfo): void {
    const { trail, context, messages, notice, timers } = sandbox;
    const names = sandbox.active.map((path) => stateNames(traits, [path]));
    this.#state.replaceChildren(...names.map((name) => html("span", { class: "ff-chip ff-chip-sand", dir: "auto" }, name)));
    setText(this.#from, `starts from step ${formatCount(sandbox.at)}, touches nothing`);
    this.#fillButtons(messages, traits.closed);
    setAttribute(this.#time, "hidden", !timers);
    for (const control of this.#controls) control.disabled = traits.closed !== "";
    this.#fillTrail(trail);
    const values = context.map(({ key, value, previous, changed }) =>
      html(
        "span",
        { class: "ff-sand-value", title: changed && previous !== null ? `${key}: ${previous} before` : null },
        html("span", { class: "ff-sand-key", dir: "auto" }, key),
        " ",
        changed ? html("ins", { class: "ff-new" }, value) : html("code", {}, value),
      ),
    );
    this.#values.replaceChildren(...(values.length > 0 ? values : ["No context declared."]));
    setText(this.#problem, notice ? [notice.what, notice.why, notice.fix].filter(Boolean).join(" ") : "");
    this.#problem.hidden = notice === null;
    setAttribute(this.#problem, "role", notice ? "alert" : null);
  }

  #fillButtons(messages: readonly MessageInfo[], closed: string): void {
    const types = new Set(messages.map((message) => message.type));
    for (const type of this.#byType.keys()) if (!types.has(type)) this.#byType.delete(type);
    const { row } = orderButtons(messages);
    const nodes = row.map((message) => {
      const node = this.#byType.get(message.type) ?? this.#tryButton(message.type);
      const isEnabled = message.enabled && closed === "";
      setAttribute(node, "aria-disabled", isEnabled ? null : "true");
      setAttribute(node, "title", isEnabled ? null : closed || message.reason || "Not now.");
      return node;
    });
    arrange(this.#buttons, nodes);
  }

  #tryButton(type: string): HTMLButtonElement {
    const node = html("button", { type: "button", class: "ff-b", "data-try": type, dir: "auto" }, type);
    node.addEventListener("click", () => {
      if (!node.hasAttribute("aria-disabled")) this.#try(type);
    });
    this.#byType.set(type, node);
    return node;
  }

  #fillTrail(trail: SandboxInfo["trail"]): void {
    const shown = trail.slice(-MOST_TRIES);
    const more = trail.length - shown.length;
    const items = shown.map(({ message, state, note }) =>
      html(
        "li",
        {},
        html("code", {}, message),
        icon("send"),
        html("span", { class: "ff-chip", dir: "auto" }, state),
        note ? html("span", { class: "ff-fact" }, note) : null,
      ),
    );
    if (more > 0) items.unshift(html("li", {}, html("span", { class: "ff-fact" }, `${more} before`)));
    if (items.length === 0) items.push(html("li", {}, html("span", { class: "ff-fact" }, "Nothing tried yet.")));
    this.#trail.replaceChildren(...items);
  }

  #tell(traits: Traits, { active, trail, notice }: SandboxInfo): void {
    const last = trail.at(-1);
    if (notice || !last) return;
    this.#context.announce(`Sandbox: ${last.message}, now in ${stateNames(traits, active)}`);
  }

  #send(): void {
    const text = this.#text.value.trim();
    const result = parseFreeForm(text);
    if (!result.ok) {
      this.#say(`${result.what} ${result.fix}`);
      this.#text.focus();
      return;
    }
    this.#text.value = "";
    this.#try(text);
  }

  #try(text: string): void {
    this.#say("");
    this.#context.session.do("what-if-send", { value: text });
  }

  #advance(): void {
    const value = this.#delay.value.trim() || "5s";
    this.#context.session.do("what-if-advance", { value });
  }

  #say(text: string): void {
    setText(this.#problem, text);
    this.#problem.hidden = text === "";
    setAttribute(this.#problem, "role", text ? "alert" : null);
  }
}

function label(text: string): HTMLElement {
  return html("span", { class: "ff-label" }, text);
}

function field(placeholder: string, name: string): HTMLInputElement {
  return html("input", {
    type: "text",
    class: "ff-in",
    placeholder,
    "aria-label": name,
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
  });
}

function button(
  name: "clock" | "next",
  text: string,
  action: string,
  onPress: () => void,
): HTMLButtonElement {
  const node = html("button", { type: "button", class: "ff-b", "data-action": action }, icon(name), text);
  node.addEventListener("click", onPress);
  return node;
}
