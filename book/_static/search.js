'use strict';

/* The search page: every place of the book is looked at, chapters are shown first. */
(() => {
  /** The groups in which results are shown, in their order, with their headings. */
  const GROUPS = new Map([
    ['chapter', 'Chapters'],
    ['page', 'Notation and other pages'],
    ['claims', 'Claims'],
    ['reference', 'The package'],
  ]);

  /** How many results of a group are shown at once, and how many words of each. */
  const SHOWN = 8, WORDS = 36;

  /** Where MathJax is; it is loaded when the first formula is shown. */
  const MATHJAX = document.currentScript.dataset.mathjax;

  /** A formula in a line, spaces, or a word. */
  const TOKENS = /\\\([\s\S]*?\\\)|\s+|(?:(?!\\\()\S)+/g;

  /**
   * @param {string} text
   * @returns {string}
   */
  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

  /**
   * A pattern for words that begin as this one, without its ending; numbers are taken whole.
   * @param {string} word
   * @returns {string}
   */
  const begins = (word) => /^\d+$/.test(word) ? `${word}(?![\\p{L}\\p{N}])` :
    escaped(word.length > 4 ? word.replace(/(ies|y|s)$/, '') : word);

  /**
   * Read a question.
   * @param {string} text
   */
  const read = (text) => {
    const words = text.toLowerCase().match(/[\p{L}\p{N}_.\-]+/gu) ?? [];
    const pattern = (one) => new RegExp(`(?<![\\p{L}\\p{N}])(?:${one})`, 'giu');
    return {
      words: words.map(begins).map(pattern),
      any: pattern(words.map(begins).join('|')),
      phrase: pattern(words.map(begins).join('[^\\p{L}\\p{N}]{1,3}')),
      isName: /\w[._]\w/.test(text),
    };
  };

  /**
   * @param {string} text
   * @param {RegExp} pattern
   * @returns {number}
   */
  const count = (text, pattern) => (text.match(pattern) ?? []).length;

  /** Every place, with its words in one string. */
  const places = searchEntries.places.map(([number, anchor, title, text]) => {
    const [address, pageTitle, kind] = searchEntries.pages[number];
    return {address, anchor, pageTitle, kind, title, text, isPage: title === pageTitle};
  });

  /**
   * The places that have all the words, the best first: words in titles count most, then those that
   * stand together, then how often words occur, rare words more than common ones.
   * @param {ReturnType<typeof read>} question
   */
  const find = ({words, phrase}) => {
    const found = places.map((place) => ({
      place,
      titles: words.map((word) => count(place.title, word)),
      texts: words.map((word) => count(place.text, word)),
    }));
    const rare = words.map((_, i) => {
      const number = found.filter(({titles, texts}) => titles[i] + texts[i] > 0).length;
      return Math.log(1 + places.length / (1 + number));
    });
    const score = ({place, titles, texts}) => words.reduce((sum, _, i) => sum + rare[i] *
      ((titles[i] ? 6 : 0) + Math.log2(1 + texts[i]) / (1 + place.text.length / 4000)), 0) +
      (count(place.title, phrase) ? 12 * words.length : 0) + (count(place.text, phrase) ? 3 : 0) +
      (place.title.search(phrase) === 0 ? 12 : 0) +
      (place.isPage && titles.some(Boolean) ? 4 : 0);
    return found
      .filter(({titles, texts}) => words.every((_, i) => titles[i] + texts[i] > 0))
      .map((one) => ({place: one.place, score: score(one)}))
      .sort((one, other) => other.score - one.score)
      .map(({place}) => place);
  };

  /**
   * Add text to an element, with the words that were asked for marked.
   * @param {Element} element
   * @param {string} text
   * @param {RegExp} any
   */
  const write = (element, text, any) => {
    for (const [token] of text.matchAll(TOKENS)) {
      if (!token.startsWith('\\(') && count(token, any)) {
        const mark = document.createElement('mark');
        mark.textContent = token;
        element.append(mark);
      } else element.append(token);
    }
  };

  /**
   * Cut a text to the words around the first that was asked for; no formula is cut.
   * @param {string} text
   * @param {RegExp} any
   * @returns {string}
   */
  const excerpt = (text, any) => {
    const tokens = text.match(TOKENS) ?? [];
    const hit = tokens.findIndex((one) => !one.startsWith('\\(') && count(one, any));
    const start = Math.max(0, Math.min(hit - WORDS / 2, tokens.length - 2 * WORDS));
    const end = start + 2 * WORDS;
    return (start > 0 ? '… ' : '') + tokens.slice(start, end).join('').trim() +
      (end < tokens.length ? ' …' : '');
  };

  /**
   * One result: a link to the place, the page that it is on, and words from it.
   * @param {(typeof places)[number]} place
   * @param {RegExp} any
   * @param {string} asked
   */
  const item = (place, any, asked) => {
    const [li, link, page, words] = ['li', 'a', 'span', 'p']
      .map((name) => document.createElement(name));
    const mark = place.kind === 'reference' ? '' : `?highlight=${encodeURIComponent(asked)}`;
    link.href = `${place.address}${mark}${place.anchor ? `#${place.anchor}` : ''}`;
    write(link, place.title, any);
    page.className = 'search-page-title';
    write(page, place.isPage ? '' : place.pageTitle, any);
    write(words, excerpt(place.text, any), any);
    li.append(link, ' ', page, words);
    return li;
  };

  /**
   * Set the formulas of an element.
   * @param {Element} element
   */
  const typeset = (element) => {
    if (!element.textContent.includes('\\(')) return;
    if (window.MathJax?.typesetPromise) {
      MathJax.startup.promise.then(() => MathJax.typesetPromise([element]));
    } else if (!window.MathJax) {
      window.MathJax = {
        options: {menuOptions: {settings: {assistiveMml: true, inTabOrder: false}}},
        startup: {elements: [document.getElementById('search-results')]},
      };
      const script = document.createElement('script');
      script.src = MATHJAX;
      document.head.append(script);
    }
  };

  /**
   * One group of results, of which the first are shown.
   * @param {string} heading
   * @param {typeof places} found
   * @param {RegExp} any
   * @param {string} asked
   */
  const group = (heading, found, any, asked) => {
    const [section, title, list] = ['section', 'h2', 'ol']
      .map((name) => document.createElement(name));
    title.textContent = `${heading} (${found.length})`;
    const add = (some) => {
      const items = some.map((place) => item(place, any, asked));
      list.append(...items);
      return items;
    };
    add(found.slice(0, SHOWN));
    section.append(title, list);
    if (found.length > SHOWN) {
      const more = document.createElement('button');
      more.type = 'button';
      more.textContent = `Show the other ${found.length - SHOWN}`;
      more.addEventListener('click', () => {
        more.remove();
        const items = add(found.slice(SHOWN));
        typeset(list);
        items[0].querySelector('a').focus();
      });
      section.append(more);
    }
    return section;
  };

  const input = document.getElementById('search-words');
  const results = document.getElementById('search-results');
  const summary = document.getElementById('search-summary');

  /** Show what is found for what the field holds. */
  const show = () => {
    const asked = input.value.trim();
    const question = read(asked);
    if (window.MathJax?.typesetClear) MathJax.typesetClear([results]);
    results.replaceChildren();
    summary.textContent = '';
    if (question.words.length === 0) return;
    const found = find(question);
    summary.textContent = found.length === 0 ? `No place in the book has “${asked}”.` :
      `${found.length} ${found.length === 1 ? 'place has' : 'places have'} “${asked}”.`;
    const kinds = [...GROUPS.keys()];
    if (question.isName) kinds.unshift(kinds.pop());
    for (const kind of kinds) {
      const some = found.filter((place) => place.kind === kind);
      if (some.length) results.append(group(GROUPS.get(kind), some, question.any, asked));
    }
    typeset(results);
  };

  let waiting = 0;
  input.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 150);
  });
  input.value = new URLSearchParams(location.search).get('q') ?? '';
  if (input.value === '') input.focus();
  show();
})();
