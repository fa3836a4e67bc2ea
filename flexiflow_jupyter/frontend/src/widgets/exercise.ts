/** An exercise: the task, a tick or a cross for each hidden check, a button. */
import type { CardModel } from "../parts/exerciseCard";
import { createExerciseCard } from "../parts/exerciseCard";
import { html } from "../dom";
import { keepKeys } from "../keys";
import { Scope } from "../scope";

interface CardProps {
  model: CardModel;
  el: HTMLElement;
}

export default {
  render({ model, el }: CardProps): () => void {
    const scope = new Scope();
    const root = html("div", { class: "ff" }, createExerciseCard(model, scope));
    keepKeys(root, scope);
    el.append(root);
    scope.add(() => el.replaceChildren());
    return () => scope.close();
  },
};
