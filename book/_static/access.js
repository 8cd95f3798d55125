'use strict';

/* Formulas wider than the page scroll in their box: the box is then reached by keyboard too. */
(() => {
  /** Boxes of our own that may scroll; the theme sees to tables and code. */
  const BOXES = 'div.math, .math-wrapper';

  /**
   * Make a box a tab stop exactly while it has something to scroll.
   * @param {Element} box
   */
  const update = (box) => {
    if (box.scrollWidth > box.clientWidth) box.setAttribute('tabindex', '0');
    else box.removeAttribute('tabindex');
  };

  const updateAll = () => document.querySelectorAll(BOXES).forEach(update);

  /** MathJax may still be at work when the page has loaded. */
  const ready = () => Promise.resolve(window.MathJax?.startup?.promise).then(updateAll);

  window.addEventListener('load', ready);
  window.addEventListener('resize', updateAll);
})();
