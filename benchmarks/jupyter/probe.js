// Measures taken inside the page; installed as window.__bench.
(() => {
  const panelOf = (name) =>
    [...document.querySelectorAll('[data-flexiflow="panel"]')].filter(
      (panel) => panel.dataset.component === name && panel.querySelector("[data-state]"),
    );

  /** Resolve when a test holds; it is tried on each change of the page. */
  const when = (test) =>
    new Promise((resolve) => {
      if (test()) return resolve(performance.now());
      const observer = new MutationObserver(() => {
        if (!test()) return;
        observer.disconnect();
        resolve(performance.now());
      });
      observer.observe(document.body, {
        subtree: true,
        childList: true,
        attributes: true,
        characterData: true,
      });
    });

  const runCell = async (index) => {
    const { shell, commands } = window.jupyterapp;
    const notebook = shell.currentWidget.content;
    notebook.activeCellIndex = index;
    await commands.execute("notebook:run-cell");
  };

  window.__bench = {
    /** ms from the cell's start, and from its end, until panels are drawn. */
    async untilDrawn(index, names) {
      const started = performance.now();
      const drawn = when(() => names.every((name) => panelOf(name).length > 0));
      await runCell(index);
      const ended = performance.now();
      const at = await drawn;
      return [at - started, Math.max(0, at - ended)];
    },

    /** ms from each click to the new state's light; the messages take turns. */
    async clicks(name, steps, count, pauseMs) {
      const panel = panelOf(name).at(-1);
      const spent = [];
      for (let i = 0; i < count; i += 1) {
        const [message, state] = steps[i % steps.length];
        const button = panel.querySelector(`button[data-send="${CSS.escape(message)}"]`);
        const target = panel.querySelector(`[data-state="${CSS.escape(state)}"]`);
        await when(() => !button.disabled);
        const started = performance.now();
        button.click();
        const lit = await when(() => target.getAttribute("aria-current") === "true");
        spent.push(lit - started);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
      return spent;
    },

    /** ms from each move of a timeline's handle until that step is shown. */
    async scrub(name, places) {
      const panel = panelOf(name).at(-1);
      const range = panel.querySelector("input[data-step]");
      const spent = [];
      for (const place of places) {
        const step = Math.round(Number(range.max) * place);
        const started = performance.now();
        range.value = String(step);
        range.dispatchEvent(new Event("input", { bubbles: true }));
        const shown = await when(() => range.dataset.step === String(step));
        spent.push(shown - started);
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      return spent;
    },

    /** ms from the end of a cell until a row holds a text. */
    async untilRow(index, name, text) {
      const panel = panelOf(name).at(-1);
      const shown = when(() =>
        [...panel.querySelectorAll('[role="row"][data-seq]')].some((row) =>
          row.textContent.includes(text),
        ),
      );
      await runCell(index);
      const ended = performance.now();
      return Math.max(0, (await shown) - ended);
    },
  };
})();
