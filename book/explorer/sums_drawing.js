'use strict';
globalThis.Explorer ??= {};

/** The three drawings of the explorer of subset sums. */
Explorer.sumsDrawing = (() => {
  const { svg, text, scale, path, number, minus, percent } = Explorer.chart;
  const REACH = 5; // the number line, from -REACH to REACH
  const BINS = 150;
  const EDGES = Array.from({ length: BINS + 1 }, (_, i) => REACH * ((2 * i) / BINS - 1));
  const INSET = 16;

  /** The map from numbers to places on a line of this width. */
  const lineScale = (width) => scale([-REACH, REACH], [INSET, width - INSET]);

  /**
   * Where all sums lie, with the window around the target.
   * @param {number} width
   * @param {object} shown
   * @param {number[]} shown.bins How many sums each bin holds.
   * @param {number} shown.total How many sums there are.
   * @param {number} shown.z
   * @param {number} shown.epsilon
   * @param {number} shown.best The sum of the best subset.
   * @returns {{height: number, children: Element[], words: string}}
   */
  function line(width, { bins, total, z, epsilon, best }) {
    const height = 150;
    const base = 118;
    const x = lineScale(width);
    const inside = bins.reduce((a, b) => a + b, 0);
    const some = inside < 0.999 * total; // off the line, which takes a line of text to say
    const y = scale([0, Math.max(...bins, 1)], [base, some ? 24 : 10]);
    const steps = bins.flatMap((count, i) => [
      [x(EDGES[i]), y(count)],
      [x(EDGES[i + 1]), y(count)],
    ]);
    const outline = `${path([[x(-REACH), base], ...steps, [x(REACH), base]])}Z`;
    const left = Math.max(x(z - epsilon), 0);
    const right = Math.min(x(z + epsilon), width);
    const children = [
      svg('path', { d: outline, class: 'sums' }),
      svg('rect', { x: left, y: 4, width: Math.max(right - left, 1), height: base - 4, class: 'window' }),
      svg('line', { x1: x(z), x2: x(z), y1: 4, y2: base, class: 'line-red' }),
      svg('line', { x1: 0, x2: width, y1: base, y2: base, class: 'axis' }),
    ];
    for (let tick = -REACH; tick <= REACH; tick++) {
      children.push(svg('line', { x1: x(tick), x2: x(tick), y1: base, y2: base + 5, class: 'axis' }));
      children.push(text(x(tick), height - 2, minus(String(tick))));
    }
    const place = Math.max(-REACH, Math.min(REACH, best));
    children.push(svg('path', { d: `M${x(place)} ${base - 9}l5 9l-5 9l-5 -9Z`, class: 'best' }));
    if (some) {
      const off = `${percent(1 - inside / total)} of the sums lie off this line`;
      children.push(text(width, 14, off, 'end'));
    }
    const words = `Histogram of all subset sums from ${-REACH} to ${REACH}, highest near `
      + `${number(EDGES[bins.indexOf(Math.max(...bins))] + REACH / BINS)}; the target ${number(z)} `
      + `with a window of half-width ${number(epsilon)}, and the best sum ${number(best)}.`;
    return { height, children, words };
  }

  /**
   * The sample as bars, the kept numbers filled.
   * @param {number} width
   * @param {Float64Array} x
   * @param {number[]} kept Indices.
   */
  function sample(width, x, kept) {
    const height = 190;
    const [top, bottom] = [14, height - 22];
    const limit = Math.min(Math.max(1, ...x.map(Math.abs)), 3);
    const y = scale([-limit, limit], [bottom, top]);
    const chosen = new Set(kept);
    const left = 30;
    const step = (width - left - 4) / x.length;
    const children = [-limit, 0, limit].flatMap((value) => [
      svg('line', { x1: left, x2: width, y1: y(value), y2: y(value), class: value === 0 ? 'axis' : 'grid' }),
      text(left - 6, y(value) + 4, number(value), 'end'),
    ]);
    x.forEach((value, i) => {
      const end = y(Math.max(-limit, Math.min(limit, value)));
      const bar = {
        x: left + step * (i + 0.14),
        y: Math.min(end, y(0)),
        width: step * 0.72,
        height: Math.max(Math.abs(end - y(0)), 1),
        class: chosen.has(i) ? 'kept' : 'left-out',
      };
      children.push(svg('rect', bar));
      const middle = left + step * (i + 0.5);
      if (Math.abs(value) > limit) children.push(text(middle, 10, number(value)));
      if (i === 0 || (i + 1) % 4 === 0) children.push(text(middle, height - 4, String(i + 1)));
    });
    const words = `The sample: ${x.length} numbers as bars; the best subset keeps number `
      + `${kept.map((i) => i + 1).join(', ') || 'none'}.`;
    return { height, children, words };
  }

  /**
   * The success curve: theory, first moment, and what was measured.
   * @param {number} width
   * @param {object} shown
   * @param {number} shown.n
   * @param {[number, number][]} shown.theory Predicted chance for each n.
   * @param {[number, number][]} shown.expected Expected number of hits for each n.
   * @param {[number, number, number, number][]} shown.measured n, share and its limits.
   */
  function curve(width, { n, theory, expected, measured }) {
    const height = 190;
    const x = scale([1, Explorer.measure.LONGEST], [40, width - 10]);
    const y = scale([0, 1], [height - 22, 14]);
    const children = [];
    for (const value of [0, 0.5, 1]) {
      children.push(svg('line', { x1: 36, x2: width, y1: y(value), y2: y(value), class: value ? 'grid' : 'axis' }));
      children.push(text(32, y(value) + 4, `${100 * value} %`, 'end'));
    }
    for (let tick = 4; tick <= Explorer.measure.LONGEST; tick += 4) {
      children.push(text(x(tick), height - 4, String(tick)));
    }
    const points = (pairs) => path(pairs.map(([at, value]) => [x(at), y(Math.min(value, 1))]));
    const until = expected.findIndex(([, value]) => value >= 1);
    const rising = until < 0 ? expected : expected.slice(0, until + 1);
    children.push(
      svg('line', { x1: x(n), x2: x(n), y1: y(1), y2: y(0), class: 'here' }),
      svg('path', { d: points(rising), class: 'line-grey dashed' }),
      svg('path', { d: points(theory), class: 'line-green' }),
    );
    for (const [at, share, low, high] of measured) {
      children.push(svg('line', { x1: x(at), x2: x(at), y1: y(low), y2: y(high), class: 'line-blue thin' }));
      children.push(svg('circle', { cx: x(at), cy: y(share), r: 3.2, class: 'dot' }));
    }
    const half = theory.find(([, value]) => value >= 0.5);
    const words = `Chance that some subset hits against n: the prediction ${half
      ? `reaches one half at ${half[0]} numbers` : 'stays below one half up to 24 numbers'}; measured: ${
      measured.map(([at, share]) => `${at}: ${percent(share)}`).join(', ') || 'nothing yet'}.`;
    return { height, children, words };
  }

  return { REACH, EDGES, lineScale, line, sample, curve };
})();
