'use strict';

/* What a symbol in a formula means: a card beside it, copied from the list at the end of the page.
   Pointing at a symbol, tapping near it, or focusing the formula shows the card; Escape, a tap
   elsewhere or moving on hides it.  Without this script the list and the table remain. */
(() => {
  const NEAR = 18; // pixels between a fingertip and the letter that was meant
  const PATIENCE = 250; // milliseconds in which the pointer may travel from symbol to card

  /** The row that a marked letter belongs to, such as "symbol-gamma"; empty if there is none.
   * @param {Element} letter @returns {string} */
  const rowOf = (letter) =>
    [...letter.classList].find((name) => name.startsWith('symbol-')) ?? '';

  /** The squared distance from a point to a rectangle.
   * @param {{x: number, y: number}} point @param {DOMRect} box @returns {number} */
  const distance = (point, box) => {
    const dx = Math.max(box.left - point.x, 0, point.x - box.right);
    const dy = Math.max(box.top - point.y, 0, point.y - box.bottom);
    return dx * dx + dy * dy;
  };

  /** The marked letter of a formula that is closest to a point, if it is near.
   * @param {Element} formula @param {{x: number, y: number}} point @returns {Element | undefined} */
  const closest = (formula, point) =>
    [...formula.querySelectorAll('mjx-math .symbol')]
      .map((letter) => ({ letter, far: distance(point, letter.getBoundingClientRect()) }))
      .filter(({ far }) => far <= NEAR * NEAR)
      .sort((a, b) => a.far - b.far)[0]?.letter;

  /** The entries of the page's list for some rows, without repetition.
   * @param {Element[]} letters @returns {Element[]} */
  const entries = (letters) =>
    [...new Set(letters.map(rowOf))]
      .map((row) => document.querySelector(`.symbols-list .about-${CSS.escape(row)}`))
      .filter((entry) => entry !== null);

  const start = () => {
    if (!document.querySelector('.symbols-list')) return;
    const card = document.createElement('div');
    card.className = 'symbol-card';
    card.id = 'symbol-card';
    card.setAttribute('role', 'tooltip');
    card.hidden = true;
    document.body.append(card);
    let owner = null;
    let timer = 0;

    const hide = () => {
      clearTimeout(timer);
      owner?.removeAttribute('aria-describedby');
      owner = null;
      card.hidden = true;
    };

    /** @param {Element} formula @param {Element[]} letters @param {DOMRect} box */
    const show = (formula, letters, box) => {
      const found = entries(letters);
      if (found.length === 0) return;
      hide();
      owner = formula;
      formula.setAttribute('aria-describedby', card.id);
      card.replaceChildren(...found.map((entry) => {
        const copy = document.createElement('div');
        copy.append(...[...entry.cloneNode(true).childNodes]);
        copy.querySelectorAll('mjx-container').forEach((one) => one.removeAttribute('tabindex'));
        return copy;
      }));
      card.hidden = false;
      const room = document.documentElement.clientWidth;
      const left = Math.min(Math.max(8, box.left - 12), room - card.offsetWidth - 8);
      const below = box.bottom + 8 + card.offsetHeight < window.innerHeight;
      card.style.left = `${left + window.scrollX}px`;
      card.style.top = `${(below ? box.bottom + 8 : box.top - 8 - card.offsetHeight) + window.scrollY}px`;
    };

    document.addEventListener('pointerover', (event) => {
      if (event.pointerType === 'touch') return;
      const letter = event.target.closest?.('mjx-math .symbol');
      if (card.contains(event.target)) clearTimeout(timer);
      else if (letter) show(letter.closest('mjx-container'), [letter], letter.getBoundingClientRect());
      else if (owner) {
        clearTimeout(timer);
        timer = setTimeout(hide, PATIENCE);
      }
    });
    document.addEventListener('click', (event) => {
      if (card.contains(event.target)) return;
      const formula = event.target.closest?.('mjx-container');
      const letter = formula && closest(formula, { x: event.clientX, y: event.clientY });
      if (letter) show(formula, [letter], letter.getBoundingClientRect());
      else hide();
    });
    document.addEventListener('focusin', (event) => {
      const formula = event.target.closest?.('mjx-container');
      if (!formula || card.contains(formula) || !formula.matches(':focus-visible')) return;
      show(formula, [...formula.querySelectorAll('mjx-math .symbol')], formula.getBoundingClientRect());
    });
    document.addEventListener('focusout', (event) => {
      if (owner?.contains(event.target) && !card.contains(event.relatedTarget)) hide();
    });
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') hide();
    });
  };

  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
  else start();
})();
