'use strict';
globalThis.Explorer ??= {};

/** Drawing with SVG, and numbers as one reads them. */
Explorer.chart = (() => {
  /**
   * Make an SVG element.
   * @param {string} tag
   * @param {Record<string, string | number>} attributes
   * @param {...(Element | string)} children
   * @returns {SVGElement}
   */
  function svg(tag, attributes, ...children) {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes)) {
      element.setAttribute(name, typeof value === 'number' ? String(+value.toFixed(2)) : value);
    }
    element.append(...children);
    return element;
  }

  /** Text at a place; `anchor` is start, middle or end. */
  const text = (x, y, words, anchor = 'middle', kind = '') =>
    svg('text', { x, y, 'text-anchor': anchor, class: kind }, words);

  /** A map of an interval onto another one. */
  function scale([a, b], [left, right]) {
    const map = (value) => left + ((value - a) / (b - a)) * (right - left);
    map.inverse = (place) => a + ((place - left) / (right - left)) * (b - a);
    return map;
  }

  /** The path through points; pieces where a coordinate is not finite are left out. */
  function path(points) {
    let pen = 'M';
    return points
      .map(([x, y]) => {
        if (!Number.isFinite(x + y)) {
          pen = 'M';
          return '';
        }
        const step = `${pen}${x.toFixed(2)} ${y.toFixed(2)}`;
        pen = 'L';
        return step;
      })
      .join('');
  }

  const RAISED = { '-': '⁻', 0: '⁰', 1: '¹', 2: '²', 3: '³', 4: '⁴', 5: '⁵', 6: '⁶', 7: '⁷', 8: '⁸', 9: '⁹' };

  /** An integer as an exponent. */
  const raised = (exponent) => [...String(exponent)].map((digit) => RAISED[digit]).join('');

  /** A number with two digits: 0.012, 34, 5,600 or 7.8·10⁻⁹. */
  function number(value) {
    if (value === 0) return '0';
    if (!Number.isFinite(value)) return '—';
    const size = Math.abs(value);
    if (size >= 0.001 && size < 100) return minus(String(+value.toPrecision(2)));
    if (size >= 100 && size < 1e7) return Math.round(value).toLocaleString('en');
    const [digits, exponent] = value.toExponential(1).split('e');
    const power = `10${raised(+exponent)}`;
    return digits === '1.0' ? power : `${minus(String(+digits))}·${power}`;
  }

  /** A minus sign as long as a plus. */
  const minus = (words) => words.replace('-', '−');

  /** An integer with thousands separated. */
  const whole = (value) => value.toLocaleString('en');

  /** A percentage that is 0 % or 100 % only if it is. */
  function percent(share) {
    if (share > 0 && share < 0.001) return '< 0.1 %';
    if (share < 1 && share > 0.999) return '> 99.9 %';
    return `${+(100 * share).toFixed(1)} %`;
  }

  /**
   * The drawing in a box.  Its width is noted when it changes: to ask for it within a frame, after
   * something else was drawn, would lay out the whole page once more.
   * @param {HTMLElement} box
   * @param {() => void} resized Called when the box has another size, and when it has its first.
   * @returns {(make: (width: number) => {height: number, children: Element[], words: string}) => void}
   */
  function drawing(box, resized) {
    const figure = box.querySelector('svg');
    let width = box.clientWidth;
    new ResizeObserver(() => {
      width = box.clientWidth;
      resized();
    }).observe(box);
    return (make) => {
      if (!width) return;
      const { height, children, words } = make(width);
      figure.setAttribute('viewBox', `0 0 ${width} ${height}`);
      figure.setAttribute('height', String(height));
      figure.setAttribute('aria-label', words);
      figure.replaceChildren(...children);
    };
  }

  return { svg, text, scale, path, number, minus, whole, percent, raised, drawing };
})();
