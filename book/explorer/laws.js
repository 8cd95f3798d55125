'use strict';
globalThis.Explorer ??= {};

/**
 * The laws from which a sample is drawn.
 *
 * Every sample is rounded to a multiple of 2^-40.  Sums of a few dozen of them, and their distances
 * from one another, are then exact in float64.
 */
Explorer.laws = (() => {
  const { sfc32, symmetric, positive, normal } = Explorer.rng;
  const GRID = 2 ** 40;
  const round = (x) => Math.round(x * GRID) / GRID;

  /**
   * @typedef {object} Law
   * @property {string} name What the reader sees.
   * @property {string} theory The law that the prediction is made for, a key of `theory.LAWS`.
   * @property {boolean} broken Whether the prediction assumes what the law does not satisfy.
   * @property {(next: () => number, index: number) => number} draw One number of the sample.
   */

  /** @type {Record<string, Law>} */
  const LAWS = {
    uniform: {
      name: 'uniform on [−1, 1]',
      theory: 'uniform',
      broken: false,
      draw: symmetric,
    },
    normal: { name: 'standard normal', theory: 'normal', broken: false, draw: normal },
    product: {
      name: 'product of two uniforms',
      theory: 'product',
      broken: false,
      draw: (next) => positive(next) * symmetric(next),
    },
    positive: {
      name: 'positive: uniform on [0, 1]',
      theory: 'uniform',
      broken: true,
      draw: positive,
    },
    lattice: {
      name: 'lattice: −1, −½, 0, ½ or 1',
      theory: 'uniform',
      broken: true,
      draw: (next) => (next() % 5) / 2 - 1,
    },
    outlier: {
      name: 'uniform, but the first is 50',
      theory: 'uniform',
      broken: true,
      draw: (next, index) => (index === 0 ? 50 : symmetric(next)),
    },
  };

  /**
   * Draw a sample; a longer one begins with the shorter one.
   * @param {string} law A key of `LAWS`.
   * @param {number} n How many numbers.
   * @param {number} seed Names the sample.
   * @param {number} stream Separates samples with one seed.
   * @returns {Float64Array}
   */
  function sample(law, n, seed, stream = 0) {
    const next = sfc32(seed, stream);
    return Float64Array.from({ length: n }, (_, index) => round(LAWS[law].draw(next, index)));
  }

  return { LAWS, sample };
})();
