'use strict';

/* Formulas and figures wider than their place scroll there, and are then reached by keyboard too. */
(() => {
  /** What holds a formula: MathJax's own box of a displayed one, the theme's of one in a line. */
  const HOLDERS = 'mjx-container[display="true"], span.math, .cell_output figure';

  /**
   * Whether a formula or a picture is wider than what holds it; a formula's copy for screen readers
   * does not count.
   * @param {Element} holder
   * @returns {boolean}
   */
  const isWide = (holder) => {
    const formula = holder.querySelector(holder.matches('figure') ? 'img' : 'mjx-math');
    return formula !== null && holder.clientWidth > 0 &&
      formula.getBoundingClientRect().width > holder.clientWidth + 2;
  };

  /**
   * Make what holds a formula a tab stop that scrolls, exactly while there is something to scroll.
   * @param {Element} holder
   * @param {boolean} wide
   */
  const mark = (holder, wide) => {
    holder.classList.toggle('scrolls', wide);
    if (wide) holder.setAttribute('tabindex', '0');
    else holder.removeAttribute('tabindex');
  };

  /** Measure all before any is changed: the page is then laid out once, not once for each. */
  const updateAll = () => {
    const holders = [...document.querySelectorAll(HOLDERS)];
    const wide = holders.map(isWide);
    holders.forEach((holder, index) => mark(holder, wide[index]));
  };

  /** MathJax may still be at work when the page has loaded. */
  const ready = () => Promise.resolve(window.MathJax?.startup?.promise).then(updateAll);

  window.addEventListener('load', ready);
  window.addEventListener('resize', updateAll);
})();
