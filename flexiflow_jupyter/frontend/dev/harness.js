/**
 * A page without a kernel, for work on the views: a fake model per scene that answers
 * as the kernel would. `index.html?width=760&dark&scenes=turnstile,crowd`
 */
import { CHARTS, machine } from "./charts.js";
import { EXECUTIONS, execution } from "./executions.js";

const query = new URLSearchParams(location.search);
const stage = document.querySelector(".stage");
document.documentElement.classList.toggle("dark", query.has("dark"));
stage.style.gridTemplateColumns = `${query.get("width") ?? 760}px`;

export class FakeModel {
  constructor(traits) {
    this.traits = traits;
    this.listeners = new Map();
    this.sent = [];
    this.onSend = () => {};
  }
  get(name) {
    return this.traits[name];
  }
  on(name, listener) {
    if (!this.listeners.has(name)) this.listeners.set(name, new Set());
    this.listeners.get(name).add(listener);
  }
  off(name, listener) {
    this.listeners.get(name)?.delete(listener);
  }
  send(message) {
    this.sent.push(message);
    this.onSend(message);
  }
  set(traits) {
    Object.assign(this.traits, traits);
    for (const name of Object.keys(traits)) this.#emit(`change:${name}`);
  }
  receive(content, buffers = []) {
    this.#emit("msg:custom", content, buffers);
  }
  get count() {
    return [...this.listeners.values()].reduce((sum, set) => sum + set.size, 0);
  }
  #emit(name, ...args) {
    for (const listener of [...(this.listeners.get(name) ?? [])]) listener(...args);
  }
}

// Gzipped, as the kernel sends it.
const runtime = fetch("/static/graphviz.js").then((answer) =>
  new Response(answer.body.pipeThrough(new CompressionStream("gzip"))).arrayBuffer(),
);

/** A moment of a machine as the kernel has sent it: any `dev/NAME_traits.json`. */
async function still(file) {
  const model = new FakeModel(await (await fetch(file)).json());
  model.onSend = async (message) => {
    if (message.kind !== "need" || message.what !== "graphviz") return;
    model.receive({ kind: "runtime", what: "graphviz" }, [new DataView(await runtime)]);
  };
  return { model, act: () => {} };
}

const scenes = (query.get("scenes") ?? "turnstile").split(",");
window.scenes = {};
for (const scene of scenes) {
  const [name, view = EXECUTIONS[scene] ? "execution" : "panel"] = scene.split(":");
  const { model, act } = EXECUTIONS[name]
    ? execution(FakeModel, name)
    : CHARTS[name]
    ? machine(FakeModel, CHARTS[name], runtime)
    : await still(`/dev/${name}_traits.json`);
  model.traits.view = view;
  const widget = (await import(`/static/${view}.js`)).default;
  const el = document.createElement("div");
  stage.append(el);
  const close = [widget.initialize({ model }), widget.render({ model, el })];
  window.scenes[scene] = { model, el, act, widget, close: () => close.reverse().forEach((f) => f()) };
}
document.body.dataset.ready = "true";
