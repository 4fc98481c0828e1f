'use strict';
// The page is complete without this script. It adds what marks say at the pointer and under the arrow keys, and the
// choice of the point whose confusion matrix is shown.
(() => {
  const tip = document.getElementById('tip');
  const hide = () => { tip.hidden = true; };
  const show = (mark) => {
    tip.textContent = mark.getAttribute('aria-label');
    tip.hidden = false;
    const box = mark.getBoundingClientRect();
    const width = tip.offsetWidth, height = tip.offsetHeight;
    const left = Math.min(Math.max(8, box.left + box.width / 2 - width / 2), innerWidth - width - 8);
    const above = box.top - height - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 4 ? above : box.bottom + 8}px`;
  };
  // The script's own words stand in place of the browser's slow ones.
  const name = (mark) => {
    const title = mark.querySelector(':scope > title');
    if (title) {
      mark.setAttribute('aria-label', title.textContent);
      title.remove();
    }
  };
  for (const picture of document.querySelectorAll('.picture')) {
    const marks = [...picture.querySelectorAll('.mark, .mzi, .screen')].filter((mark) => mark.querySelector(':scope > title'));
    if (marks.length === 0) continue;
    marks.forEach(name);
    picture.tabIndex = 0;
    picture.setAttribute('role', 'group');
    const heading = picture.parentElement.querySelector('h3');
    picture.setAttribute('aria-label', `${heading.textContent}: arrow keys read its ${marks.length} values`);
    let at = -1;
    const read = (index) => {
      if (marks[at]) marks[at].classList.remove('read');
      at = index;
      if (marks[at]) {
        marks[at].classList.add('read');
        marks[at].scrollIntoView({ block: 'nearest', inline: 'nearest' });
        show(marks[at]);
      } else {
        hide();
      }
    };
    picture.addEventListener('keydown', (event) => {
      const next = {
        ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at < 0 ? marks.length - 1 : at - 1,
        ArrowUp: at < 0 ? marks.length - 1 : at - 1, Home: 0, End: marks.length - 1,
      }[event.key];
      if (event.key === 'Escape') read(-1);
      if (next === undefined) return;
      event.preventDefault();
      read((next + marks.length) % marks.length);
    });
    picture.addEventListener('blur', () => read(-1));
    picture.addEventListener('pointerover', (event) => {
      const mark = event.target.closest('.mark, .mzi, .screen');
      if (mark && mark.hasAttribute('aria-label')) show(mark);
    });
    picture.addEventListener('pointerout', hide);
  }
  const choice = document.getElementById('confusion-point');
  if (choice) {
    const { classes, counts, colors, names } = JSON.parse(document.getElementById('confusion-data').textContent);
    const figure = choice.closest('figure');
    const caption = figure.querySelector('figcaption');
    let named = choice.selectedOptions[0].textContent;
    choice.parentElement.hidden = false;
    const name = (at) => (names && names[at] !== undefined ? names[at] : String(at));
    const worded = (at) => (names && names[at] !== undefined ? names[at] : `class ${at}`);
    const share = (row, predicted) => {
      const all = Math.max(1, row.reduce((sum, count) => sum + count, 0));
      return Math.round(1000 * row[predicted] / all) / 10;
    };
    const rows = (numbers) => [...Array(classes).keys()].map((label) => numbers.slice(label * classes, (label + 1) * classes));
    // The end of the scale off the diagonal, as the file has it.
    const mostOf = ({ chips, digital }) => Math.ceil(Math.max(1, ...[chips, digital].flatMap((numbers) => rows(numbers)
      .flatMap((row, label) => row.map((_, predicted) => (predicted === label ? 0 : share(row, predicted)))))));
    const fill = (by, numbers, most) => {
      for (const [label, row] of rows(numbers).entries()) {
        const all = Math.max(1, row.reduce((sum, count) => sum + count, 0));
        row.forEach((count, predicted) => {
          const cell = figure.querySelector(`[data-cell="${by}-${label}-${predicted}"]`);
          const rounded = share(row, predicted);
          const [ends, whole] = predicted === label ? [colors[0], 100] : [colors[1], most];
          const [color, ink] = ends[Math.round(100 * (rounded / whole))];
          cell.querySelector('rect').setAttribute('fill', color);
          const text = cell.querySelector('text');
          text.setAttribute('fill', ink);
          if (count === 0) text.textContent = '';
          else if (100 * count / all < 9.95) text.textContent = rounded.toFixed(1);
          else text.textContent = Math.round(100 * count / all).toFixed(0);
          const samples = count === 1 ? 'sample' : 'samples';
          const says = `${by}: ${worded(label)} taken for ${name(predicted)}: ${rounded.toFixed(1)} % (${count} ${samples})`;
          cell.setAttribute('aria-label', says);
        });
      }
    };
    choice.addEventListener('change', () => {
      const most = mostOf(counts[choice.value]);
      fill('chips', counts[choice.value].chips, most);
      fill('digital', counts[choice.value].digital, most);
      figure.querySelector('.most').textContent = `taken for another, 0 to ${most} %`;
      const now = choice.selectedOptions[0].textContent;
      caption.textContent = caption.textContent.replace(named, now);
      named = now;
    });
  }
})();
