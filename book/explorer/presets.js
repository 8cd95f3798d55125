'use strict';
globalThis.Explorer ??= {};

/** Settings worth seeing: those that break the theorem, and those that the page's list shows. */
Explorer.presets = {
  sign: {
    settings: { law: 'positive', n: 16, k: null, z: -0.5, e: -2 },
    note: 'Sums of positive numbers are never negative. The target lies below all of them, and no number of samples helps; the prediction, made for uniform numbers on [−1, 1], does not apply.',
  },
  lattice: {
    settings: { law: 'lattice', n: 16, k: null, z: 0.3, e: -2 },
    note: 'All sums are multiples of ½. There are thousands of subsets and few different sums: the best error is 0.2 for ever. Move the target to a multiple of ½, and too many subsets hit.',
  },
  outlier: {
    settings: { law: 'outlier', n: 12, k: 11, z: 0.3, e: -1 },
    note: 'The first number is 50, and nearly all subsets of 11 contain it: their sums lie off the scale to the right. Choose any size, and the outlier is left out; it costs one sample.',
  },
  bits: { settings: { law: 'uniform', n: 16, k: null, z: 0.3, e: -4 } },
  half: { settings: { law: 'uniform', n: 20, k: 10, z: 0.3, e: -4 } },
  few: { settings: { law: 'uniform', n: 20, k: 3, z: 0.3, e: -4 } },
  far: { settings: { law: 'uniform', n: 16, k: null, z: 4.5, e: -2 } },
  product: { settings: { law: 'product', n: 20, k: null, z: 1, e: -3 } },
};
