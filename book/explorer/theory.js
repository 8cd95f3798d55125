'use strict';
globalThis.Explorer ??= {};

/** How likely some subset hits: what `slth.theory.rss` and `slth.theory.rfss` say. */
Explorer.theory = (() => {
  const { normalCdf, sineIntegral, irwinHallPdf, irwinHallCdf } = Explorer.special;

  /**
   * @typedef {object} Law A law with mean 0 that knows the sum of k draws.
   * @property {number} variance
   * @property {number} kurtosis
   * @property {(x: number, k: number) => number} pdf
   * @property {(x: number, k: number) => number} cdf
   */

  /** Frequencies jπ/k, and the characteristic function of |a| b there: (Si(s)/s)^k. */
  const fourier = (() => {
    const known = new Map();
    return (k) => {
      if (!known.has(k)) {
        const terms = [];
        for (let j = 1; j <= 2048; j++) {
          const s = (j * Math.PI) / k;
          const value = (sineIntegral(s) / s) ** k;
          if (k > 2 && value < 1e-18) break;
          terms.push([s, k === 2 ? value - 1 / j ** 2 : value]);
        }
        known.set(k, terms);
      }
      return known.get(k);
    };
  })();

  function productPdf(x, k) {
    const size = Math.abs(x);
    if (size >= k) return 0;
    if (k === 1) return -Math.log(size) / 2;
    let series = 0.5;
    for (const [s, coefficient] of fourier(k)) series += coefficient * Math.cos(x * s);
    if (k === 2) {
      const angle = (Math.PI / 2) * size;
      series += Math.PI ** 2 / 6 - (Math.PI * angle) / 2 + angle ** 2 / 4;
    }
    return Math.max(series, 0) / k;
  }

  function productCdf(x, k) {
    const inside = Math.max(-k, Math.min(k, x));
    const size = Math.abs(inside);
    if (k === 1) return 0.5 + (inside - (size > 0 ? inside * Math.log(size) : 0)) / 2;
    let series = inside / 2;
    for (const [s, coefficient] of fourier(k)) series += (coefficient / s) * Math.sin(inside * s);
    if (k === 2) {
      const angle = (Math.PI / 2) * size;
      const cubic = (Math.PI ** 2 * angle) / 6 - (Math.PI * angle ** 2) / 4 + angle ** 3 / 12;
      series += (Math.sign(inside) * cubic * 2) / Math.PI;
    }
    return Math.max(0, Math.min(1, 0.5 + series / k));
  }

  /** @type {Record<string, Law>} */
  const LAWS = {
    uniform: {
      variance: 1 / 3,
      kurtosis: 1.8,
      pdf: (x, k) => irwinHallPdf((x + k) / 2, k) / 2,
      cdf: (x, k) => irwinHallCdf((x + k) / 2, k),
    },
    normal: {
      variance: 1,
      kurtosis: 3,
      pdf: (x, k) => Math.exp((-x * x) / (2 * k)) / Math.sqrt(2 * Math.PI * k),
      cdf: (x, k) => normalCdf(x / Math.sqrt(k)),
    },
    product: { variance: 1 / 9, kurtosis: 81 / 25, pdf: productPdf, cdf: productCdf },
  };

  /** Nodes and weights of Gauss and Legendre, the positive half of eight. */
  const LEGENDRE = [
    [0.1834346424956498, 0.362683783378362],
    [0.525532409916329, 0.31370664587788727],
    [0.7966664774136267, 0.22238103445337448],
    [0.9602898564975363, 0.10122853629037626],
  ];

  /**
   * The probability that one sum of k terms lies within epsilon of z.
   * @param {number} k
   * @param {number} z
   * @param {number} epsilon
   * @param {Law} law
   */
  const hitProbability = (() => {
    let asked = [];
    let known = new Map();
    return (k, z, epsilon, law) => {
      if (asked[0] !== z || asked[1] !== epsilon || asked[2] !== law) {
        asked = [z, epsilon, law];
        known = new Map();
      }
      if (!known.has(k)) known.set(k, integrate(k, z, epsilon, law));
      return known.get(k);
    };
  })();

  function integrate(k, z, epsilon, law) {
    const target = -Math.abs(z); // on the left the values of cdf are small, and differ accurately
    let total = 0;
    if (k > 1 && epsilon < 1e-3 * Math.sqrt(law.variance)) {
      const half = epsilon / 2;
      for (const [node, weight] of LEGENDRE) {
        for (const at of [-1 - node, -1 + node, 1 - node, 1 + node]) {
          total += weight * half * law.pdf(target + half * at, k);
        }
      }
    } else total = law.cdf(target + epsilon, k) - law.cdf(target - epsilon, k);
    return Math.max(0, Math.min(1, total));
  }

  /**
   * The expected number of subsets that hit, exactly.
   * @param {number} n
   * @param {number | null} k Their size, 1 to n; null for any.
   * @param {number} z
   * @param {number} epsilon
   * @param {Law} law
   */
  function expectedHits(n, k, z, epsilon, law) {
    const { number } = Explorer.subsetSum;
    if (k !== null) return number(n, k) * hitProbability(k, z, epsilon, law);
    let total = Math.abs(z) <= epsilon ? 1 : 0;
    for (let size = 1; size <= n; size++) {
      total += number(n, size) * hitProbability(size, z, epsilon, law);
    }
    return total;
  }

  const logNormal = (distance, variance) =>
    -(distance ** 2) / (2 * variance) - Math.log(2 * Math.PI * variance) / 2;

  /** E[exp(-mu)] over the mean and variance of the sample, by trapezoidal rules. */
  function averageMiss(n, z, epsilon, law, logFactor, moments) {
    const shape = 1 / ((law.kurtosis - 3) / n + 2 / (n - 1));
    const logHits = logFactor + Math.log(2 * epsilon);
    let total = 0;
    let weights = 0;
    for (let row = 0; row < 81; row++) {
      const deviate = -8 + row / 5;
      const mean = Math.sqrt(law.variance / n) * deviate;
      for (let column = 0; column < 29; column++) {
        const log = (-7 + column / 2) / Math.sqrt(shape);
        const weight = Math.exp(-(deviate ** 2) / 2 + shape * (log - Math.expm1(log)));
        const [centre, spread] = moments(mean, law.variance * Math.exp(log));
        const logMu = Math.min(logHits + logNormal(z - centre, spread), 700);
        total += weight * Math.exp(-Math.exp(logMu));
        weights += weight;
      }
    }
    return total / weights;
  }

  /**
   * The probability that some subset hits, by the conditional Poisson law: a heuristic.
   * @param {number} n At least 2 for subsets of any size.
   * @param {number | null} k Their size, 1 to n; null for any.
   * @param {number} z
   * @param {number} epsilon
   * @param {Law} law
   */
  function successProbability(n, k, z, epsilon, law) {
    if (k === null) {
      if (Math.abs(z) <= epsilon) return 1;
      return 1 - averageMiss(n, z, epsilon, law, n * Math.LN2, (mean, variance) => [
        (n * mean) / 2,
        ((n - 1) * variance + n * mean ** 2) / 4,
      ]);
    }
    const probability = hitProbability(k, z, epsilon, law);
    if (k === n) return probability;
    if (k === 1) return -Math.expm1(n * Math.log1p(-probability));
    const logFactor =
      Math.log(Explorer.subsetSum.number(n, k)) +
      Math.log(probability / (2 * epsilon)) -
      logNormal(z, k * law.variance);
    return 1 - averageMiss(n, z, epsilon, law, logFactor, (mean, variance) => [
      k * mean,
      k * (1 - k / n) * variance,
    ]);
  }

  return { LAWS, hitProbability, expectedHits, successProbability };
})();
