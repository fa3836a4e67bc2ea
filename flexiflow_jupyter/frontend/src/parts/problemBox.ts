/** A box for what went wrong: what, why, fix, and the detail on demand. */
import { html } from "../dom";
import { icon } from "../icons";
import type { Notice, Problem } from "../protocol";
import type { Trouble } from "../session";
import type { Part, ViewContext } from "../view";

interface BoxOptions {
  level: Notice["level"];
  /** Send again what failed. */
  onRetry?: (() => void) | undefined;
  onDismiss: () => void;
}

/**
 * The boxes of a view: the reply that failed, with Retry, and the kernel's notice. The
 * kernel keeps the problem of a failed send as its notice too, so that it outlives the
 * page; it is shown once.
 */
export function createProblems({ scope, session }: ViewContext): Part {
  const el = html("div", { class: "ff-problems" });
  let notice: Notice | null = null;
  let dismissed: Notice | null = null;
  let trouble: Trouble | null = null;

  const draw = (): void => {
    const boxes: HTMLElement[] = [];
    const now = trouble;
    if (now) {
      const { sent } = now;
      const onRetry = sent ? (): void => session.retry(sent) : undefined;
      const onDismiss = (): void => session.dismiss();
      boxes.push(problemBox(now.problem, { level: "error", onRetry, onDismiss }));
    }
    const kept = notice;
    if (kept && kept !== dismissed && !isSame(kept, trouble?.problem)) {
      const onDismiss = (): void => {
        dismissed = kept;
        draw();
      };
      boxes.push(problemBox(kept, { level: kept.level, onDismiss }));
    }
    el.replaceChildren(...boxes);
  };
  const onSession = (): void => {
    if (trouble === session.trouble) return;
    if (!session.trouble && isSame(notice, trouble?.problem)) dismissed = notice;
    trouble = session.trouble;
    draw();
  };
  scope.add(session.changed.on(onSession));
  return {
    el,
    update(traits, changed) {
      if (!changed.has("notice")) return;
      const isOver = !traits.notice && isSame(notice, trouble?.problem);
      notice = traits.notice;
      trouble = session.trouble;
      if (isOver) session.dismiss();
      draw();
    },
  };
}

function isSame(notice: Notice | null, problem: Problem | undefined): boolean {
  return notice !== null && notice.what === problem?.what && notice.why === problem.why;
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
