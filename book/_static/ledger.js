'use strict';

/* The pages of claims: a filter, and the way from the one page that once held all claims. */
(() => {
  /** The claim that the address names, if it names one. */
  const named = () => document.getElementById(decodeURIComponent(location.hash.slice(1)));

  /** On the overview, go on from the name of a claim to its entry. */
  const goOn = () => {
    const link = named()?.matches('.claims-index li') && named().querySelector('a');
    if (link) location.replace(link.href);
  };

  /**
   * Make a form leave only the entries that have its words and states.
   * @param {HTMLFormElement} form
   */
  const connect = (form) => {
    const {q, known, checked} = form.elements;
    const answer = form.querySelector('output');
    const entries = [...document.querySelectorAll('.claim-entry')]
      .map((element) => ({element, text: element.textContent.toLowerCase()}));

    const update = () => {
      const words = q.value.toLowerCase().split(/\s+/).filter(Boolean);
      const states = [known, checked].filter((one) => one.value)
        .map((one) => `${one.name}-${one.value}`);
      let shown = 0;
      for (const {element, text} of entries) {
        element.hidden = !words.every((word) => text.includes(word)) ||
          !states.every((state) => element.classList.contains(state));
        shown += element.hidden ? 0 : 1;
      }
      for (const group of document.querySelectorAll('.claims-of')) {
        group.hidden = !group.querySelector('.claim-entry:not([hidden])');
      }
      answer.textContent = `${shown} of ${entries.length} shown`;
    };

    /** What is hidden cannot be gone to. */
    const reveal = () => {
      if (!named()?.closest('.claim-entry[hidden]')) return;
      form.reset();
      update();
      named().scrollIntoView();
    };

    for (const [name, value] of new URLSearchParams(location.search)) {
      if ([q, known, checked].some((one) => one.name === name)) form.elements[name].value = value;
    }
    form.addEventListener('input', update);
    form.addEventListener('submit', (event) => event.preventDefault());
    window.addEventListener('hashchange', reveal);
    form.hidden = false;
    update();
    reveal();
  };

  const start = () => {
    goOn();
    window.addEventListener('hashchange', goOn);
    document.querySelectorAll('.claims-filter').forEach(connect);
  };

  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
  else start();
})();
