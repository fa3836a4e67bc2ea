/** Text that the kernel made for the user: a new cell where one can be made, else to copy. */
import { copyText } from "../../clipboard";
import { html, setText } from "../../dom";
import { icon } from "../../icons";
import { INSERT_CELL } from "../../labextension/insertCell";
import type { Made } from "../../protocol";
import type { Part, ViewContext } from "../../view";

const COPIED_MS = 1200;

/** What has its cell already: two views of a model hear of it both. */
const INSERTED = new WeakSet<Made>();

export function createMade({ session, scope, announce }: ViewContext): Part {
  const el = html("div", { class: "ff-made", hidden: true });
  const later = scope.timer();

  const show = (made: Made): void => {
    const isCell = made.language === "python" && insert(made, el);
    if (isCell) {
      announce(`${made.title}: in a new cell`);
      close();
      return;
    }
    const copy = html("button", { type: "button", class: "ff-b" }, icon("copy"), html("span", {}, "Copy"));
    const word = copy.lastElementChild as HTMLElement;
    copy.addEventListener("click", () => {
      void copyText(made.text, el).then((isCopied) => {
        const said = isCopied ? "Copied" : "The browser does not allow copying here";
        setText(word, said);
        announce(said);
        later(COPIED_MS, () => setText(word, "Copy"));
      });
    });
    const dismiss = html(
      "button",
      { type: "button", class: "ff-ib", "aria-label": "Close", title: "Close" },
      icon("cross"),
    );
    dismiss.addEventListener("click", close);
    const head = html("div", { class: "ff-made-head" }, html("strong", {}, made.title), copy, dismiss);
    const attributes = { class: "ff-made-text", tabindex: 0, "data-made": made.language };
    el.replaceChildren(head, html("pre", attributes, made.text));
    el.hidden = false;
    announce(made.title);
  };
  const close = (): void => {
    el.hidden = true;
    el.replaceChildren();
  };
  scope.add(session.made.on((made) => (made ? show(made) : close())));
  return { el, update: () => undefined };
}

/** Ask the notebook for a cell; false where there is none that can make one. */
function insert(made: Made, el: HTMLElement): boolean {
  const page = el.ownerDocument;
  if (INSERTED.has(made)) return true;
  if (!("flexiflowCells" in page.documentElement.dataset)) return false;
  const event = new CustomEvent(INSERT_CELL, { detail: made.text, cancelable: true });
  const isInserted = !page.dispatchEvent(event);
  if (isInserted) INSERTED.add(made);
  return isInserted;
}
