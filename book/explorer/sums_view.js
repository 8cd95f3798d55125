'use strict';
globalThis.Explorer ??= {};

/** The explorer of subset sums: its settings, and what they lead to. */
Explorer.sumsView = (() => {
  const { subsetSum, laws, theory, measure, presets, sumsDrawing } = Explorer;
  const { number, minus, whole, percent, drawing } = Explorer.chart;
  const { slider, tell, calm, framed, announcer, keeper, taken } = Explorer.controls;
  const { binaryEntropy } = Explorer.special;
  const DEFAULT = { law: 'uniform', n: 16, k: null, z: 0.3, e: -3, seed: 1 };
  const LIMITS = { n: [1, measure.LONGEST], z: [-5, 5], e: [-6, -0.5], seed: [0, 2 ** 32 - 1] };
  const $ = (id) => document.getElementById(`sums-${id}`);

  /** @type {typeof DEFAULT} */
  let state = { ...DEFAULT };
  let home = state; // where a reset leads
  const draw = {}; // the three drawings
  let keep;
  let voice;
  let note = '';
  let stop = () => {};
  let measured = { trials: 0, first: [] };
  let remembered = { key: '' };
  let predicted = { key: '' };

  /** The settings that are asked for, each one checked. */
  function checked(asked) {
    const law = asked.get('law');
    const n = Math.round(taken(asked, 'n', LIMITS.n, DEFAULT.n));
    const k = taken(asked, 'k', [1, n], 0);
    return {
      law: law !== null && Object.hasOwn(laws.LAWS, law) ? law : DEFAULT.law,
      n,
      k: k ? Math.round(k) : null,
      z: taken(asked, 'z', LIMITS.z, DEFAULT.z),
      e: taken(asked, 'e', LIMITS.e, DEFAULT.e),
      seed: Math.round(taken(asked, 'seed', LIMITS.seed, DEFAULT.seed)),
    };
  }

  /** What depends on the sample alone. */
  function known() {
    const key = [state.law, state.n, state.k, state.seed].join();
    if (remembered.key !== key) {
      const start = performance.now();
      const x = laws.sample(state.law, state.n, state.seed);
      const table = subsetSum.table(x, state.k);
      const time = performance.now() - start;
      remembered = { key, x, table, time, bins: subsetSum.histogram(table, sumsDrawing.EDGES) };
    }
    return remembered;
  }

  /** What the theory says for each n. */
  function prediction() {
    const { law, k, z, e } = state;
    const key = [law, k, z, e].join();
    if (predicted.key !== key) {
      const of = theory.LAWS[laws.LAWS[law].theory];
      const sizes = [];
      for (let n = Math.max(k ?? 2, 1); n <= measure.LONGEST; n++) sizes.push(n);
      predicted = {
        key,
        chance: sizes.map((n) => [n, theory.successProbability(n, k, z, 10 ** e, of)]),
        expected: sizes.map((n) => [n, theory.expectedHits(n, k, z, 10 ** e, of)]),
      };
    }
    return predicted;
  }

  /** How many bits the choice of a subset has, and how many hitting the target asks for. */
  function bits() {
    const { n, k, e } = state;
    const choice = k === null ? n : n * binaryEntropy(k / n);
    const asked = Math.log2((k ?? 1) / 10 ** e);
    const [left, right] = k === null ? ['n', '1/ε'] : ['n H₂(k/n)', 'k/ε'];
    return `${left} = ${+choice.toFixed(1)} bits to choose with, `
      + `log₂(${right}) = ${+asked.toFixed(1)} bits to hit.`;
  }

  function showControls() {
    const { law, n, k, z, e, seed } = state;
    $('law').value = law;
    $('n').value = n;
    $('n-out').textContent = n;
    $('any').checked = k === null;
    $('exact').checked = k !== null;
    $('k').max = n;
    $('k').disabled = k === null;
    $('k').value = k ?? Math.max(1, n >> 1);
    $('k-out').textContent = k === null ? '' : k;
    $('e').value = e;
    $('e').setAttribute('aria-valuetext', number(10 ** e));
    $('e-out').textContent = number(10 ** e);
    if (document.activeElement !== $('z')) $('z').value = z;
    if (document.activeElement !== $('seed')) $('seed').value = seed;
    $('note').textContent = note;
    $('note').hidden = !note;
  }

  function showCurve() {
    const { chance, expected } = prediction();
    const points = measured.trials
      ? chance.map(([n]) => [n, ...measure.share(measured, n)])
      : [];
    const at = ([n]) => n === state.n;
    const [, predictedHere] = chance.find(at) ?? [0, NaN];
    const here = points.find(at);
    $('chance').textContent = here ? percent(here[1]) : '…';
    const said = Number.isFinite(predictedHere) ? percent(predictedHere) : '—';
    $('theory').textContent = laws.LAWS[state.law].broken
      ? `theory if uniform: ${said}` : `theory: ${said}`;
    const done = measured.trials >= measure.TRIALS;
    $('progress').textContent = `Measured in ${whole(measured.trials)} of ${whole(measure.TRIALS)} draws`;
    $('pause').hidden = done;
    const shown = { n: state.n, theory: chance, expected, measured: points };
    draw.curve((width) => sumsDrawing.curve(width, shown));
  }

  function show() {
    const { law, n, k, z, e } = state;
    const { broken } = laws.LAWS[law];
    const epsilon = 10 ** e;
    const { x, table, time, bins } = known();
    const start = performance.now();
    const best = subsetSum.closest(table, z);
    const hits = subsetSum.count(table, z, epsilon);
    const spent = time + performance.now() - start;
    const total = subsetSum.number(n, k);
    const expected = prediction().expected.find(([at]) => at === n);
    $('error').textContent = number(best.error);
    $('best').textContent = `${best.indices.length} of ${n} numbers, sum ${minus(String(+best.sum.toPrecision(6)))}`;
    $('hits').textContent = whole(hits);
    $('total').textContent = `of ${whole(total)}`
      + (expected ? `; expected${broken ? ' if uniform' : ''}: ${number(expected[1])}` : '');
    $('time').textContent = `Found the best of ${whole(total)} subsets and counted the hits in `
      + `${Math.max(spent, 0.1).toFixed(1)} ms, in this browser.`;
    $('bits').textContent = bits();
    showControls();
    draw.line((width) => {
      const place = sumsDrawing.lineScale(width)(z);
      $('target').style.left = `${(100 * place) / width}%`; // fits a new width before it is drawn
      return sumsDrawing.line(width, { bins, total, z, epsilon, best: best.sum });
    });
    tell($('target'), [LIMITS.z[0], z, LIMITS.z[1]], minus(z.toFixed(2)));
    draw.sample((width) => sumsDrawing.sample(width, x, best.indices));
    showCurve();
    voice.say(`${note} Best subset: ${best.indices.length} of ${n} numbers, error ${number(best.error)}. `
      + `${whole(hits)} of ${whole(total)} subsets hit.`);
  }

  const redraw = framed(show);

  const remeasure = calm(() => {
    const { law, k, z, e, seed } = state;
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    let next = 0;
    $('pause').textContent = 'Stop';
    stop = measure.start({ law, k, z, epsilon: 10 ** e, seed }, (now) => {
      measured = now;
      const done = now.trials >= measure.TRIALS;
      if (!done && (still || performance.now() < next)) return;
      next = performance.now() + 150;
      showCurve();
    });
  }, 250);

  /** Change settings; everything else follows. */
  function change(settings, words = '') {
    voice.wake();
    const old = state;
    state = { ...state, ...settings };
    if (state.k !== null) state.k = Math.max(1, Math.min(state.k, state.n));
    note = words;
    if (['law', 'k', 'z', 'e', 'seed'].some((name) => old[name] !== state[name])) {
      stop();
      measured = { trials: 0, first: [] };
      remeasure();
    }
    keep.write({ ...state, k: state.k ?? 'any' });
    redraw();
  }

  function listen() {
    const on = (name, kind, run) => $(name).addEventListener(kind, () => run($(name)));
    on('law', 'change', ({ value }) => change({ law: value }));
    on('n', 'input', ({ value }) => change({ n: Number(value) }));
    on('any', 'change', () => change({ k: null }));
    on('exact', 'change', () => change({ k: Math.max(1, state.n >> 1) }));
    on('k', 'input', ({ value }) => change({ k: Number(value) }));
    on('e', 'input', ({ value }) => change({ e: Number(value) }));
    for (const name of ['z', 'seed']) {
      on(name, 'input', (field) => {
        if (field.value !== '' && field.checkValidity()) change({ [name]: Number(field.value) });
      });
      on(name, 'blur', showControls);
    }
    on('draw', 'click', () => change({ seed: (state.seed + 1) % 2 ** 32 }));
    on('reset', 'click', () => change(home));
    on('pause', 'click', (button) => {
      if (button.textContent === 'Stop') {
        stop();
        showCurve();
        button.textContent = 'Measure again';
      } else remeasure();
    });
    $('law').form.addEventListener('submit', (event) => event.preventDefault());
    for (const button of document.querySelectorAll('[data-preset]')) {
      button.addEventListener('click', () => {
        const { settings, note: words } = presets[button.dataset.preset];
        change(settings, words);
        if (!button.form) $('line').scrollIntoView({ block: 'center' });
      });
    }
    const area = $('line');
    slider($('target'), area, {
      get: () => state.z,
      set: (z) => change({ z }),
      limits: () => LIMITS.z,
      step: 0.01,
      at: (place) => {
        const box = area.getBoundingClientRect();
        return sumsDrawing.lineScale(box.width).inverse(place - box.left);
      },
    });
    keep.follow((asked) => change(checked(asked)));
  }

  /**
   * Fill in the laws, show the explorer, and begin.
   * @param {HTMLElement} section With the settings to begin with, unless the address has them.
   */
  function start(section) {
    for (const broken of [false, true]) {
      const group = document.createElement('optgroup');
      group.label = broken ? 'The theorem fails' : 'The theorem holds';
      for (const [id, law] of Object.entries(laws.LAWS)) {
        if (law.broken === broken) group.append(new Option(law.name, id));
      }
      $('law').append(group);
    }
    keep = keeper(section);
    voice = announcer($('status'));
    for (const name of ['line', 'sample', 'curve']) draw[name] = drawing($(name), redraw);
    home = checked(new URLSearchParams(section.dataset.settings));
    state = checked(keep.read());
    listen();
    show();
    new IntersectionObserver((seen, observer) => {
      if (!seen.some((one) => one.isIntersecting)) return;
      observer.disconnect();
      remeasure(); // takes a second or two, which a reader elsewhere on the page is spared
    }).observe(section);
  }

  return { start };
})();
