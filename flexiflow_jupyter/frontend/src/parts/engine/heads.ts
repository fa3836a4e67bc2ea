/** The heads of the life lines: a component and its state, kept in sight while scrolling. */
import { html, setAttribute, setText } from "../../dom";
import type { Column, Columns } from "../../engine/columns";
import { formatCount } from "../../format";
import type { EngineInfo, EnginePart } from "../../protocol";

const MOST_CHIPS = 2;

export class Heads {
  readonly el = html("div", { class: "ff-flow-heads", role: "rowgroup" });
  readonly #row = html("div", { class: "ff-flow-head-row", role: "row", "aria-rowindex": 1 });
  readonly #heads = new Map<string, Head>();
  #geometry = -1;

  constructor() {
    this.el.append(this.#row);
  }

  draw(info: EngineInfo, columns: Columns, geometry: number): void {
    const parts = new Map(info.parts.map((part) => [part.name, part]));
    if (geometry !== this.#geometry) {
      this.#geometry = geometry;
      this.#place(columns);
    }
    for (const column of columns.list) {
      this.#heads.get(column.name)?.fill(parts.get(column.name), column.isGone);
    }
  }

  #place(columns: Columns): void {
    this.el.style.width = `${columns.sheetPx}px`;
    const time = html("span", { role: "columnheader", class: "ff-flow-corner" }, html("span", { class: "ff-said" }, "Time"));
    const heads = columns.list.map((column) => this.#head(column));
    const names = new Set(columns.list.map((column) => column.name));
    for (const name of [...this.#heads.keys()]) if (!names.has(name)) this.#heads.delete(name);
    for (const [at, head] of heads.entries()) {
      const x = columns.list[at]?.x ?? 0;
      head.el.style.left = `${x - columns.headPx / 2}px`;
      head.el.style.width = `${columns.headPx}px`;
    }
    this.#row.replaceChildren(time, ...heads.map((head) => head.el));
  }

  #head(column: Column): Head {
    const head = this.#heads.get(column.name) ?? new Head(column.name);
    this.#heads.set(column.name, head);
    return head;
  }
}

class Head {
  readonly el: HTMLElement;
  readonly #chips = html("span", { class: "ff-chips" });
  readonly #name = html("span", { class: "ff-flow-name", dir: "auto" });
  #drawn = "";

  constructor(name: string) {
    this.el = html("span", { class: "ff-flow-part", role: "columnheader", "data-component": name, title: name });
    setText(this.#name, name);
    this.el.append(this.#name, this.#chips);
  }

  fill(part: EnginePart | undefined, isGone: boolean): void {
    const drawn = JSON.stringify([part, isGone]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    setAttribute(this.el, "data-gone", isGone);
    const active = part?.active ?? [];
    setAttribute(this.el, "data-active", active.join(" ") || null);
    const shown = active.length > MOST_CHIPS ? active.slice(0, 1) : active;
    const chips = shown.map((state) =>
      html("span", { class: "ff-chip ff-tone-run", dir: "auto", title: state }, state),
    );
    const more = active.length - shown.length;
    if (more > 0) chips.push(html("span", { class: "ff-chip", title: active.join(", ") }, `+${more}`));
    if (isGone) chips.push(html("span", { class: "ff-fact" }, "not here"));
    const waiting = part?.pending ?? 0;
    if (waiting > 0) {
      const words = `${formatCount(waiting)} waiting`;
      chips.push(html("span", { class: "ff-fact", title: `${words} for their turn` }, words));
    }
    this.#chips.replaceChildren(...chips);
  }
}
