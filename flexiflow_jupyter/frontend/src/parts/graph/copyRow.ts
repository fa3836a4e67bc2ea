/**
 * Copying a graph: as SVG, PNG or Mermaid, to the clipboard or into a file. Where the
 * clipboard is closed to the page, what was to be copied is shown.
 */
import { copyText } from "../../clipboard";
import { html, setAttribute, setText } from "../../dom";
import type { IconName } from "../../icons";
import { icon } from "../../icons";
import type { Part, ViewContext } from "../../view";
import { layersOf } from "./layers";
import { pngOf, standaloneSvg } from "./standalone";

const DONE_MS = 2500;
/** A kernel that is at work answers late. */
const ANSWER_MS = 20_000;

export function createCopyRow(context: ViewContext): Part {
  return new CopyRow(context);
}

class CopyRow implements Part {
  readonly el = html("div", { class: "ff-copy", hidden: true });
  readonly #context: ViewContext;
  readonly #status = html("span", { class: "ff-fact", "data-copied": "" });
  readonly #shown = html("div", { class: "ff-shown", hidden: true });
  readonly #later: (delayMs: number, run: () => void) => void;
  readonly #waitLater: (delayMs: number, run: () => void) => void;
  #wanted: ((text: string) => void) | null = null;
  #name = "graph";
  #urls: string[] = [];

  constructor(context: ViewContext) {
    this.#context = context;
    this.#later = context.scope.timer();
    this.#waitLater = context.scope.timer();
    const layers = layersOf(context);
    const close = html(
      "button",
      { type: "button", class: "ff-ib", "aria-label": "Close", title: "Close" },
      icon("cross"),
    );
    close.addEventListener("click", () => {
      layers.copying.value = false;
    });
    const row = html(
      "div",
      { class: "ff-copy-row", role: "group", "aria-label": "Copy the graph" },
      html("span", { class: "ff-label" }, "Copy as"),
      this.#button("SVG", "svg", "copy", () => this.#copySvg()),
      this.#button("PNG", "png", "copy", () => this.#copyPng()),
      this.#button("Mermaid", "mermaid", "copy", () => this.#copyMermaid()),
      html("span", { class: "ff-label" }, "Save"),
      this.#button("SVG", "save-svg", "export", () => this.#saveSvg()),
      this.#button("PNG", "save-png", "export", () => this.#savePng()),
      this.#status,
      close,
    );
    this.el.append(row, this.#shown);
    const { scope, session } = context;
    scope.add(layers.copying.on((isOpen) => this.#open(isOpen)));
    scope.add(
      session.answers.on((answer) => {
        if (answer.kind !== "mermaid") return;
        this.#wanted?.(answer.text);
        this.#wanted = null;
      }),
    );
    scope.add(() => this.#forget());
    scope.listen(this.el, "keydown", (event: KeyboardEvent) => {
      if (event.key === "Escape") close.click();
    });
  }

  update(traits: { component: string }): void {
    this.#name = traits.component || "graph";
  }

  #button(text: string, what: string, name: IconName, act: () => Promise<void>): HTMLElement {
    const isFile = what.startsWith("save");
    const label = `${isFile ? "Save" : "Copy"} the graph as ${text}`;
    const attributes = { type: "button", class: "ff-b", "aria-label": label, "data-copy": what };
    const button = html("button", attributes, icon(name), text);
    button.addEventListener("click", () => {
      act().catch((error: unknown) => {
        this.#say(`${text} could not be made: ${error instanceof Error ? error.message : error}`);
      });
    });
    return button;
  }

  #open(isOpen: boolean): void {
    setAttribute(this.el, "hidden", !isOpen);
    this.#forget();
    setText(this.#status, "");
    if (isOpen) this.el.querySelector<HTMLElement>("[data-copy]")?.focus({ preventScroll: true });
  }

  /** Take away what was shown, and the addresses made for it. */
  #forget(): void {
    setAttribute(this.#shown, "hidden", true);
    this.#shown.replaceChildren();
    for (const url of this.#urls) URL.revokeObjectURL(url);
    this.#urls = [];
  }

  #svg(): string {
    const drawn = layersOf(this.#context).copy();
    if (!drawn) throw new Error("there is no picture yet");
    return standaloneSvg(drawn.world, drawn.size, drawn.ground);
  }

  async #copySvg(): Promise<void> {
    await this.#copyText(this.#svg(), "SVG");
  }

  async #copyMermaid(): Promise<void> {
    setText(this.#status, "asking the kernel");
    const text = await new Promise<string>((resolve, reject) => {
      this.#wanted = resolve;
      this.#waitLater(ANSWER_MS, () => reject(new Error("the kernel did not answer")));
      this.#context.session.post({ kind: "need", what: "mermaid" });
    });
    this.#waitLater(0, () => undefined);
    await this.#copyText(text, "Mermaid");
  }

  async #copyText(text: string, kind: string): Promise<void> {
    this.#forget();
    if (await copyText(text, this.el)) return this.#say(`${kind} copied`);
    const area = html("textarea", { class: "ff-in", readonly: true, rows: 6 });
    setAttribute(area, "aria-label", `${kind} of ${this.#name}`);
    area.value = text;
    this.#show(area, `The page may not use the clipboard: copy the ${kind} from here.`);
    area.select();
  }

  async #copyPng(): Promise<void> {
    this.#forget();
    const blob = await pngOf(this.#svg());
    try {
      await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
      return this.#say("PNG copied");
    } catch {
      const image = html("img", { alt: `Graph of ${this.#name}`, src: this.#url(blob) });
      this.#show(image, "The page may not use the clipboard: copy the picture from here.");
    }
  }

  async #saveSvg(): Promise<void> {
    this.#save(new Blob([this.#svg()], { type: "image/svg+xml" }), "svg");
  }

  async #savePng(): Promise<void> {
    this.#save(await pngOf(this.#svg()), "png");
  }

  #save(blob: Blob, ending: string): void {
    this.#forget();
    const name = `${this.#name.replace(/[^\w.-]+/g, "_") || "graph"}.${ending}`;
    const link = html("a", { href: this.#url(blob), download: name });
    this.el.append(link);
    link.click();
    link.remove();
    this.#say(`Saved as ${name}`);
  }

  #url(blob: Blob): string {
    const url = URL.createObjectURL(blob);
    this.#urls.push(url);
    return url;
  }

  #show(node: HTMLElement, why: string): void {
    this.#shown.replaceChildren(html("p", { class: "ff-note" }, why), node);
    setAttribute(this.#shown, "hidden", null);
    this.#say("");
    this.#context.announce(why);
  }

  #say(text: string): void {
    setText(this.#status, text);
    if (!text) return;
    this.#context.announce(text);
    this.#later(DONE_MS, () => setText(this.#status, ""));
  }
}
