/** A box for what went wrong: what, why, fix, and the detail on demand. */
import { html } from "../dom";
import { icon } from "../icons";
import type { Notice, Problem } from "../protocol";
import type { Part, ViewContext } from "../view";

interface BoxOptions {
  level: Notice["level"];
  /** Send again what failed. */
  onRetry?: (() => void) | undefined;
  onDismiss: () => void;
}

/** The boxes of a view: the kernel's notice, and the last reply that failed. */
export function createProblems({ scope, session }: ViewContext): Part {
  const notice = html("div", {});
  const trouble = html("div", {});
  const el = html("div", { class: "ff-problems" }, notice, trouble);
  let shown: unknown = null;
  const fillTrouble = (): void => {
    if (shown === session.trouble) return;
    shown = session.trouble;
    const now = session.trouble;
    if (!now) {
      trouble.replaceChildren();
      return;
    }
    const { sent } = now;
    const options: BoxOptions = {
      level: "error",
      onRetry: sent ? () => session.retry(sent) : undefined,
      onDismiss: () => session.dismiss(),
    };
    trouble.replaceChildren(problemBox(now.problem, options));
  };
  scope.add(session.changed.on(fillTrouble));
  fillTrouble();
  return {
    el,
    update(traits, changed) {
      if (!changed.has("notice")) return;
      const now = traits.notice;
      if (!now) notice.replaceChildren();
      else {
        const onDismiss = (): void => notice.replaceChildren();
        notice.replaceChildren(problemBox(now, { level: now.level, onDismiss }));
      }
    },
  };
}

function problemBox(problem: Problem, options: BoxOptions): HTMLElement {
  const isError = options.level === "error";
  const head = html(
    "div",
    { class: "ff-box-head" },
    icon(options.level === "info" ? "info" : "warn"),
    html("strong", {}, problem.what),
  );
  if (options.onRetry) {
    const retry = html("button", { type: "button", class: "ff-b" }, icon("retry"), "Retry");
    retry.addEventListener("click", options.onRetry);
    head.append(retry);
  }
  head.append(dismissButton(options.onDismiss));
  const box = html("div", { class: `ff-box ff-box-${options.level}` }, head);
  if (isError) box.setAttribute("role", "alert");
  const list = html("dl", { class: "ff-wwf" });
  if (problem.why) list.append(html("dt", {}, "Why"), html("dd", {}, problem.why));
  if (problem.fix) list.append(html("dt", {}, "Fix"), html("dd", {}, problem.fix));
  if (list.childNodes.length > 0) box.append(list);
  if (problem.detail) {
    const summary = html("summary", {}, "Details");
    const detail = html("pre", { class: "ff-detail", tabindex: 0 }, problem.detail);
    box.append(html("details", { class: "ff-more" }, summary, detail));
  }
  return box;
}

function dismissButton(onDismiss: () => void): HTMLElement {
  const attributes = { type: "button", class: "ff-ib", "aria-label": "Dismiss", title: "Dismiss" };
  const button = html("button", attributes, icon("cross"));
  button.addEventListener("click", onDismiss);
  return button;
}
