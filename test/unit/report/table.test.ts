import { expect, test } from 'vitest';
import { renderTable, wrapText } from '../../../src/report/table.js';

const COLUMNS = [
  { title: 'node' },
  { title: 'what', flexible: true },
  { title: 'took', align: 'right' as const },
];

test('columns are as wide as their widest cell, and no line ends in spaces', () => {
  expect(
    renderTable(
      COLUMNS,
      [
        ['a', 'short', '1 ms'],
        ['b', 'a little longer', '12 ms'],
      ],
      80,
    ),
  ).toEqual(['node  what              took', 'a     short             1 ms', 'b     a little longer  12 ms']);
  expect(renderTable([{ title: 'x' }, { title: 'y' }], [['1', '']], 80)).toEqual(['x  y', '1']);
});

test('the flexible column is cut where the width is not enough, colours and all', () => {
  const lines = renderTable(COLUMNS, [['a', '\u001b[31mmuch too long for this\u001b[39m', '1 ms']], 26);
  expect(lines).toEqual(['node  what            took', 'a     much too long…  1 ms']);
});

test('without titles there is no title line', () => {
  expect(renderTable([{ title: '' }, { title: '' }], [['k', 'v']], 80)).toEqual(['k  v']);
});

test('text wraps at spaces, with an indent', () => {
  expect(wrapText('one two three four', 9, { indent: 2 })).toEqual(['one two', '  three', '  four']);
  expect(wrapText('one two', 10, { first: '  saw  ' })).toEqual(['  saw  one', '       two']);
  expect(wrapText('unbreakable', 5)).toEqual(['unbreakable']);
});
