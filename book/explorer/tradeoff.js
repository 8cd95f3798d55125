'use strict';
globalThis.Explorer ??= {};

/**
 * Density against overparameterization: what `slth.theory.overparameterization` and
 * `slth.theory.lower_bound` say.
 *
 * `z` is the number of target weights over the error; the random network has 4n weights for each
 * weight of the target, n being the multiplicity.
 */
Explorer.tradeoff = (() => {
  const { binaryEntropy, upperRoot } = Explorer.special;

  /** Theorem 3: the larger n with n H2(γ) = c log²(2zγn); NaN where there is none. */
  function multiplicity(density, z, constant = 1) {
    const rate = (Math.LN2 / 2) * Math.sqrt(binaryEntropy(density) / constant);
    return upperRoot(rate, Math.sqrt(2 * z * density)) ** 2;
  }

  /**
   * One logarithm: the n from which on n H2(γ) ≥ c log(2zγn), but at least 1/γ, which is one term.
   */
  function oneLogMultiplicity(density, z, constant = 1) {
    const root = upperRoot((binaryEntropy(density) * Math.LN2) / constant, 2 * z * density);
    return Math.max(root || 0, 1 / density);
  }

  /** The explicit shape of Theorem 3, log²(z) / H2(γ). */
  const closedForm = (density, z) => Math.log2(z) ** 2 / binaryEntropy(density);

  /** The n at which plain uniform numbers have one expected hit of the weight 0. */
  function firstMomentFloor(density, z) {
    const inner = 2 * z * density * Math.PI * Math.sqrt(1 / 3) * Math.sqrt(1 - density);
    return upperRoot(binaryEntropy(density) * Math.LN2, inner);
  }

  /**
   * Theorem 5: the larger m with m H2(γ) = (m_t / 2) log(γm/ε); NaN where there is none.
   * Here γm is the number of all weights that are kept, and the target is one matrix.
   */
  function lowerBound(density, weights, epsilon) {
    return upperRoot((2 * binaryEntropy(density) * Math.LN2) / weights, density / epsilon);
  }

  /** Density and overparameterization of Malach et al. 2020, up to logarithms and constants. */
  const malachPoint = (z) => [z ** -2, z ** 2];

  /** Density and overparameterization of Pensia et al. 2020, up to constants. */
  const pensiaPoint = (z) => [0.5, 2 * Math.log2(z)];

  return {
    multiplicity, oneLogMultiplicity, closedForm, firstMomentFloor, lowerBound, malachPoint, pensiaPoint,
  };
})();
