/** The head of an engine's view: its name, a few facts, and what can be done with it. */
import { copyText } from "../../clipboard";
import { html, setAttribute, setText } from "../../dom";
import type { EngineLook } from "../../engine/look";
import { mermaidOf, Rate } from "../../engine/words";
import { countOf, formatCount } from "../../format";
import { icon } from "../../icons";
import type { EngineInfo } from "../../protocol";
import type { Part, ViewContext } from "../../view";
import { isHidden } from "../../view";
import { tool } from "./tools";

const COPIED_MS = 1200;
const COPY_LABEL = "Copy as Mermaid";

export function createEngineHead(context: ViewContext, look: EngineLook): Part {
  const { scope, session } = context;
  const name = html("span", { class: "ff-name", dir: "auto" });
  const fact = html("span", { class: "ff-fact" });
  const story = html("button", { type: "button", class: "ff-chip ff-chip-story", hidden: true });
  const choose = tool("filter", "Choose components", { expanded: false });
  const follow = tool("follow", "Follow", { pressed: true });
  const pause = tool("pause", "Pause", { pressed: false });
  const copy = tool("copy", COPY_LABEL);
  copy.setAttribute("data-copy", "mermaid");
  const tools = html("span", { class: "ff-tools" }, choose, follow, pause, copy);
  const head = html("div", { class: "ff-head" }, name, fact, story, tools);
  const chooser = html("div", { class: "ff-chooser", role: "group", "aria-label": "Components shown", hidden: true });
  const el = html("div", {}, head, chooser);
  const rate = new Rate();
  const later = scope.timer();
  const copyLater = scope.timer();
  let info: EngineInfo = { name: "", parts: [], more: 0 };
  let names = "";

  const drawFact = (): void => {
    const perSecond = rate.note(session.flow.messages, performance.now());
    const count = info.parts.length + info.more;
    const quiet = look.quiet.value > 0 ? `, ${formatCount(look.quiet.value)} quiet` : "";
    const facts = [countOf(count, "component") + quiet];
    facts.push(
      perSecond > 0
        ? `${formatCount(perSecond)} messages a second`
        : countOf(session.flow.messages, "message"),
    );
    setText(fact, facts.join(" · "));
    if (perSecond > 0 && !isHidden()) later(1000, drawFact);
  };
  const drawStory = (): void => {
    const shown = look.query.value.story;
    setAttribute(story, "hidden", shown === "");
    if (shown) {
      story.replaceChildren(`story ${shown}`, icon("cross"));
      story.setAttribute("aria-label", `Only story ${shown}; show all`);
      story.title = "Show all stories";
    }
  };
  const drawPressed = (): void => {
    const isPaused = look.frozen.value !== null;
    setAttribute(follow, "aria-pressed", String(look.isFollowing.value && !isPaused));
    setAttribute(pause, "aria-pressed", String(isPaused));
  };
  const drawChooser = (): void => {
    const boxes = info.parts.map((part) => {
      const input = html("input", { type: "checkbox" });
      input.checked = !look.query.value.hidden.has(part.name);
      input.addEventListener("change", () => look.hide(part.name, !input.checked));
      return html("label", {}, input, html("span", { dir: "auto" }, part.name));
    });
    chooser.replaceChildren(...boxes);
    if (boxes.length === 0) chooser.append("There is no component yet.");
  };
  const copyPicture = async (): Promise<void> => {
    const components = info.parts.map((part) => part.name);
    const hidden = look.query.value.hidden;
    const text = mermaidOf(look.shown(), components.filter((each) => !hidden.has(each)));
    const isCopied = await copyText(text, el);
    if (scope.closed) return;
    const said = isCopied ? "Copied as Mermaid text" : "The browser does not allow copying here";
    context.announce(said);
    copy.replaceChildren(icon(isCopied ? "check" : "cross"));
    copy.title = said;
    copyLater(COPIED_MS, () => {
      copy.replaceChildren(icon("copy"));
      copy.title = COPY_LABEL;
    });
  };

  const show = (isOpen: boolean): void => {
    chooser.hidden = !isOpen;
    setAttribute(choose, "aria-expanded", String(isOpen));
    if (isOpen) drawChooser();
  };
  choose.addEventListener("click", () => show(chooser.hidden !== false));
  chooser.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    show(false);
    choose.focus();
  });
  story.addEventListener("click", () => {
    look.setStory("");
    context.announce("All stories");
    copy.focus();
  });
  follow.addEventListener("click", () => {
    if (look.frozen.value) look.togglePause();
    else look.isFollowing.value = !look.isFollowing.value;
  });
  pause.addEventListener("click", () => look.togglePause());
  copy.addEventListener("click", () => void copyPicture());
  scope.add(look.query.on(drawStory));
  scope.add(look.quiet.on(drawFact));
  scope.add(look.isFollowing.on(drawPressed));
  scope.add(look.frozen.on(drawPressed));
  scope.add(session.grown.on(() => later(100, drawFact)));
  scope.listen(document, "visibilitychange", drawFact);
  return {
    el,
    update(traits, changed) {
      if (!changed.has("engine")) return;
      info = traits.engine;
      setText(name, info.name === "engine" ? "engine" : `engine ${info.name}`);
      drawFact();
      const now = info.parts.map((part) => part.name).join("\n");
      if (now === names) return;
      names = now;
      if (!chooser.hidden) drawChooser();
    },
  };
}
