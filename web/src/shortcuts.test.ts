import { describe, expect, test } from 'vitest';
import { actionOf, shortcutGroups, type Press } from './shortcuts';

const press = (key: string, change: Partial<Press> = {}): Press => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  repeat: false,
  ...change,
});

describe('shortcuts', () => {
  test.each([
    ['m', 'microphone'],
    ['M', 'microphone'],
    ['v', 'camera'],
    ['s', 'share'],
    ['h', 'hand'],
    ['r', 'record'],
    ['f', 'fullscreen'],
    ['c', 'chat'],
    ['p', 'people'],
    ['+', 'zoomIn'],
    ['=', 'zoomIn'],
    ['-', 'zoomOut'],
    ['0', 'fit'],
    ['1', 'oneToOne'],
    ['?', 'help'],
    [' ', 'talk'],
  ])('%s is %s', (key, action) => {
    expect(actionOf(press(key), 'page')).toBe(action);
  });
  test('rest while somebody types or a dialog is open', () => {
    expect(actionOf(press('m'), 'field')).toBeUndefined();
    expect(actionOf(press('m'), 'dialog')).toBeUndefined();
  });
  test('leave the browser its own', () => {
    expect(actionOf(press('c', { ctrlKey: true }), 'page')).toBeUndefined();
    expect(actionOf(press('f', { metaKey: true }), 'page')).toBeUndefined();
    expect(actionOf(press('v', { altKey: true }), 'page')).toBeUndefined();
    expect(actionOf(press('Tab'), 'page')).toBeUndefined();
  });
  test('the space bar presses the control that has the focus', () => {
    expect(actionOf(press(' '), 'control')).toBeUndefined();
    expect(actionOf(press('m'), 'control')).toBe('microphone');
  });
  test('a key held down zooms on, but switches once', () => {
    expect(actionOf(press('m', { repeat: true }), 'page')).toBeUndefined();
    expect(actionOf(press(' ', { repeat: true }), 'page')).toBeUndefined();
    expect(actionOf(press('+', { repeat: true }), 'page')).toBe('zoomIn');
  });
  test('the sheet names each key once', () => {
    const keys = shortcutGroups.flatMap(({ rows }) => rows.flatMap((row) => row.keys));
    expect(new Set(keys).size).toBe(keys.length);
  });
});
